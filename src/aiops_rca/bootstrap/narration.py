"""The language model step put together, the same way in the service and in its correlator."""

from __future__ import annotations

import logging
from functools import partial

from aiops_rca.adapters.llm.provider import Provider
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.enrich.models import cost_usd, model_of
from aiops_rca.narrator.allowance import Allowance
from aiops_rca.narrator.step import Narrator
from aiops_rca.settings import Llm

log = logging.getLogger("aiops_rca.llm")


class Narration:
    """One per process and event loop. Without a key nothing of the provider's SDK is even imported.

    Raises InputError where the settings name no place that can be asked.
    """

    def __init__(self, settings: Llm, allowance: Allowance, metrics: LlmMetrics) -> None:
        given = model_of(settings.model)
        model = given._replace(
            usd_in=given.usd_in if settings.usd_per_mtok_in is None else settings.usd_per_mtok_in,
            usd_out=given.usd_out if settings.usd_per_mtok_out is None else settings.usd_per_mtok_out,
        )
        has_key = settings.api_key is not None
        if has_key:  # who has one for other tools should see that it is used here too
            told = {"model": settings.model, "base_url": settings.base_url, "enabled": allowance.enabled}
            log.info("a language model may put diagnoses into words", extra={"event": told})
        self._provider = Provider(settings, metrics, partial(cost_usd, model)) if has_key else None
        self.narrator = Narrator(self._provider, allowance, metrics, settings)

    async def close(self) -> None:
        """End what is under way; called from the event loop that asked."""
        if self._provider is not None:
            await self._provider.close()
