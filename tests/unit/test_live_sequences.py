"""Hard sequences as senders really produce them, told to the fold one by one."""

from __future__ import annotations

import pytest

from aiops_rca.domain.alert import Severity
from aiops_rca.domain.event import RESTATED, TIME_AHEAD, TRUNCATED, UNMAPPED, AlertEvent
from aiops_rca.live.members import alerts_of
from aiops_rca.live.records import MERGED, OPEN, RESOLVED
from stream import HOLD_MS, LEASE_MS, T0, Stream, firing, resolved, rules

HOLD = HOLD_MS / 1000
LEASE = LEASE_MS / 1000


@pytest.fixture
def stream() -> Stream:
    """An empty journal."""
    return Stream()


def test_one_alert_opens_one_incident(stream: Stream) -> None:
    """The incident opens when the alert began, not when it came in."""
    stream.tell(firing("a", 5), at=60)

    [incident] = stream.standing()
    assert (incident.status, incident.opened_at, incident.services) == (OPEN, T0 + 5000, ("a",))


def test_a_resolve_before_its_firing_leaves_nothing_open(stream: Stream) -> None:
    """The firing that comes after its own resolve is over already."""
    stream.tell(resolved("a", 0, 30), at=31)
    stream.tell(firing("a", 0), at=40)

    [incident] = stream.standing()
    assert (incident.status, incident.resolved_at) == (RESOLVED, T0 + 30_000)


def test_a_resolve_alone_opens_nothing(stream: Stream) -> None:
    """What was never told to fire is no incident."""
    stream.tell(resolved("a", 0, 30), at=31)

    assert stream.standing() == []


def test_an_orphan_expires_with_its_lease(stream: Stream) -> None:
    """Fired, then inhibited, the resolve never sent: after the lease nothing is open."""
    stream.tell(firing("a", 0), at=1)
    stream.wait(LEASE + 2)

    [incident] = stream.standing()
    assert (incident.status, incident.resolved_at) == (RESOLVED, T0 + 1000 + LEASE_MS)


def test_an_alert_that_is_told_again_does_not_expire(stream: Stream) -> None:
    """Each repetition begins the lease anew."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(firing("a", 0), at=LEASE - 1)
    stream.wait(LEASE + 2)

    assert stream.standing()[0].status == OPEN


def test_an_expired_alert_that_is_told_again_lives(stream: Stream) -> None:
    """A late repetition with the same start says that the expiry was wrong."""
    stream.tell(firing("a", 0), at=1)
    stream.wait(LEASE + 2)
    stream.tell(firing("a", 0), at=LEASE + 60)

    [incident] = stream.standing()
    assert (incident.status, incident.alert_count) == (OPEN, 1)


def test_a_peer_that_repeats_the_firing_after_the_resolve_changes_nothing(stream: Stream) -> None:
    """The second of a pair of senders comes late with what is over: one incident, resolved."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(resolved("a", 0, 30), at=31)
    stream.tell(firing("a", 0), at=35)

    [incident] = stream.standing()
    assert (incident.status, incident.alert_count) == (RESOLVED, 1)


def test_a_peer_with_a_start_of_its_own_inside_the_firing_changes_nothing(stream: Stream) -> None:
    """A pair whose starts differ by a second ends with its one resolve."""
    stream.tell(firing("a", 0), at=2)
    stream.tell(firing("a", 1), at=2)
    stream.tell(resolved("a", 0, 30), at=31)

    [incident] = stream.standing()
    assert (incident.status, incident.signal_count) == (RESOLVED, 1)


