"""Alerts in plain words, and in words that a mapping of the settings explains."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.reading import MINUTE, NOW, event_of, read, reader
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import RESTATED, UNMAPPED
from aiops_rca.domain.fingerprint import fingerprint

ALERT: dict[str, Any] = {
    "id": "1",
    "service": "cart",
    "metric": "latency_p99",
    "severity": "critical",
    "status": "firing",
    "starts_at": "2026-11-20T11:59:00Z",
    "value": 2.5,
    "threshold": "1",
    "labels": {"zone": "eu"},
    "summary": "cart is slow",
    "link": "https://monitor.example/1",
}


def test_an_alert_in_our_own_words_becomes_an_event() -> None:
    """The fields are those of `POST /incident`."""
    event = event_of("generic", ALERT)

    assert (event.service, event.metric, event.severity) == ("cart", "latency_p99", Severity.CRITICAL)
    assert (event.starts_at, event.value, event.threshold) == (NOW - MINUTE, 2.5, 1.0)
    assert event.labels == {"zone": "eu"}
    assert event.fingerprint == fingerprint("cart", "latency_p99", {"zone": "eu"})
    assert (event.summary, event.link, event.flags) == ("cart is slow", "https://monitor.example/1", ())


@pytest.mark.parametrize(
    "wrap", [lambda a: a, lambda a: [a], lambda a: {"alerts": [a]}, lambda a: {"events": [a]}]
)
def test_one_several_or_under_a_key(wrap: Any) -> None:
    """All three shapes hold the same alert, named or found."""
    for source in ("generic", None):
        assert read(source, wrap(ALERT)).events == (event_of("generic", ALERT),)


@pytest.mark.parametrize("name", ["ts", "time", "timestamp"])
def test_a_time_that_is_no_start_differs_each_time(name: str) -> None:
    """It is when it was told: repetitions are one firing."""
    told = {**ALERT, "starts_at": None, name: NOW / 1000}

    assert (event_of("generic", told).starts_at, event_of("generic", told).flags) == (NOW, (RESTATED,))


@pytest.mark.parametrize("name", ["ts", "time", "timestamp", "date", "ends_at"])
def test_a_time_in_a_resolved_alert_is_its_end(name: str) -> None:
    """Told without a start, it says when it was over and nothing of when it began."""
    told = {**ALERT, "status": "resolved", "starts_at": None, name: "2026-11-20T12:00:00Z"}
    event = event_of("generic", told)

    assert (event.resolved, event.starts_at, event.ends_at, event.flags) == (True, None, NOW, ())


@pytest.mark.parametrize(
    ("times", "starts_at", "ends_at"),
    [
        ({"ts": NOW}, NOW - MINUTE, NOW),
        ({"ts": NOW, "ends_at": NOW - 1}, NOW - MINUTE, NOW - 1),
        ({"starts_at": None, "ts": NOW, "ends_at": NOW - 1}, None, NOW - 1),
        ({"starts_at": None, "created_at": NOW}, None, None),
        ({}, NOW - MINUTE, None),
    ],
    ids=str,
)
def test_what_a_resolved_alert_says_of_its_ends_counts_first(
    times: dict[str, Any], starts_at: int | None, ends_at: int | None
) -> None:
    """Its explicit start and end keep their meaning; when it was created is no end."""
    event = event_of("generic", {**ALERT, "status": "resolved", **times})

    assert (event.starts_at, event.ends_at) == (starts_at, ends_at)


def test_alerts_without_a_service_are_apart_by_rule() -> None:
    """Rules that name no service have nothing in common; a rule's alerts have."""
    alerts = [{"labels": {"alertname": name, "zone": zone}} for name, zone in ("ax", "ay", "bx")]
    services = [event.service for event in read("generic", alerts).events]

    assert services == ["unknown/a", "unknown/a", "unknown/b"]
    assert {event.flags for event in read("generic", alerts).events} == {(RESTATED, UNMAPPED)}


def test_the_name_of_an_unknown_service_is_short() -> None:
    """A rule's name may be a whole story."""
    assert len(event_of("generic", {"labels": {"alertname": "x" * 5000}}).service) == 200


@pytest.mark.parametrize(
    ("changes", "resolved"),
    [
        ({"status": "Resolved"}, True),
        ({"status": "OK"}, True),
        ({"status": None, "state": "closed"}, True),
        ({"status": None, "ends_at": NOW - 1}, True),
        ({"status": None, "ends_at": NOW + MINUTE}, False),
        ({"status": None}, False),
        ({"status": "open"}, False),
    ],
)
def test_many_words_say_that_it_is_over(changes: dict[str, Any], resolved: bool) -> None:  # noqa: FBT001 - a table
    """Without a status its end tells; the signal is the same."""
    event = event_of("generic", {**ALERT, **changes, "id": "2"})

    assert event.resolved is resolved
    assert event.fingerprint == event_of("generic", ALERT).fingerprint


