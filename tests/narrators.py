"""A narrator that says what the test wants, when it wants: real coroutines, no model."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace

from aiops_rca.domain.diagnosis import FAILED, WITH_LLM, Diagnosis
from aiops_rca.domain.narrative import Narrative, Sentence, Usage, Vote
from aiops_rca.domain.release import Release
from aiops_rca.enrich.dossier import CANDIDATES
from aiops_rca.enrich.fuse import fuse
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.pipeline import moved, rival_cases

Answer = Callable[[Diagnosis, Release], Outcome]


class Asked:
    """One question, and the answer that is awaited."""

    def __init__(self, diagnosis: Diagnosis, release: Release, summaries: Mapping[str, str]) -> None:
        self.diagnosis, self.summaries = diagnosis, summaries
        self.cancelled = False
        self._release = release
        self._answer: Future[Answer] = Future()

    def answer(self, answer: Answer) -> None:
        """Let the question be answered."""
        self._answer.set_result(answer)

    async def wait(self) -> Outcome:
        """The answer, once there is one."""
        try:
            answer = await asyncio.wrap_future(self._answer)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return answer(self.diagnosis, self._release)


class Teller:
    """Answers when told to. *reason* is why nobody would be asked now.

    *skips* counts what was not asked, *failures* what failed elsewhere.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        self.asked: list[Asked] = []
        self.skips: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.reason: str | None = None
        self._always = answer

    def closed(self) -> str | None:
        """See `Narrator`."""
        return self.reason

    def refusal(self, diagnosis: Diagnosis) -> str | None:  # noqa: ARG002 - one reason for all
        """See `Narrator`."""
        return self.reason

    def skipped(self, reason: str) -> None:
        """See `Narrator`."""
        self.skips[reason] += 1

    def failed(self, reason: str) -> None:
        """See `Narrator`."""
        self.failures[reason] += 1

    async def narrate(
        self, diagnosis: Diagnosis, release: Release, *, summaries: Mapping[str, str]
    ) -> Outcome:
        """See `Narrator`."""
        asked = Asked(diagnosis, release, summaries)
        if self._always is not None:
            asked.answer(self._always)
        self.asked.append(asked)
        return await asked.wait()


def words(diagnosis: Diagnosis, release: Release) -> Outcome:  # noqa: ARG001 - an answer
    """One sentence that cites all the evidence, and every action to begin with."""
    return Outcome(replace(diagnosis, method=WITH_LLM, narrative=_narrative(diagnosis, None)))


def suspicious(diagnosis: Diagnosis, release: Release) -> Outcome:
    """Words, and a warning about what they were made of."""
    return words(diagnosis, release)._replace(trouble="alert text looks like instructions")


def nothing(diagnosis: Diagnosis, release: Release) -> Outcome:  # noqa: ARG001 - an answer
    """The provider was too slow."""
    return Outcome(replace(diagnosis, method=FAILED), "timeout: no answer")


def fault(diagnosis: Diagnosis, release: Release) -> Outcome:  # noqa: ARG001 - an answer
    """A fault of ours, whose text holds what nobody should log."""
    raise LookupError("the whole prompt")


def vote_for(service: str) -> Answer:
    """Words, and a vote for *service* with all the evidence about it."""

    def answer(diagnosis: Diagnosis, release: Release) -> Outcome:
        cases = rival_cases(diagnosis, release, count=CANDIDATES)
        place = next(i for i, case in enumerate(cases) if case.candidate.service == service)
        supports = tuple(piece for piece in cases[place].evidence if piece.kind != "symptom")
        fusion = fuse(diagnosis.ranking.candidates, place, supports=len(supports), contradicts=0)
        vote = Vote(service, supports, (), fusion.weight, fusion.moved)
        voted = moved(diagnosis, cases[place], fusion.confidence, release) if fusion.moved else diagnosis
        return Outcome(replace(voted, method=WITH_LLM, narrative=_narrative(voted, vote)))

    return answer


def eventually(holds: Callable[[], object]) -> None:
    """Return once *holds*; fail after five seconds."""
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline, "it never was so"
        time.sleep(0.001)


def _narrative(diagnosis: Diagnosis, vote: Vote | None) -> Narrative:
    named = diagnosis.named
    text = f"It began at {named.service if named else 'nothing'}, with {diagnosis.cluster.signals} signals."
    return Narrative(
        sentences=(Sentence(text, diagnosis.ranking.evidence),),
        first_actions=tuple(action.id for action in diagnosis.actions),
        proposals=("Ask the team on duty",),
        vote=vote,
        prompt_id="prompt:1",
        schema_id="schema:1",
        model="a-model",
        usage=Usage(100, 10),
    )
