"""Which waiting notices become a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.correlator.coalescing import (
    DROP,
    TELL,
    WAIT,
    Decision,
    backoff_ms,
    decide,
    due_incidents,
    gathering,
    is_spent,
    news,
)
from aiops_rca.domain.alert import Severity
from aiops_rca.live.records import MERGED, IncidentRecord
from aiops_rca.live.rows import OutboxRow, Told
from builders import T0
from notices import incident, row

ALL = ("opened", "reopened", "severity", "snooze_over", "root_cause", "resolved", "expired")
HEARD = Told("opened", Severity.CRITICAL)
SETTLE_MS = 5_000


def decision(
    rows: list[OutboxRow],
    record: IncidentRecord | None,
    *,
    told: Told | None = HEARD,
    after: float = 6,
    diagnosed: bool = True,
    wanted: tuple[str, ...] = ALL,
) -> Decision:
    """What becomes of *rows*, *after* seconds."""
    now = T0 + round(after * 1000)
    return decide(rows, record, told=told, diagnosed=diagnosed, now=now, settle_ms=SETTLE_MS, wanted=wanted)


@pytest.mark.parametrize(
    ("occasions", "said"),
    [
        ([], None),
        (["opened"], "opened"),
        (["opened", "root_cause"], "opened"),
        (["root_cause", "opened"], "opened"),
        (["opened", "resolved"], "resolved"),
        (["opened", "resolved", "reopened"], "opened"),
        (["resolved"], "resolved"),
        (["resolved", "reopened"], None),
        (["resolved", "reopened", "root_cause"], "root_cause"),
        (["resolved", "reopened", "resolved"], "resolved"),
        (["reopened"], "reopened"),
        (["reopened", "resolved"], "resolved"),
        (["opened", "severity"], "opened"),
        (["reopened", "severity"], "reopened"),
        (["severity"], "severity"),
        (["severity", "severity"], "severity"),
        (["root_cause", "severity"], "severity"),
        (["resolved", "reopened", "severity"], "severity"),
        (["snooze_over"], "snooze_over"),
        (["snooze_over", "root_cause"], "snooze_over"),
        (["severity", "snooze_over"], "severity"),
        (["snooze_over", "resolved"], "resolved"),
        (["opened", "expired"], "expired"),
        (["expired"], "expired"),
        (["expired", "reopened"], None),
        (["severity", "expired", "root_cause"], "expired"),
        (["reopened", "resolved", "reopened"], "reopened"),
        (["root_cause"], "root_cause"),
        (["root_cause", "root_cause", "resolved"], "resolved"),
    ],
)
def test_what_cancels_out_is_not_said(occasions: list[str], said: str | None) -> None:
    """Of several untold turns only their sum is news."""
    assert news(occasions) == said


@given(st.lists(st.sampled_from(ALL)))
def test_at_most_one_thing_is_said(occasions: list[str]) -> None:
    """Whatever has happened, one thing that did happen is said, or none."""
    said = news(occasions)

    assert said is None or said in occasions


@given(st.lists(st.sampled_from(ALL), min_size=1))
def test_the_last_word_is_where_it_stands(occasions: list[str]) -> None:
    """What is said of an incident that has ended is that it ended; of one that has not, anything else."""
    said = news(occasions)
    turns = [one for one in occasions if one in {"opened", "reopened", "resolved", "expired"}]

    assert said is None or (said in {"resolved", "expired"}) == (turns[-1:] in (["resolved"], ["expired"]))


def test_an_open_incident_is_told() -> None:
    """An opened, diagnosed incident is news."""
    assert decision([row("opened")], incident()) == Decision(TELL, "news", "opened")


def test_an_incident_that_is_gone() -> None:
    """Notices about an incident that was pruned are dropped."""
    assert decision([row("opened")], None) == Decision(DROP, "gone")


@pytest.mark.parametrize(
    ("record", "because"),
    [
        (incident(status=MERGED, merged_into="inc-0"), "merged"),
        (incident(suppressed=True), "in maintenance"),
        (incident(snoozed=60), "snoozed"),
    ],
)
@pytest.mark.parametrize("occasion", ALL)
def test_nobody_hears_of_what_is_hushed(record: IncidentRecord, because: str, occasion: str) -> None:
    """A merged, suppressed or snoozed incident is told of on no occasion."""
    assert decision([row(occasion)], record) == Decision(DROP, because)


def test_a_snooze_ends() -> None:
    """A snooze that is over hushes nothing."""
    assert decision([row("opened")], incident(snoozed=5)).act == TELL


def test_an_unwanted_occasion() -> None:
    """An occasion nobody asked for is dropped."""
    assert decision([row("root_cause")], incident(), wanted=("opened",)) == Decision(DROP, "nothing new")


def test_over_before_it_settled() -> None:
    """An incident that lived shorter than the settling time is never told of."""
    rows = [row("opened"), row("resolved", id=2, at=3)]

    assert decision(rows, incident(resolved=3)) == Decision(DROP, "over before it settled")


def test_over_before_anybody_was_reached() -> None:
    """A longer incident of which nothing was told yet is told once, as resolved."""
    rows = [row("opened", attempts=4), row("resolved", id=2, at=60)]

    assert decision(rows, incident(resolved=60), after=66) == Decision(TELL, "news", "resolved")


def test_an_opening_that_its_end_has_overtaken() -> None:
    """The opening that waits for another attempt is not told once the end is told by itself."""
    rows = [row("opened", attempts=4)]

    assert decision(rows, incident(resolved=60), after=66) == Decision(DROP, "overtaken by its end")


def test_a_second_life_before_anybody_was_reached() -> None:
    """What reopened for long while the receiver was away is told as resolved, what did so shortly is not."""
    rows = [row("reopened", at=100, attempts=4), row("resolved", id=2, at=200)]

    assert decision(rows, incident(resolved=200), after=206) == Decision(TELL, "news", "resolved")
    assert decision(rows, incident(resolved=103), after=206) == Decision(DROP, "over before it settled")


@pytest.mark.parametrize("end", ["resolved", "expired"])
def test_an_end_out_of_the_blue(end: str) -> None:
    """The end of an incident that the receiver never heard of is not told."""
    assert decision([row(end)], incident(resolved=60), told=None) == Decision(DROP, "never told of")


def test_an_end_for_one_who_asks_for_ends_alone() -> None:
    """Where only ends are wanted, they are told without an opening."""
    said = decision([row("resolved")], incident(resolved=60), told=None, wanted=("resolved", "expired"))

    assert said == Decision(TELL, "news", "resolved")


@pytest.mark.parametrize(
    ("told", "end", "said"),
    [
        ("resolved", "resolved", Decision(DROP, "its end was told")),
        ("expired", "expired", Decision(DROP, "its end was told")),
        ("resolved", "expired", Decision(DROP, "its end was told")),
        ("expired", "resolved", Decision(TELL, "news", "resolved")),
        ("reopened", "resolved", Decision(TELL, "news", "resolved")),
    ],
)
def test_an_end_is_told_once(told: str, end: str, said: Decision) -> None:
    """Only that it is really over is news after it was taken to be over."""
    assert decision([row(end)], incident(resolved=60), told=Told(told, Severity.CRITICAL)) == said


def test_an_end_that_did_not_last() -> None:
    """Of an incident that fires again nobody hears that it is over, wanted its reopening or not."""
    wanted = ("opened", "resolved")

    assert decision([row("resolved")], incident(), wanted=wanted) == Decision(DROP, "open again")


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (None, Decision(TELL, "news", "severity")),
        (Severity.ERROR, Decision(TELL, "news", "severity")),
        (Severity.CRITICAL, Decision(DROP, "nothing new")),
    ],
)
def test_a_severity_is_told_once(heard: Severity | None, said: Decision) -> None:
    """That it got worse is news unless a message, whatever it was about, has said so."""
    told = None if heard is None else Told("opened", heard)

    assert decision([row("severity")], incident(), told=told) == said


def test_a_known_severity_hides_nothing_else() -> None:
    """A worse severity that was told drops out; the end of the snooze beside it is told."""
    rows = [row("severity"), row("snooze_over", id=2, at=1)]

    assert decision(rows, incident()) == Decision(TELL, "news", "snooze_over")


def test_an_opening_where_nobody_wants_the_end() -> None:
    """Where ends are not told, a late opening still is."""
    rows = [row("opened", attempts=4)]

    assert decision(rows, incident(resolved=60), after=66, wanted=("opened",)) == Decision(
        TELL, "news", "opened"
    )


@pytest.mark.parametrize(("after", "act"), [(6, WAIT), (14.9, WAIT), (15, TELL)])
def test_a_diagnosis_is_waited_for(after: float, act: str) -> None:
    """A fresh incident without a diagnosis waits for it, ten seconds at most."""
    assert decision([row("opened")], incident(), diagnosed=False, after=after).act == act


def test_an_end_waits_for_no_diagnosis() -> None:
    """A resolved incident is told with or without a diagnosis."""
    assert decision([row("resolved")], incident(resolved=60), diagnosed=False).act == TELL


def test_what_is_due_comes_by_its_wait() -> None:
    """Incidents with a due notice, the longest due first, each once."""
    rows = [
        row(id=4, incident="late", at=9, due=14),
        row(id=3, incident="inc-2", at=0, due=5.5),
        row("resolved", id=2, at=3, due=5.7),
        row("opened", id=1, at=0, due=5),
    ]

    assert due_incidents(rows, T0 + 6_000) == ["inc-1", "inc-2"]


@pytest.mark.parametrize(
    ("dues", "waits"),
    [
        ([5.0], False),
        ([5.0, 5.9], True),
        ([5.0, 6.5], False),
        ([4.0, 5.9], False),
        ([5.9], False),
        ([], False),
    ],
)
def test_what_is_nearly_due_is_waited_for(dues: list[float], waits: bool) -> None:  # noqa: FBT001
    """A message waits up to a second for more that is due within that second."""
    rows = [row(id=n, due=due) for n, due in enumerate(dues)]

    assert gathering(rows, T0 + 5_000, 1_000) == waits


def test_waits_grow() -> None:
    """Attempts are 1, 2, 4 ... seconds apart and never more than five minutes."""
    waits = [backoff_ms(n) for n in (1, 2, 3, 9, 10, 500)]

    assert waits == [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]


@pytest.mark.parametrize(
    ("first_dues", "attempts", "spent"),
    [
        ([0.0], 300, False),
        ([-1.0], 300, True),
        ([-1.0], 9, True),
        ([-1.0], 8, False),
        ([-1.0, 3600.0], 300, False),
    ],
)
def test_a_day_is_enough(first_dues: list[float], attempts: int, spent: bool) -> None:  # noqa: FBT001
    """Given up is what was due for 24 hours, the latest of it, and was tried ten times."""
    rows = [row(id=n, first_due=due, attempts=attempts) for n, due in enumerate(first_dues)]

    assert is_spent(rows, T0 + 86_399_500) == spent