def test_an_old_firing_told_long_after_its_incident_was_put_away_is_known(stream: Stream) -> None:
    """A firing repeated after hours does not open its incident a second time."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(resolved("a", 0, 30), at=31)
    stream.wait(10 * HOLD)
    stream.tell(firing("a", 0), at=10 * HOLD + 5)

    assert len(stream.standing()) == 1
    assert stream.all[-1].repeated == 1


def test_fifty_flaps_are_one_incident(stream: Stream) -> None:
    """A signal that fires and ends fifty times in a row reopens its one incident."""
    for flap in range(50):
        stream.tell(firing("a", 20 * flap), at=20 * flap + 1)
        stream.tell(resolved("a", 20 * flap, 20 * flap + 10), at=20 * flap + 11)

    [incident] = stream.standing()
    assert (incident.status, incident.alert_count, incident.signal_count) == (RESOLVED, 50, 1)
    assert incident.reopened == 49


def test_a_return_within_the_hold_reopens(stream: Stream) -> None:
    """The same signal a little before the hold is over: the same incident."""
    stream.tell(firing("a", 0), at=0)
    stream.tell(resolved("a", 0, 100), at=100)
    stream.tell(firing("a", 99 + HOLD), at=99 + HOLD)

    assert [(i.status, i.alert_count) for i in stream.standing()] == [(OPEN, 2)]


def test_a_return_after_the_hold_is_another_incident(stream: Stream) -> None:
    """The same signal after the hold is over: a new incident, the old one stays resolved."""
    stream.tell(firing("a", 0), at=0)
    stream.tell(resolved("a", 0, 100), at=100)
    stream.tell(firing("a", 101 + HOLD), at=101 + HOLD)

    assert [i.status for i in stream.standing()] == [RESOLVED, OPEN]


def test_a_late_alert_bridges_two_incidents(stream: Stream) -> None:
    """Two incidents that an alert connects are one: the later one forwards to the earlier one."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(firing("e", 10), at=11)
    first, second = stream.standing()
    stream.tell(firing("c", 5), at=40)

    [incident] = stream.standing()
    gone = stream.shelf.incidents[second.id]
    assert (incident.id, incident.services) == (first.id, ("a", "c", "e"))
    assert (gone.status, gone.merged_into) == (MERGED, first.id)
    assert len(stream.shelf.members(first.id)) == 3


def test_three_hundred_alerts_in_twelve_groups_are_one_incident(stream: Stream) -> None:
    """Bodies of 25 alerts each that all belong to one storm."""
    for group in range(12):
        service = "abc"[group % 3]
        alerts = [firing(service, n % 20, metric=f"m{group}-{n}") for n in range(25)]
        stream.tell(*alerts, at=30 + group / 100)

    [incident] = stream.standing()
    assert (incident.alert_count, incident.signal_count) == (300, 300)


def test_a_truncated_body_makes_the_incident_partial(stream: Stream) -> None:
    """Where the sender left alerts out, the incident says that it is not all."""
    stream.tell(firing("a", 0), at=1)
    assert not stream.standing()[0].partial
    stream.tell(firing("b", 0, flags=(TRUNCATED,)), at=2)

    assert stream.standing()[0].partial


def test_a_clock_ten_minutes_ahead_joins_at_its_receipt(stream: Stream) -> None:
    """An alert from the future counts from when it came in, is one alert, and its resolve ends it."""
    ahead: AlertEvent = firing("b", 600, flags=(TIME_AHEAD,))
    stream.tell(firing("a", 0), at=1)
    stream.tell(ahead, at=2)
    stream.tell(ahead, at=300)
    stream.tell(resolved("a", 0, 400), at=401)
    stream.tell(resolved("b", 600, 1000), at=402)

    [incident] = stream.standing()
    assert (incident.services, incident.alert_count, incident.status) == (("a", "b"), 2, RESOLVED)
    assert incident.resolved_at == T0 + 402_000


def test_a_clock_ten_minutes_behind_still_resolves(stream: Stream) -> None:
    """A sender in the past opens and ends its incident by its own clock, with no negative length."""
    stream.tell(firing("a", -600), at=1)
    stream.tell(resolved("a", -600, -500), at=101)

    [incident] = stream.standing()
    assert (incident.status, incident.opened_at, incident.resolved_at) == (
        RESOLVED,
        T0 - 600_000,
        T0 - 500_000,
    )


def test_a_resolve_without_an_end_ends_at_its_receipt(stream: Stream) -> None:
    """A zero `endsAt` in a resolved alert means now."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(resolved("a", 0, None), at=50)

    assert stream.standing()[0].resolved_at == T0 + 50_000


def test_a_new_start_ends_the_firing_before(stream: Stream) -> None:
    """A lost resolve does not keep the old incident open once the signal starts anew."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(firing("a", 5000), at=5001)

    assert [i.status for i in stream.standing()] == [RESOLVED, OPEN]


def test_a_sender_that_restates_its_start_tells_of_one_firing(stream: Stream) -> None:
    """Repetitions with a new time each are the same alert until it is resolved."""
    for n in range(5):
        stream.tell(firing("a", 300 * n, flags=(RESTATED,)), at=300 * n)
    [incident] = stream.standing()
    assert (incident.alert_count, incident.opened_at) == (1, T0)

    stream.tell(resolved("a", 0, 1500)._replace(starts_at=None), at=1500)
    stream.tell(firing("a", 1600, flags=(RESTATED,)), at=1600)

    [incident] = stream.standing()
    assert (incident.alert_count, incident.status) == (2, OPEN)


