"""What people do to incidents: by hand, in the journal, in order."""

from __future__ import annotations

import pytest

from aiops_rca.domain.command import (
    ACK,
    FEEDBACK,
    MAINTENANCE,
    MAINTENANCE_END,
    MERGE,
    RESOLVE,
    SNOOZE,
    SPLIT,
    Command,
)
from aiops_rca.live.records import ACKNOWLEDGED, OPEN, RESOLVED, IncidentRecord
from stream import T0, Stream, firing, resolved


@pytest.fixture
def stream() -> Stream:
    """One open incident over a and b."""
    made = Stream()
    made.tell(firing("a", 0), firing("b", 1), at=2)
    return made


def only(stream: Stream) -> IncidentRecord:
    """The one incident there is."""
    [incident] = stream.standing()
    return incident


def notices(stream: Stream) -> list[str]:
    """The occasions of all notices so far."""
    return [notice.occasion for changes in stream.all for notice in changes.notices]


def test_acknowledging_is_kept_with_its_author(stream: Stream) -> None:
    """The incident shows who took it, and when."""
    stream.ask(Command("c1", ACK, only(stream).id, by="ada"), at=30)

    incident = only(stream)
    assert (incident.status, incident.acknowledged_by, incident.acknowledged_at) == (
        ACKNOWLEDGED,
        "ada",
        T0 + 30_000,
    )


def test_a_reopened_incident_is_nobodys_any_more(stream: Stream) -> None:
    """What was acknowledged before it resolved asks for somebody anew."""
    stream.ask(Command("c1", ACK, only(stream).id, by="ada"), at=30)
    stream.tell(resolved("a", 0, 40), resolved("b", 1, 40), at=41)
    stream.tell(firing("a", 60), at=61)

    assert (only(stream).status, only(stream).acknowledged_by) == (OPEN, "")


def test_resolving_by_hand_ends_every_alert(stream: Stream) -> None:
    """The repetition of a firing that a person has ended does not open it again; a new start does."""
    stream.ask(Command("c1", RESOLVE, only(stream).id, by="ada"), at=30)
    stream.tell(firing("a", 0), at=60)
    assert (only(stream).status, only(stream).resolved_by) == (RESOLVED, "ada")

    stream.tell(firing("a", 90), at=91)
    assert (only(stream).status, only(stream).resolved_by) == (OPEN, "")


def test_snoozing_says_until_when(stream: Stream) -> None:
    """The moment is kept; the incident stays open."""
    stream.ask(Command("c1", SNOOZE, only(stream).id, by="ada", until=T0 + 900_000), at=30)

    assert (only(stream).status, only(stream).snoozed_until) == (OPEN, T0 + 900_000)


def test_merging_by_hand_keeps_the_one_that_was_named(stream: Stream) -> None:
    """Every alert is in the named incident from then on, and the other forwards."""
    stream.tell(firing("h", 3), at=4)
    first, second = stream.standing()
    stream.ask(Command("c1", MERGE, first.id, by="ada", into=second.id), at=30)

    assert (only(stream).id, only(stream).services, only(stream).alert_count) == (
        second.id,
        ("a", "b", "h"),
        3,
    )
    assert stream.shelf.incidents[first.id].merged_into == second.id
    assert stream.shelf.members(first.id) == frozenset()


def test_a_command_for_a_merged_incident_goes_to_the_one_that_took_it_in(stream: Stream) -> None:
    """Whoever holds an old link still reaches the incident."""
    stream.tell(firing("e", 3), at=4)
    _, second = stream.standing()
    stream.tell(firing("c", 3), at=5)
    stream.ask(Command("c1", ACK, second.id, by="ada"), at=30)

    assert only(stream).status == ACKNOWLEDGED


def test_splitting_parts_an_incident(stream: Stream) -> None:
    """The named alerts are an incident of their own, and stay apart when more comes."""
    b = next(row for row in stream.shelf.alerts.values() if row.service == "b")
    stream.ask(Command("c1", SPLIT, only(stream).id, by="ada", alert_ids=(b.id,)), at=30)
    stream.tell(firing("c", 20), at=31)
    old, new = sorted(stream.standing(), key=lambda i: i.split_from or "")

    assert (old.services, new.services, new.split_from) == (("a", "c"), ("b",), old.id)
    assert (old.alert_count, new.alert_count) == (2, 1)


def test_the_return_of_a_split_off_signal_stays_with_it(stream: Stream) -> None:
    """A signal that was taken out returns to where it was put."""
    b = next(row for row in stream.shelf.alerts.values() if row.service == "b")
    stream.ask(Command("c1", SPLIT, only(stream).id, by="ada", alert_ids=(b.id,)), at=30)
    stream.tell(resolved("b", 1, 40), at=41)
    stream.tell(firing("b", 200), at=201)
    new = next(i for i in stream.standing() if i.split_from)

    assert (new.services, new.alert_count, new.status) == (("b",), 2, OPEN)


def test_an_incident_cannot_be_split_into_nothing(stream: Stream) -> None:
    """Taking out all alerts, or none of its own, changes nothing."""
    everything = tuple(stream.shelf.alerts)
    stream.ask(Command("c1", SPLIT, only(stream).id, by="ada", alert_ids=everything), at=30)
    stream.ask(Command("c2", SPLIT, only(stream).id, by="ada", alert_ids=("nope",)), at=31)

    assert only(stream).alert_count == 2


def test_feedback_is_kept_with_author_and_time(stream: Stream) -> None:
    """What the cause really was goes to whoever keeps the history."""
    command = Command(
        "c1", FEEDBACK, only(stream).id, by="ada", root_cause="b", resolution="rolled back", wrong=True
    )
    [feedback] = stream.ask(command, at=30).feedback

    assert (feedback.incident, feedback.by, feedback.at) == (only(stream).id, "ada", T0 + 30_000)
    assert (feedback.root_cause, feedback.resolution, feedback.wrong) == ("b", "rolled back", True)


