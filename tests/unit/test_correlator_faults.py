"""A fault of ours in one incident: it keeps the graph's answer and goes on, and so do all the others."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from aiops_rca.correlator.diagnosing import Made
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.event import AlertEvent
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import PART
from aiops_rca.enrich.outcome import Outcome
from diagnosed import QUIET, SETTLE, Line
from narrators import Teller, eventually, words
from stream import T0, firing, resolved

FAILED, WITH_LLM, PENDING = "graph-only-llm-failed", "graph+llm", "graph-only-pending"
POISONED, SOUND = "a", "h"  # two services, and so two incidents


class Poison(tuple[str, ...]):
    """Actions that cannot be looked at once they are *armed*."""

    armed = False
    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        """Raise LookupError, if armed."""
        if Poison.armed:
            raise LookupError("cannot be dealt with")
        return super().__iter__()


class PoisonedVersions(UserDict[str, str]):
    """What no document can be written with, once the poison is armed."""

    def __iter__(self) -> Iterator[str]:
        """Raise LookupError, if armed."""
        if Poison.armed:
            raise LookupError("cannot be written")
        return super().__iter__()


class Doubter(Teller):
    """Cannot tell whether it would be asked about the poisoned incident, once the poison is armed."""

    def refusal(self, diagnosis: Diagnosis) -> str | None:
        """See `Narrator`."""
        if Poison.armed and POISONED in diagnosis.cluster.services:
            raise LookupError("cannot tell")
        return super().refusal(diagnosis)


def poisoned(diagnosis: Diagnosis, release: Release) -> Outcome:
    """Words with poison in them, about the one incident, until it is armed."""
    outcome = words(diagnosis, release)
    narrative = outcome.diagnosis.narrative
    if narrative is None or Poison.armed or POISONED not in diagnosis.cluster.services:
        return outcome
    bad = replace(narrative, first_actions=Poison(narrative.first_actions))
    return Outcome(replace(outcome.diagnosis, narrative=bad))


@pytest.fixture
def lines() -> Iterator[Callable[[Teller], Line]]:
    """Make lines; each is closed in the end, and the poison is put away."""
    made: list[Line] = []

    def make(teller: Teller) -> Line:
        made.append(Line(teller=teller))
        return made[-1]

    yield make
    Poison.armed = False
    for line in made:
        line.close()


def both(at: float, *metrics: str) -> list[AlertEvent]:
    """*metrics* of either service fire."""
    return [firing(service, at, metric=metric) for service in (POISONED, SOUND) for metric in metrics]


def two_answered(line: Line, *, armed: bool = False) -> Made:
    """Let both incidents be answered in one step."""
    line.tell(*both(0, "x", "y"), at=1)
    line.begun(1 + SETTLE, calls=2)
    assert line.narrating is not None
    calls = [*line.narrating._calls.values()]
    eventually(lambda: all(call.future.done() for call in calls))
    Poison.armed = armed
    return line.wait(7)


def methods(line: Line, service: str) -> list[str]:
    """How each diagnosis of the incident of *service* came about, by number."""
    return [shown.root_cause.method for shown in line.shown() if shown.root_cause.service == service]


def assert_fault_told(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """Only the poisoned incident has failed: in its document, in the log, in the figures."""
    last = [shown for shown in line.shown() if shown.root_cause.service == POISONED][-1]
    said = [piece.reason for piece in last.degraded if piece.part == PART]
    assert (last.root_cause.method, last.narrative) == (FAILED, None)
    assert said == ["client_error: a fault of the service; see its log"]
    (entry,) = (entry for entry in caplog.records if entry.levelname == "ERROR")
    assert entry.exc_info is not None
    assert line.teller is not None
    assert line.teller.failures == {"client_error": 1}


def test_a_fault_in_one_answer(lines: Callable[[Teller], Line], caplog: pytest.LogCaptureFixture) -> None:
    """Both answers are there at once; the one that cannot be shown leaves its incident to the graph."""
    line = lines(Teller(poisoned))
    made = two_answered(line, armed=True)

    assert len(made.diagnoses) == 2
    assert (methods(line, POISONED), methods(line, SOUND)) == ([FAILED], [WITH_LLM])
    assert_fault_told(line, caplog)


def test_a_fault_in_what_is_carried(
    lines: Callable[[Teller], Line], caplog: pytest.LogCaptureFixture
) -> None:
    """A newer diagnosis cannot take the old words along: they are let go, and the next one gets new ones."""
    line = lines(Teller(poisoned))
    two_answered(line)
    Poison.armed = True
    line.tell(*both(8, "z"), at=9)
    assert_fault_told(line, caplog)
    assert (methods(line, POISONED), methods(line, SOUND)) == ([WITH_LLM, FAILED], [WITH_LLM, WITH_LLM])
    line.tell(*both(10, "v"), at=11)
    line.begun(1 + SETTLE + QUIET, calls=3)
    line.worded(70)

    assert methods(line, POISONED) == [WITH_LLM, FAILED, WITH_LLM]


def test_a_fault_at_the_end_of_one(lines: Callable[[Teller], Line], caplog: pytest.LogCaptureFixture) -> None:
    """What awaited new words beside old ones cannot show these when its incident is over."""
    line = lines(Teller(poisoned))
    two_answered(line)
    line.tell(*both(8, "z", "v"), at=9)
    Poison.armed = True
    line.tell(*over(8, "z", "v"), *over(0, "x", "y"), at=10)

    assert (methods(line, POISONED), methods(line, SOUND)) == ([WITH_LLM, FAILED], [WITH_LLM, WITH_LLM])
    assert_fault_told(line, caplog)


def test_a_fault_in_one_that_is_reopened(
    lines: Callable[[Teller], Line], caplog: pytest.LogCaptureFixture
) -> None:
    """What is awaited once more cannot show the old words meanwhile."""
    line = lines(Teller(poisoned))
    two_answered(line)
    line.tell(*both(8, "z", "v"), at=9)
    line.tell(*over(8, "z", "v"), *over(0, "x", "y"), at=10)
    Poison.armed = True
    line.tell(*both(11, "x"), at=11)

    assert (methods(line, POISONED), methods(line, SOUND)) == ([WITH_LLM, FAILED], [WITH_LLM, WITH_LLM])
    assert_fault_told(line, caplog)


@pytest.mark.parametrize("begins", [True, False])
def test_a_fault_in_deciding(
    lines: Callable[[Teller], Line],
    caplog: pytest.LogCaptureFixture,
    begins: bool,  # noqa: FBT001 - a table
) -> None:
    """Whether to ask is decided when a diagnosis is made, and again when it is due; never over and over."""
    line = lines(Doubter(words))
    Poison.armed = begins
    line.tell(*both(0, "x", "y"), at=1)
    Poison.armed = True
    at_first = methods(line, POISONED)
    line.begun(1 + SETTLE, calls=1)
    line.worded(7)

    assert at_first == [FAILED if begins else PENDING]
    assert (methods(line, POISONED), methods(line, SOUND)) == ([FAILED], [WITH_LLM])
    assert_fault_told(line, caplog)
    assert not line.diagnosing.has_work(T0 + 300_000)


def test_a_fault_that_leaves_no_document() -> None:
    """Where not even the graph's answer can be written, what is stored stays; later diagnoses are written."""
    line = Line(teller=Teller(words), versions=PoisonedVersions())
    assert line.teller is not None
    try:
        answered = two_answered(line, armed=True)
        failed = line.tell(*both(8, "z", "v"), at=9)
        Poison.armed = False
        line.tell(*both(10, "w", "u"), at=11)
        line.begun(1 + SETTLE + QUIET, calls=4)
    finally:
        Poison.armed = False
        line.close()

    assert (answered.diagnoses, failed.diagnoses) == ((), ())
    assert [happening.kind for happening in failed.happenings] == ["diagnosis failed"] * 2
    assert methods(line, SOUND) == [PENDING, PENDING]
    assert line.teller.failures == {"client_error": 4}


def test_what_is_superseded_by_a_fault_awaits_nothing() -> None:
    """The document that is there ends, though there is no newer one."""
    line = Line(teller=Teller(words), versions=PoisonedVersions())
    try:
        line.tell(*both(0, "x", "y"), at=1)
        Poison.armed = True
        line.tell(*both(2, "z", "v"), at=3)
        line.wait(4)
    finally:
        Poison.armed = False
        line.close()

    assert (methods(line, POISONED), methods(line, SOUND)) == (["graph-only-skipped"], ["graph-only-skipped"])


def over(began: float, *metrics: str) -> list[AlertEvent]:
    """*metrics* of either service, firing since *began*, end."""
    return [
        resolved(service, began, 10, metric=metric) for service in (POISONED, SOUND) for metric in metrics
    ]
