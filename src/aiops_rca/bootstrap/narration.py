"""The language model step put together, the same way in the service and in its correlator."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.domain.errors import InputError
from aiops_rca.enrich.asking import CLIENT_ERROR, Reply, Request, StepError
from aiops_rca.enrich.models import cost_usd, model_of
from aiops_rca.narrator.allowance import Allowance
from aiops_rca.narrator.step import Narrator
from aiops_rca.settings import Llm

if TYPE_CHECKING:
    from aiops_rca.adapters.llm.provider import Provider

log = logging.getLogger("aiops_rca.llm")


class Unusable:
    """Stands where a provider would, if the settings or the machine let there be one."""

    def __init__(self, why: str) -> None:
        self._why = why

    def closed(self) -> StepError:
        """Always."""
        return StepError(CLIENT_ERROR, self._why)

    async def ask(self, request: Request, check: Callable[[Reply], object], *, deadline: float) -> Reply:  # noqa: ARG002
        """Raises StepError."""
        raise self.closed()


class Narration:
    """One per process and event loop. Without a key nothing of the provider's SDK is even imported."""

    def __init__(self, settings: Llm, allowance: Allowance, metrics: LlmMetrics) -> None:
        self._provider: Provider | None = None
        unusable: Unusable | None = None
        if settings.api_key is not None:  # who has one for other tools should see that it is used here too
            told = {"model": settings.model, "base_url": settings.base_url, "use_llm": allowance.setting}
            log.info("a language model may put diagnoses into words", extra={"event": told})
            try:
                self._provider = _provider(settings, metrics)
            except InputError as error:
                # a step that nobody depends on must not keep the service from starting
                log.error("nobody can be asked", extra={"event": {"reason": str(error)}})  # noqa: TRY400
                unusable = Unusable(str(error))
        self.narrator = Narrator(self._provider or unusable, allowance, metrics, settings)

    async def close(self) -> None:
        """End what is under way; called from the event loop that asked."""
        if self._provider is not None:
            await self._provider.close()


def _provider(settings: Llm, metrics: LlmMetrics) -> Provider:
    from aiops_rca.adapters.llm.provider import Provider  # noqa: PLC0415 - costs who has no key nothing

    given = model_of(settings.model)
    model = given._replace(
        usd_in=given.usd_in if settings.usd_per_mtok_in is None else settings.usd_per_mtok_in,
        usd_out=given.usd_out if settings.usd_per_mtok_out is None else settings.usd_per_mtok_out,
    )
    return Provider(settings, metrics, partial(cost_usd, model))