def test_a_late_resolve_parts_repetitions_into_firings(stream: Stream) -> None:
    """Two tellings pass for one firing until a late resolve shows that it ended in between."""
    stream.tell(firing("a", 0, flags=(RESTATED,)), at=0)
    stream.tell(firing("a", 200, flags=(RESTATED,)), at=200)
    stream.tell(resolved("a", 0, 100)._replace(starts_at=None), at=210)

    [incident] = stream.standing()
    assert (incident.alert_count, incident.status) == (2, OPEN)


def test_events_without_times_count_from_their_receipt(stream: Stream) -> None:
    """A trigger and a resolve that name no time make one firing that ends."""
    stream.tell(firing("a", 0, flags=(RESTATED,))._replace(starts_at=None), at=10)
    stream.tell(resolved("a", 0, None)._replace(starts_at=None), at=70)

    [incident] = stream.standing()
    assert (incident.opened_at, incident.resolved_at) == (T0 + 10_000, T0 + 70_000)


def test_each_alert_says_why_it_joined(stream: Stream) -> None:
    """The first opens, the others name the alert they are near to."""
    stream.tell(firing("a", 0), firing("b", 10), at=11)
    stream.tell(resolved("a", 0, 20), at=20)
    stream.tell(firing("a", 60), at=60)

    reasons = sorted(row.joined_because for row in stream.shelf.alerts.values())
    assert reasons[0].startswith("1 hop from a, 10 s after latency (")
    assert reasons[1].startswith("fired again 40 s after it ended (")
    assert reasons[2] == "opened the incident"


def test_unmapped_services_are_counted(stream: Stream) -> None:
    """What names no service of the graph is an alert all the same, and counted."""
    alert = firing("ghost", 0, flags=(UNMAPPED,))
    changes = stream.tell(alert, alert._replace(fingerprint="0" * 16, metric="x"), at=1)

    [unmapped] = changes.unmapped
    assert (unmapped.source, unmapped.service, unmapped.times) == ("alertmanager", "ghost", 2)
    assert [i.services for i in stream.standing()] == [("ghost",)]


def test_a_diagnosis_sees_each_signal_once_at_its_first_start(stream: Stream) -> None:
    """Flaps do not shift the onset, and the worst value told is kept."""
    stream.tell(firing("a", 0, value=5.0), firing("b", 1), at=2)
    stream.tell(resolved("a", 0, 10), at=10)
    stream.tell(firing("a", 30, value=9.0), at=31)
    [incident] = stream.standing()

    first, second = alerts_of(stream.state, incident.id)
    assert (first.service, first.ts, first.value) == ("a", T0, 9.0)
    assert second.service == "b"


def test_nothing_is_kept_in_memory_for_ever(stream: Stream) -> None:
    """Once an incident is over for good, the state forgets all of it."""
    stream.tell(firing("a", 0), firing("b", 0), at=1)
    stream.tell(resolved("a", 0, 10), resolved("b", 0, 10), at=11)
    stream.tell(resolved("h", 0, 10), at=12)
    stream.wait(4 * HOLD)

    assert (stream.state.signals, stream.state.incidents) == ({}, {})
    assert not stream.shelf.stored().alerts
    assert not stream.shelf.stored().marks


def test_a_long_incident_keeps_what_a_diagnosis_needs() -> None:
    """Alerts that ended hours ago in an incident still open are forgotten one by one, not as symptoms."""
    stream = Stream(rules(lease_ms=10 * LEASE_MS))
    stream.tell(firing("a", 0), firing("b", 1), at=2)
    stream.tell(resolved("b", 1, 60), at=61)
    stream.wait(5 * HOLD)
    [incident] = stream.standing()

    assert [alert.service for alert in alerts_of(stream.state, incident.id)] == ["a", "b"]
    stream.restart()
    assert [alert.service for alert in alerts_of(stream.state, incident.id)] == ["a", "b"]


