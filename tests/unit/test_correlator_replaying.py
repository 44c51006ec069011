"""A journal folded anew: the same incidents, however it is cut, and as they stood at any time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aiops_rca.correlator.replaying import REASON, Replay
from aiops_rca.live.entry import Entry
from builders import release
from stream import T0, Stream, chain, firing, resolved


@pytest.fixture
def stream() -> Stream:
    """Two incidents that a late alert makes one, and a third that is over."""
    made = Stream()
    made.tell(firing("a", 0), at=1)
    made.tell(firing("e", 2), at=3)
    made.tell(firing("h", 4, metric="errors"), resolved("h", 4, 5, metric="errors"), at=6)
    made.tell(firing("c", 7), at=8)
    made.tell(firing("a", 0), at=60)
    return made


def replayed(entries: Sequence[Entry], size: int, until: float) -> Replay:
    """*entries* in batches of *size*, as they stood *until* seconds after T0."""
    batches = [entries[at : at + size] for at in range(0, len(entries), size)]
    return Replay(batches, Stream().rules, until=T0 + round(until * 1000))


def shown(replay: Replay) -> list[tuple[object, ...]]:
    """Every incident with its alerts."""
    return [(record, replay.alerts(record.id)) for record in replay.incidents()]


def test_it_finds_what_the_stream_found(stream: Stream) -> None:
    """The incidents, and the alerts in each, are those that were stored on the way."""
    replay = replayed(stream.entries, 1, 60)

    assert [r.id for r in replay.incidents()] == [r.id for r in stream.standing()]
    for record in stream.standing():
        assert {alert.id for alert in replay.alerts(record.id)} == stream.shelf.members(record.id)


@pytest.mark.parametrize("size", [2, 3, 100])
def test_how_it_is_cut_does_not_matter(stream: Stream, size: int) -> None:
    """The same incidents and alerts come out of batches of any size."""
    one_by_one, in_batches = replayed(stream.entries, 1, 60), replayed(stream.entries, size, 60)

    assert [r.services for r in in_batches.incidents()] == [r.services for r in one_by_one.incidents()]
    for ours, theirs in zip(in_batches.incidents(), one_by_one.incidents(), strict=True):
        assert in_batches.alerts(ours.id) == [
            alert._replace(joined_because=mine.joined_because)
            for alert, mine in zip(one_by_one.alerts(theirs.id), in_batches.alerts(ours.id), strict=True)
        ]


def test_the_same_again_is_equal(stream: Stream) -> None:
    """Two replays of one journal differ in nothing."""
    assert shown(replayed(stream.entries, 2, 60)) == shown(replayed(stream.entries, 2, 60))


def test_it_stops_at_a_time(stream: Stream) -> None:
    """What arrived later does not count: before the bridge there were three incidents."""
    assert [r.services for r in replayed(stream.entries, 100, 7).incidents()] == [("a",), ("e",), ("h",)]
    assert replayed(stream.entries, 100, 0).incidents() == []


def test_each_is_diagnosed_with_all_its_alerts(stream: Stream) -> None:
    """The diagnosis is made of every signal, also of an incident that is long over."""
    replay = replayed(stream.entries, 100, 100_000)
    graph = release(chain())

    for record in replay.incidents():
        found = replay.diagnosis(record.id, graph, {})
        assert found is not None
        assert found.alert_count == record.signal_count
        assert (found.reason, found.number) == (REASON, 1)
    assert replay.diagnosis("nothing", graph, {}) is None


@pytest.mark.parametrize("size", [1, 100])
def test_what_cannot_be_folded_is_left_out(stream: Stream, size: int) -> None:
    """An entry that the correlator put into quarantine is not in a replay either; all others are."""
    damaged = stream.entries[1]._replace(payload=b"\xc1damaged")
    without = [entry for entry in stream.entries if entry.seq != damaged.seq]
    entries = [damaged if entry.seq == damaged.seq else entry for entry in stream.entries]

    assert shown(replayed(entries, size, 60)) == shown(replayed(without, size, 60))
