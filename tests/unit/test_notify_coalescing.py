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
    by_incident,
    decide,
    gathering,
    news,
)
from aiops_rca.live.records import MERGED, IncidentRecord
from aiops_rca.live.rows import OutboxRow
from builders import T0
from notices import incident, row

ALL = ("opened", "reopened", "root_cause", "resolved")
SETTLE_MS = 5_000


def decision(
    rows: list[OutboxRow],
    record: IncidentRecord | None,
    *,
    after: float = 6,
    diagnosed: bool = True,
    wanted: tuple[str, ...] = ALL,
) -> Decision:
    """What becomes of *rows*, *after* seconds."""
    now = T0 + round(after * 1000)
    return decide(rows, record, diagnosed=diagnosed, now=now, settle_ms=SETTLE_MS, wanted=wanted)


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
        (["reopened", "resolved"], None),
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
    turns = [occasion for occasion in occasions if occasion != "root_cause"]

    assert said is None or (said == "resolved") == (turns[-1:] == ["resolved"])


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


def test_notices_that_follow_join_the_due_one() -> None:
    """Rows not yet due go with the due row of the same incident, not by themselves."""
    rows = [
        row(id=3, incident="late", at=9, due=14),
        row("resolved", id=2, at=3, due=8),
        row("opened", id=1, at=0, due=5),
    ]

    found = by_incident(rows, T0 + 6_000)

    assert {name: [one.id for one in own] for name, own in found.items()} == {"inc-1": [1, 2]}


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
    """Attempts are 1, 2, 4 ... seconds apart and never more than ten minutes."""
    assert [backoff_ms(n) for n in (1, 2, 3, 9, 10, 11, 500)] == [
        1_000,
        2_000,
        4_000,
        256_000,
        512_000,
        600_000,
        600_000,
    ]
