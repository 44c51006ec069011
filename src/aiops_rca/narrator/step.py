"""The step from a diagnosis to one with a narrative: gate, question, answer, checks, fusion.

Never raises but for cancellation: what goes wrong leaves the graph's own diagnosis, says so in its method
and in words, and is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from aiops_rca.domain.diagnosis import FAILED, WITH_LLM, Diagnosis
from aiops_rca.domain.narrative import Narrative, Usage, Vote
from aiops_rca.domain.record import TrackRecord
from aiops_rca.domain.release import Release
from aiops_rca.enrich import gate
from aiops_rca.enrich.answer import Reading, read
from aiops_rca.enrich.asking import (
    BUSY,
    CIRCUIT_OPEN,
    CLIENT_ERROR,
    NO_KEY,
    OUR_FAULT,
    NotAskedError,
    Reply,
    Request,
    StepError,
)
from aiops_rca.enrich.dossier import CANDIDATES, Dossier, dossier
from aiops_rca.enrich.fuse import fuse
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.enrich.prompt import PROMPT_ID, SCHEMA_ID, request
from aiops_rca.pipeline import moved, rival_cases
from aiops_rca.settings import Llm

log = logging.getLogger("aiops_rca.narrator")

_NO_SUMMARIES: Mapping[str, str] = {}


class Provider(Protocol):
    """Who is asked; see `adapters.llm.provider`."""

    def closed(self) -> StepError | NotAskedError | None:
        """Why asking anything would be in vain just now; cheap."""
        ...

    async def ask(self, request: Request, check: Callable[[Reply], object], *, deadline: float) -> Reply:
        """The reply, once *check* has accepted it; *deadline* is in the event loop's time.

        Raises StepError and NotAskedError.
        """
        ...


class Allowance(Protocol):
    """Whether the model may be asked now, and how right the system has been; see `narrator.allowance`."""

    @property
    def enabled(self) -> bool:
        """The switch."""
        ...

    @property
    def record(self) -> TrackRecord:
        """How often confident diagnoses were right."""
        ...


class Recorder(Protocol):
    """Where the figures of the step go."""

    def skipped(self, reason: str, count: int = 1) -> None:
        """Nobody was asked."""
        ...

    def failed(self, reason: str) -> None:
        """A step failed."""
        ...

    def narrated(self, *, moved: bool) -> None:
        """A diagnosis got its narrative."""
        ...

    def dropped(self, what: str, count: int) -> None:
        """Parts of an answer that did not check out."""
        ...


class Narrator:
    """Puts diagnoses into words. *provider* is None where there is no key."""

    def __init__(
        self, provider: Provider | None, allowance: Allowance, recorder: Recorder, settings: Llm
    ) -> None:
        self._provider, self._allowance, self._recorder = provider, allowance, recorder
        self._model, self._seconds = settings.model, settings.timeout_s
        self._terms = gate.SkipTerms(settings.skip_from, settings.skip_record, settings.skip_right)
        # Of its own: what else runs beside the event loop, a database that hangs, must not hold it up.
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="dossier")

    def closed(self) -> str | None:
        """Why nobody at all is asked now: a reason of `asking.SKIPS`; None when somebody may be."""
        return gate.closed(has_key=self._provider is not None, enabled=self._allowance.enabled)

    def refusal(self, diagnosis: Diagnosis) -> str | None:
        """Why nobody would be asked about *diagnosis* now: a reason of `asking.SKIPS`; None when worth it."""
        return self.closed() or gate.refusal(diagnosis, self._terms, self._allowance.record)

    def skipped(self, reason: str, count: int = 1) -> None:
        """Count diagnoses about which nobody was asked, for a *reason* of `asking.SKIPS`."""
        self._recorder.skipped(reason, count)

    def failed(self, reason: str) -> None:
        """Count a step that failed before or after `narrate`, for a *reason* of `asking.FAILURES`."""
        self._recorder.failed(reason)

    async def narrate(
        self,
        diagnosis: Diagnosis,
        release: Release,
        *,
        target: str | None = None,
        summaries: Mapping[str, str] = _NO_SUMMARIES,
        deadline: float | None = None,
    ) -> Outcome:
        """Put *diagnosis*, which *release* made for *target*, into words, if it is worth a call.

        *summaries* are what senders wrote of alerts, by alert id. *deadline*, in the event loop's time, is
        that of the whole step; without it the step has the configured time.
        """
        reason = self.refusal(diagnosis)
        if reason is not None or self._provider is None:
            return self._not_asked(diagnosis, NotAskedError(reason or NO_KEY, ""))
        end = asyncio.get_running_loop().time() + self._seconds if deadline is None else deadline
        try:
            _check_open(self._provider)  # first of all: a question takes longer than many an answer
            known, question = await self._question(diagnosis, release, target, summaries, end)
            reading, usage = await self._answer(self._provider, known, question, end)
            return self._narrated(diagnosis, release, known, reading, usage)
        except NotAskedError as error:
            return self._not_asked(diagnosis, error)
        except StepError as error:
            return self._failed(diagnosis, error)
        except Exception:  # a fault of ours: the graph's diagnosis stands, and it must be seen
            log.exception("the narrative failed")
            return self._failed(diagnosis, StepError(CLIENT_ERROR, OUR_FAULT))

    async def _question(
        self,
        diagnosis: Diagnosis,
        release: Release,
        target: str | None,
        summaries: Mapping[str, str],
        deadline: float,
    ) -> tuple[Dossier, Request]:
        """The question about *diagnosis*, made beside the event loop: senders decide how much text it has."""

        def prepare() -> tuple[Dossier, Request]:
            cases = rival_cases(diagnosis, release, target=target, count=CANDIDATES)
            known = dossier(diagnosis, cases, release.graph, summaries=summaries)
            return known, request(known, self._model)

        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.get_running_loop().run_in_executor(self._beside, prepare)
        except TimeoutError:
            raise NotAskedError(BUSY, "the question was not ready in time") from None

    async def _answer(
        self, provider: Provider, known: Dossier, question: Request, deadline: float
    ) -> tuple[Reading, Usage]:
        """What the model said, checked. Drops are counted once, by whoever's question went out."""
        own: dict[Reply, Reading] = {}

        def check(reply: Reply) -> None:
            try:
                own[reply] = reading = read(reply, known)
            except StepError as error:
                self._count(error.dropped)
                raise
            self._count(reading.dropped)

        reply = await provider.ask(question, check, deadline=deadline)
        return own.get(reply) or read(reply, known), reply.usage

    def _count(self, dropped: Mapping[str, int]) -> None:
        for what, count in dropped.items():
            self._recorder.dropped(what, count)

    def _narrated(
        self, diagnosis: Diagnosis, release: Release, known: Dossier, reading: Reading, usage: Usage
    ) -> Outcome:
        voted, vote = self._fused(diagnosis, release, known, reading)
        narrative = Narrative(
            sentences=reading.sentences,
            first_actions=reading.first_actions,
            proposals=reading.proposals,
            vote=vote,
            prompt_id=PROMPT_ID,
            schema_id=SCHEMA_ID,
            model=self._model,
            usage=usage,
        )
        self._recorder.narrated(moved=voted.moved_to is not None)
        return Outcome(replace(voted, method=WITH_LLM, narrative=narrative), _suspicion(known, reading))

    def _fused(
        self, diagnosis: Diagnosis, release: Release, known: Dossier, reading: Reading
    ) -> tuple[Diagnosis, Vote | None]:
        """*diagnosis*, moved to the chosen candidate where the vote counts for enough; and the vote."""
        if reading.choice is None:
            return diagnosis, None
        case = known.candidates[reading.choice]
        service = case.candidate.service
        vote = Vote(service, reading.supports, reading.contradicts)
        # Not towards a name that only the alerts know: whoever sends them could have made it up.
        if _suspicion(known, reading) is not None or service not in release.graph.nodes:
            return diagnosis, vote
        fusion = fuse(
            diagnosis.ranking.candidates,
            reading.choice,
            supports=len(reading.supports),
            contradicts=len(reading.contradicts),
        )
        vote = replace(vote, weight=fusion.weight, moved=fusion.moved)
        return moved(diagnosis, case, fusion.confidence, release) if fusion.moved else diagnosis, vote

    def _not_asked(self, diagnosis: Diagnosis, error: NotAskedError) -> Outcome:
        self._recorder.skipped(error.reason)
        trouble = f"{error.reason}: {error.detail}" if error.detail else None
        return Outcome(replace(diagnosis, method=gate.method_of(error.reason)), trouble)

    def _failed(self, diagnosis: Diagnosis, error: StepError) -> Outcome:
        self._recorder.failed(error.reason)
        # that the circuit has opened was logged then
        level = logging.DEBUG if error.reason == CIRCUIT_OPEN else logging.WARNING
        log.log(level, "no narrative", extra={"event": {"reason": error.reason, "detail": error.detail}})
        return Outcome(replace(diagnosis, method=FAILED), f"{error.reason}: {error.detail}")


def _check_open(provider: Provider) -> None:
    """Raise what *provider* would answer anybody just now."""
    vain = provider.closed()
    if vain is not None:
        raise vain


def _suspicion(known: Dossier, reading: Reading) -> str | None:
    """What speaks for an attempt to talk to the model through the alerts, in words."""
    if known.tampering:
        signs = ", ".join(known.tampering)
        return (
            f"alert text looks like instructions to the model ({signs}): withheld, and the vote not counted"
        )
    if reading.suspicious:
        return "the model takes some alert text for instructions to it; its vote was not counted"
    return None