@pytest.mark.parametrize(
    "labels", ["zone:eu,rack:7", ["zone:eu", "rack:7"], [{"name": "zone", "value": "eu"}]]
)
def test_labels_in_every_shape(labels: object) -> None:
    """As a text, a list of pairs or a list of objects."""
    assert event_of("generic", {**ALERT, "labels": labels}).labels["zone"] == "eu"


def test_a_lasting_name_of_the_sender_is_the_identity() -> None:
    """A dedup_key or fingerprint counts before service, metric and labels; an id does not."""
    first = event_of("generic", {**ALERT, "dedup_key": "k"})
    renamed = event_of(
        "generic", {"dedup_key": "k", "service": "cart", "metric": "other", "status": "resolved"}
    )

    assert renamed.fingerprint == first.fingerprint
    assert first.fingerprint != event_of("generic", ALERT).fingerprint


def test_one_unreadable_alert_does_not_lose_the_others() -> None:
    """It comes back alone."""
    reading = read("generic", [ALERT, {"hello": "world"}, {**ALERT, "status": "sideways"}])

    assert len(reading.events) == 1
    assert [fault.field for fault in reading.faults] == ["alerts[1].service", "alerts[2].status"]
    assert reading.faults[0].fragment == b'{"hello":"world"}'


@pytest.mark.parametrize("body", [{}, {"hello": 1}, 5, None, "x", [{"a": 1}]])
def test_a_body_that_holds_no_alert_goes_to_quarantine_whole(body: object) -> None:
    """One fault holds all of it."""
    reading = read("generic", body)

    assert (reading.events, reading.recognised, len(reading.faults)) == ((), False, 1)


PROBE = {
    "mapping": {
        "alerts": "data.checks[]",
        "service": "target.name",
        "metric": "join('_', ['probe', kind])",
        "severity": "to_string(prio)",
        "status": "up && 'resolved' || 'firing'",
        "starts_at": "since",
        "identity": "to_string(no)",
        "labels": "{zone: target.zone}",
    }
}
CHECKS = {
    "data": {
        "checks": [
            {
                "no": 1,
                "target": {"name": "Cart", "zone": "eu"},
                "kind": "http",
                "prio": "P1",
                "up": False,
                "since": NOW,
            },
            {"no": 1, "target": {"name": "Cart"}, "kind": "tcp", "prio": "x", "up": True, "since": NOW},
        ]
    }
}


def test_a_mapping_reads_any_json() -> None:
    """Each field is an expression over one alert, `alerts` over the whole body."""
    firing, over = read("probe", CHECKS, settings={"sources": {"probe": PROBE}}).events

    assert (firing.source, firing.service, firing.metric) == ("probe", "cart", "probe_http")
    assert (firing.severity, firing.starts_at, firing.labels) == (Severity.CRITICAL, NOW, {"zone": "eu"})
    assert (over.resolved, over.fingerprint) == (True, firing.fingerprint)


def test_a_mapped_id_is_an_identity() -> None:
    """Who maps it says that it lasts; another source's is another."""
    mapping = {"id": "key", "service": "s", "metric": "m"}
    sources = {"sources": {name: {"mapping": mapping} for name in ("a", "b")}}
    body = {"key": "1", "s": "cart", "m": "x"}
    first = event_of("a", body, settings=sources)

    assert first.fingerprint == event_of("a", {**body, "m": "y"}, settings=sources).fingerprint
    assert first.fingerprint != event_of("b", body, settings=sources).fingerprint


def test_a_fault_of_a_mapped_source_can_be_read_again() -> None:
    """The alert alone is a body, though the mapping looks for a list."""
    bad = {"target": {"name": "cart"}, "kind": 5}
    settings = {"sources": {"probe": PROBE}}
    (fault,) = read("probe", {"data": {"checks": [*CHECKS["data"]["checks"], bad]}}, settings=settings).faults
    (again,) = read("probe", fault.fragment, settings=settings).faults

    assert (fault.field, again.reason) == ("alerts[2].metric", fault.reason)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"service": "a["}, r"sources\.probe\.mapping\.service: not a JMESPath expression"),
        ({"servce": "a"}, r"sources\.probe\.mapping\.servce: unknown field"),
    ],
)
def test_a_bad_mapping_stops_the_start(mapping: dict[str, str], message: str) -> None:
    """The setting at fault is named."""
    with pytest.raises(InputError, match=message):
        reader({"sources": {"probe": {"mapping": mapping}}})
