"""The duplicate index: what counts as told before, when, and that it never costs an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.domain.alert import Severity
from aiops_rca.domain.event import AlertEvent
from aiops_rca.web.repeats import Repeats, Sorted

NOW = 1_780_000_000_000


def event(signal: str = "a", *, starts_at: int | None = 1, **more: Any) -> AlertEvent:
    """An event that fires, unless told otherwise."""
    plain: dict[str, Any] = {
        "source": "generic",
        "fingerprint": signal,
        "service": "cart",
        "metric": "latency",
        "severity": Severity.ERROR,
        "resolved": False,
        "starts_at": starts_at,
        "ends_at": None,
        "value": None,
        "threshold": None,
        "labels": {},
        "flags": (),
        "summary": "",
        "link": "",
    }
    return AlertEvent(**(plain | more))


def on_a_loop(test: Callable[[], None]) -> None:
    """Run *test* where futures can be made."""

    async def run() -> None:
        test()

    asyncio.run(run())


def told(repeats: Repeats, *events: AlertEvent, now: int = NOW) -> Sorted:
    """Sort one body and let its commit succeed."""
    found = repeats.sort(events, now)
    repeats.keep(found.ticket, now)
    return found


def test_the_same_again_is_a_duplicate() -> None:
    """A body sent twice is journaled once."""

    def story() -> None:
        repeats = Repeats()
        first, again = told(repeats, event("a"), event("b")), told(repeats, event("a"), event("b"))

        assert (len(first.journal), first.duplicates) == (2, 0)
        assert (len(again.journal), again.duplicates) == (0, 2)

    on_a_loop(story)


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": 2},
        {"ends_at": 9},
        {"resolved": True},
        {"severity": Severity.CRITICAL},
        {"value": -1.0},
        {"fingerprint": "b"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_says_something_new_is_no_duplicate(change: dict[str, Any]) -> None:
    """A new start, end, state, severity or value is news; so is another signal."""

    def story() -> None:
        repeats = Repeats()
        told(repeats, event(value=-2.0))

        assert told(repeats, event(**({"value": -2.0} | change))).duplicates == 0

    on_a_loop(story)


def test_only_a_commit_makes_it_seen() -> None:
    """What could not be kept is new when it comes again."""

    def story() -> None:
        repeats = Repeats()
        failed = repeats.sort([event(), event("b", starts_at=None)], NOW)
        repeats.drop(failed.ticket)

        assert told(repeats, event(), event("b", starts_at=None)).duplicates == 0

    on_a_loop(story)


def test_two_at_once_share_one_commit() -> None:
    """The second of two equal bodies in flight waits for the commit of the first."""

    def story() -> None:
        repeats = Repeats()
        first, second = repeats.sort([event()], NOW), repeats.sort([event()], NOW)

        assert (len(first.journal), len(second.journal)) == (1, 0)
        assert second.waits == (first.ticket,)
        repeats.keep(second.ticket, NOW)
        repeats.keep(first.ticket, NOW)
        assert first.ticket.kept.result()

    on_a_loop(story)


def test_twice_in_one_body_waits_for_nobody() -> None:
    """A repetition within a body rests on that body's own commit."""

    def story() -> None:
        found = Repeats().sort([event(), event()], NOW)

        assert (len(found.journal), found.duplicates, found.waits) == (1, 1, ())

    on_a_loop(story)


def test_once_a_minute_a_repetition_is_noted() -> None:
    """A duplicate not journaled for more than a minute is journaled, and still counts as one."""

    def story() -> None:
        repeats = Repeats()
        told(repeats, event())
        early = told(repeats, event(), now=NOW + 60_000)
        late = told(repeats, event(), now=NOW + 60_001)
        later = told(repeats, event(), now=NOW + 60_002)

        assert [len(found.journal) for found in (early, late, later)] == [0, 1, 0]
        assert [found.duplicates for found in (early, late, later)] == [1, 1, 1]

    on_a_loop(story)


def test_without_times_only_the_last_word_counts() -> None:
    """A signal without times that fires, ends and fires again is told three times."""

    def story() -> None:
        repeats = Repeats()
        fires, ends = event(starts_at=None), event(starts_at=None, resolved=True)
        found = [told(repeats, each).duplicates for each in (fires, fires, ends, fires, fires)]

        assert found == [0, 1, 0, 0, 1]

    on_a_loop(story)


def test_a_word_without_times_is_always_journaled() -> None:
    """Another process may have been told the end between two equal firings."""

    def story() -> None:
        here, there = Repeats(), Repeats()
        fires, ends = event(starts_at=None), event(starts_at=None, resolved=True)
        found = [told(here, fires), told(there, ends), told(here, fires)]

        assert [len(each.journal) for each in found] == [1, 1, 1]
        assert found[2].duplicates == 1

    on_a_loop(story)