def test_notices_tell_each_turn_once(stream: Stream) -> None:
    """Opened, resolved, reopened: one notice each, none for what merely repeats."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(firing("a", 0), at=2)
    stream.tell(resolved("a", 0, 10), at=11)
    stream.tell(firing("a", 40), at=41)

    occasions = [notice.occasion for changes in stream.all for notice in changes.notices]
    assert occasions == ["opened", "resolved", "reopened"]


def test_an_earlier_start_told_later_takes_the_place_of_a_repetition(stream: Stream) -> None:
    """Of a sender that restates its starts the second telling may overtake the first."""
    stream.tell(firing("a", 90, flags=(RESTATED,)), at=100)
    [before] = stream.standing()
    stream.tell(firing("a", 80, flags=(RESTATED,)), at=101)

    [incident] = stream.standing()
    assert (incident.id, incident.alert_count, incident.opened_at) == (before.id, 1, T0 + 80_000)


def test_what_was_linked_to_a_repetition_alone_parts(stream: Stream) -> None:
    """An alert near only to what turns out to be a repetition has an incident of its own."""
    stream.tell(firing("a", 1000, flags=(RESTATED,)), at=1000)
    stream.tell(firing("b", 1010), at=1010)
    assert len(stream.standing()) == 1
    stream.tell(firing("a", 700, flags=(RESTATED,)), at=1020)

    assert [i.services for i in stream.standing()] == [("a",), ("b",)]


def test_a_repetition_that_is_worse_makes_its_incident_worse(stream: Stream) -> None:
    """A sender that restates its start may raise the severity with it."""
    stream.tell(firing("a", 0, flags=(RESTATED,), severity=Severity.WARNING), at=0)
    changes = stream.tell(firing("a", 60, flags=(RESTATED,), severity=Severity.CRITICAL), at=60)

    assert stream.standing()[0].max_severity == Severity.CRITICAL
    assert [notice.occasion for notice in changes.notices] == ["severity"]


def test_a_resolve_without_an_end_leaves_a_later_firing_alone(stream: Stream) -> None:
    """Told in one body, an ended firing and the next one: the next one is open."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(resolved("a", 0, None), firing("a", 50), at=60)

    assert stream.standing()[0].status == OPEN


def test_an_undated_resolve_ends_what_was_told_before_it(stream: Stream) -> None:
    """A trigger that began before the receipt of the resolve, but was told after it, is open."""
    stream.tell(firing("a", 0, flags=(RESTATED,)), at=1)
    stream.tell(resolved("a", 0, None)._replace(starts_at=None), at=60)
    assert stream.standing()[0].status == RESOLVED
    stream.tell(firing("a", 55, flags=(RESTATED,)), at=61)

    assert stream.standing()[0].status == OPEN


def test_an_end_in_the_future_does_not_end_what_comes_until_then(stream: Stream) -> None:
    """A resolve an hour ahead of its own receipt counts from its receipt."""
    stream.tell(firing("a", 0), at=1)
    stream.tell(resolved("a", 0, 3600), at=30)
    stream.tell(firing("a", 200), at=201)

    assert stream.standing()[0].status == OPEN


def test_an_expiry_is_no_recovery(stream: Stream) -> None:
    """Where the sender fell silent, people are told so, and not that it is over."""
    stream.tell(firing("a", 0), at=1)
    changes = stream.wait(LEASE + 2)

    assert [notice.occasion for notice in changes.notices] == ["expired"]


def test_a_crowd_of_flaps_is_forgotten_from_the_oldest(stream: Stream) -> None:
    """A signal that flaps a hundred times within the hold is kept to its latest; the count stays."""
    for flap in range(100):
        stream.tell(firing("a", 4 * flap), at=4 * flap + 1)
        stream.tell(resolved("a", 4 * flap, 4 * flap + 2), at=4 * flap + 3)

    [signal] = stream.state.signals.values()
    assert len(signal.firings) <= 32
    assert stream.standing()[0].alert_count == 100


def test_a_long_firing_told_again_and_again_does_not_grow(stream: Stream) -> None:
    """A sender that restates its start every minute for hours is kept by its start and last tellings."""
    for minute in range(200):
        stream.tell(firing("a", 60 * minute, flags=(RESTATED,)), at=60 * minute)

    [signal] = stream.state.signals.values()
    assert len(signal.firings) <= 32
    assert (stream.standing()[0].alert_count, stream.standing()[0].opened_at) == (1, T0)


def test_a_forgotten_flap_told_again_is_known(stream: Stream) -> None:
    """The repetition of a firing that is kept no more does not count twice."""
    for flap in range(100):
        stream.tell(firing("a", 4 * flap), at=4 * flap + 1)
        stream.tell(resolved("a", 4 * flap, 4 * flap + 2), at=4 * flap + 3)
    stream.tell(firing("a", 0), at=405)

    assert stream.standing()[0].alert_count == 100