def test_maintenance_suppresses_what_fires_in_it() -> None:
    """Inside the window an incident is kept, but hidden and told to nobody; it resolves as any other."""
    stream = Stream()
    window = Command("w1", MAINTENANCE, by="ada", services=("a",), starts_at=T0, until=T0 + 600_000)
    stream.ask(window, at=0)
    stream.tell(firing("a", 10), at=11)
    assert (only(stream).suppressed, notices(stream)) == (True, [])

    stream.tell(resolved("a", 10, 60), at=61)
    stream.wait(700)
    assert (only(stream).status, only(stream).suppressed, notices(stream)) == (RESOLVED, True, [])


def test_an_alert_outside_the_window_shows_the_incident() -> None:
    """One service that is not under maintenance is enough."""
    stream = Stream()
    stream.ask(Command("w1", MAINTENANCE, by="ada", services=("a",), starts_at=T0, until=T0 + 600_000), at=0)
    stream.tell(firing("a", 10), at=11)
    stream.tell(firing("b", 12), at=13)

    assert (only(stream).suppressed, notices(stream)) == (False, ["opened"])


def test_what_outlives_its_window_is_opened_then() -> None:
    """An alert that still fires when the maintenance is over is news."""
    stream = Stream()
    stream.ask(Command("w1", MAINTENANCE, by="ada", services=("*",), starts_at=T0, until=T0 + 600_000), at=0)
    stream.tell(firing("a", 10), at=11)
    stream.wait(605)

    assert (only(stream).suppressed, notices(stream)) == (False, ["opened"])


def test_a_window_can_be_ended_early() -> None:
    """From then on alerts count again."""
    stream = Stream()
    stream.ask(Command("w1", MAINTENANCE, by="ada", services=("a",), starts_at=T0, until=T0 + 600_000), at=0)
    stream.ask(Command("c2", MAINTENANCE_END, "w1", by="ada"), at=5)
    stream.tell(firing("a", 10), at=11)

    assert not only(stream).suppressed


def test_a_window_that_has_not_begun_can_be_taken_back() -> None:
    """It leaves no trace."""
    stream = Stream()
    stream.ask(
        Command("w1", MAINTENANCE, by="ada", services=("a",), starts_at=T0 + 60_000, until=T0 + 600_000), at=0
    )
    changes = stream.ask(Command("c2", MAINTENANCE_END, "w1", by="ada"), at=5)

    assert changes.windows_dropped == ("w1",)
    assert stream.shelf.windows == {}


def test_what_begins_before_a_resolve_by_hand_and_comes_after_it_is_open(stream: Stream) -> None:
    """A person ends what is known then, not what nobody has told of yet."""
    stream.ask(Command("c1", RESOLVE, only(stream).id, by="ada"), at=100)
    stream.tell(resolved("a", 0, 60), firing("a", 70), at=110)

    assert only(stream).status == OPEN


def test_the_end_of_a_snooze_is_news_while_it_still_fires(stream: Stream) -> None:
    """Whoever snoozed it hears of it again."""
    stream.ask(Command("c1", SNOOZE, only(stream).id, by="ada", until=T0 + 60_000), at=30)
    stream.wait(62)

    assert (only(stream).snoozed_until, notices(stream)[-1]) == (None, "snooze_over")


def test_the_end_of_a_snooze_is_no_news_when_all_is_over(stream: Stream) -> None:
    """What resolved meanwhile stays quiet."""
    stream.ask(Command("c1", SNOOZE, only(stream).id, by="ada", until=T0 + 60_000), at=30)
    stream.tell(resolved("a", 0, 40), resolved("b", 1, 40), at=41)
    stream.wait(62)

    assert "snooze_over" not in notices(stream)


def test_a_split_holds_when_both_parts_have_the_same_signal(stream: Stream) -> None:
    """The next news of a signal that is in both parts does not put them together again."""
    stream.tell(resolved("b", 1, 40), at=41)
    stream.tell(firing("b", 60), at=61)
    first = min((r for r in stream.shelf.alerts.values() if r.service == "b"), key=lambda r: r.at)
    stream.ask(Command("c1", SPLIT, only(stream).id, by="ada", alert_ids=(first.id,)), at=70)
    stream.tell(firing("b", 60), at=80)
    stream.tell(resolved("b", 60, 90), at=91)

    assert [(i.services, bool(i.split_from)) for i in stream.standing()] == [
        (("a", "b"), False),
        (("b",), True),
    ]


def test_an_open_incident_is_hushed_while_a_window_lies_over_it(stream: Stream) -> None:
    """Its resolution happens, and is told to nobody."""
    window = Command(
        "w1", MAINTENANCE, by="ada", services=("a", "b"), starts_at=T0 + 10_000, until=T0 + 600_000
    )
    stream.ask(window, at=10)
    stream.tell(resolved("a", 0, 40), resolved("b", 1, 40), at=41)

    assert (only(stream).status, only(stream).suppressed, notices(stream)) == (RESOLVED, False, ["opened"])


def test_news_of_what_began_just_before_the_window_is_covered() -> None:
    """The restart that the window was made for may alert a moment early."""
    stream = Stream()
    stream.ask(
        Command("w1", MAINTENANCE, by="ada", services=("a",), starts_at=T0, until=T0 + 600_000), at=-60
    )
    stream.tell(firing("a", -2), at=5)

    assert (only(stream).suppressed, notices(stream)) == (True, [])