def test_words_without_times_wait_for_nobody() -> None:
    """Each rests on its own commit."""

    def story() -> None:
        repeats = Repeats()
        first, second = (repeats.sort([event(starts_at=None)], NOW) for _ in range(2))

        assert (second.duplicates, second.waits) == (1, ())
        repeats.drop(first.ticket)
        repeats.keep(second.ticket, NOW)
        assert told(repeats, event(starts_at=None)).duplicates == 1

    on_a_loop(story)


def test_what_went_to_quarantine_is_known() -> None:
    """The same piece again is not kept again, for a week; one that could not be kept is new."""

    def story() -> None:
        repeats = Repeats()
        failed = repeats.sort([], NOW, [b"a"])
        repeats.drop(failed.ticket)
        found = []
        for at in (0, 1, 7 * 86_400_000 + 1):
            sort = repeats.sort([], NOW + at, [b"b", b"a", b"a"])
            repeats.keep(sort.ticket, NOW + at)
            found.append(sort.pieces)

        assert found == [(0, 1), (), (0, 1)]

    on_a_loop(story)


def test_a_piece_under_way_is_waited_for() -> None:
    """It is a duplicate of another request's piece once that is on disk."""

    def story() -> None:
        repeats = Repeats()
        first, second = (repeats.sort([], NOW, [b"a"]) for _ in range(2))

        assert (first.pieces, second.pieces, second.waits) == ((0,), (), (first.ticket,))

    on_a_loop(story)


def test_a_word_with_a_time_ends_one_without() -> None:
    """A resolve that has a time lets the same signal fire again without one."""

    def story() -> None:
        repeats = Repeats()
        fires = event(starts_at=None)
        told(repeats, fires)
        told(repeats, event(starts_at=None, ends_at=7, resolved=True))

        assert told(repeats, fires).duplicates == 0

    on_a_loop(story)


def test_words_in_flight_keep_their_order() -> None:
    """While commits are under way, firing after a resolve is news, and a late failure undoes only its own."""

    def story() -> None:
        repeats = Repeats()
        fires, ends = event(starts_at=None), event(starts_at=None, resolved=True)
        first, second, third = (repeats.sort([each], NOW) for each in (fires, ends, fires))
        repeats.drop(first.ticket)
        repeats.keep(second.ticket, NOW)
        repeats.keep(third.ticket, NOW)

        assert [found.duplicates for found in (first, second, third)] == [0, 0, 0]
        assert told(repeats, fires).duplicates == 1

    on_a_loop(story)


def test_the_index_is_bounded() -> None:
    """It forgets the oldest, keeps the youngest, and never holds more than its capacity."""

    def story() -> None:
        repeats = Repeats(capacity=100)
        for number in range(1000):
            told(repeats, event(str(number)), event(f"undated {number}", starts_at=None))

        assert len(repeats) <= 200
        assert told(repeats, event("999")).duplicates == 1
        assert told(repeats, event("0")).duplicates == 0

    on_a_loop(story)


def test_what_was_journaled_before_a_restart_is_known() -> None:
    """Events of an earlier run are duplicates, as old as they are."""

    def story() -> None:
        repeats = Repeats()
        repeats.note([event("a"), event("b", starts_at=None)], NOW)
        repeats.note([event("c")], NOW - 60_001)
        found = told(repeats, event("a"), event("b", starts_at=None), event("c"))

        assert found.duplicates == 3
        assert [each.fingerprint for each in found.journal] == ["b", "c"]

    on_a_loop(story)


BODIES = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([1, 2, None]), st.booleans()), max_size=4),
        st.booleans(),
    ),
    max_size=12,
)


@given(BODIES)
def test_a_duplicate_always_rests_on_something_kept(
    bodies: list[tuple[list[tuple[str, int | None, bool]], bool]],
) -> None:
    """Whatever commits fail: what is called a duplicate has been kept before, word for word."""

    def story() -> None:
        repeats = Repeats()
        kept: set[tuple[str, int | None, bool]] = set()
        for words, succeeds in bodies:
            events = [event(signal, starts_at=at, resolved=end) for signal, at, end in words]
            found = repeats.sort(events, NOW)
            fresh = {(e.fingerprint, e.starts_at, e.resolved) for e in found.journal}
            assert set(words) <= fresh | kept
            undated = [word for word in words if word[1] is None]
            assert [
                (e.fingerprint, None, e.resolved) for e in found.journal if e.starts_at is None
            ] == undated
            assert len(words) - found.duplicates <= len(found.journal) <= len(words)
            if succeeds:
                repeats.keep(found.ticket, NOW)
                kept |= fresh
            else:
                repeats.drop(found.ticket)

    on_a_loop(story)
