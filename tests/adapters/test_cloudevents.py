"""CloudEvents in all three ways over HTTP, and what they carry."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.reading import MINUTE, NOW, event_of, read, reader, stored
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.event import RESTATED

ALERT = {"service": "cart", "metric": "latency", "severity": "error", "value": 3}
ALERTMANAGER = {
    "receiver": "r",
    "alerts": [
        {"status": "firing", "labels": {"service": s, "alertname": "Slow"}} for s in ("cart", "checkout")
    ],
}


def envelope(data: object = None, **attributes: Any) -> dict[str, Any]:
    """Make a structured event."""
    return {
        "specversion": "1.0",
        "type": "com.example.alert",
        "source": "/shop/cart",
        "id": "A1",
        "time": "2026-11-20T11:59:00Z",
        "data": data,
    } | attributes


def headers(**attributes: str) -> dict[str, str]:
    """The headers of a binary event."""
    named = {
        "specversion": "1.0",
        "type": "com.example.alert",
        "source": "/shop/cart",
        "id": "A1",
    } | attributes
    return {f"ce-{name}": value for name, value in named.items()}


def test_an_alert_in_plain_words_is_read() -> None:
    """The event's time is its start, and each event has another."""
    event = event_of("cloudevents", envelope(ALERT))

    assert (event.service, event.metric, event.severity) == ("cart", "latency", Severity.ERROR)
    assert (event.value, event.starts_at, event.flags) == (3.0, NOW - MINUTE, (RESTATED,))


def test_the_three_ways_tell_the_same() -> None:
    """Structured, binary and batch differ in how they are packed."""
    structured = event_of("cloudevents", envelope(ALERT))
    binary = event_of("cloudevents", ALERT, headers=headers(time="2026-11-20T11:59:00Z"))
    packed = base64.b64encode(json.dumps(ALERT).encode()).decode()
    base = event_of("cloudevents", envelope(data_base64=packed))
    text = event_of("cloudevents", envelope(json.dumps(ALERT)))
    batch = read("cloudevents", [envelope(ALERT), envelope(ALERT, id="A2")]).events

    assert binary == base == text == batch[0] == batch[1] == structured


def test_a_batch_may_be_empty() -> None:
    """It holds nothing, and is no fault."""
    assert read("cloudevents", []) == ((), (), True)


def test_the_body_of_another_sender_is_read_by_its_rules() -> None:
    """Every alert it holds becomes an event of this source."""
    for reading in (
        read("cloudevents", envelope(ALERTMANAGER)),
        read(None, ALERTMANAGER, headers=headers()),
    ):
        assert [(event.source, event.service) for event in reading.events] == [
            ("cloudevents", "cart"),
            ("cloudevents", "checkout"),
        ]


@pytest.mark.parametrize(
    ("kind", "resolved"),
    [
        ("com.example.alert.firing", False),
        ("com.example.alert.resolved", True),
        ("com.example.alert.closed", True),
        ("com.example.alert", False),
    ],
)
def test_the_type_may_say_whether_it_fires(kind: str, resolved: bool) -> None:  # noqa: FBT001 - a table
    """Where the data does not."""
    assert event_of("cloudevents", envelope(ALERT, type=kind)).resolved is resolved
    assert event_of("cloudevents", envelope(type=kind, subject="cart")).resolved is resolved


@pytest.mark.parametrize(
    "more", [{"subject": "cart/latency"}, {"data": ALERT}, {"data": ALERT, "subject": "s"}]
)
def test_the_resolve_matches_its_firing(more: dict[str, Any]) -> None:
    """By the subject or by what the alert is about, though each event has an id of its own."""
    firing = event_of("cloudevents", envelope(**{"type": "x.alert.firing", "id": "1", **more}))
    over = event_of("cloudevents", envelope(**{"type": "x.alert.resolved", "id": "2", **more}))

    assert (over.resolved, over.ends_at) == (True, NOW - MINUTE)
    assert over.fingerprint == firing.fingerprint


@pytest.mark.parametrize(
    ("began", "over"),
    [
        ({"type": "x.disk.firing"}, {"type": "x.disk.resolved"}),
        ({"type": "x.disk.triggered"}, {"type": "x.disk.cleared"}),
        ({"type": "x.link.down"}, {"type": "x.link.up"}),
        (
            {"data": {"status": "firing", "rule": "disk", "message": "97 %", "used": 97}},
            {"data": {"status": "resolved", "rule": "disk", "message": "12 %", "used": 12}},
        ),
        (
            {"type": "x.alert.opened", "data": {"id": 7, "severity": "high", "labels": {"host": "a"}}},
            {"type": "x.alert.closed", "data": {"id": 7, "severity": "none", "labels": {"host": "a"}}},
        ),
    ],
)
def test_without_a_subject_the_resolve_matches_too(began: dict[str, Any], over: dict[str, Any]) -> None:
    """By source, type without its state, and what of the data names the alert; each event has its own id."""
    firing = event_of("cloudevents", envelope(**{"id": "1", **began}))
    resolved = event_of("cloudevents", envelope(**{"id": "2", **over}))

    assert (firing.resolved, resolved.resolved) == (False, True)
    assert firing.fingerprint == resolved.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"source": "/shop/checkout"},
        {"type": "x.cpu.firing"},
        {"data": {"rule": "other"}},
        {"data": {"rule": "disk", "resource": {"id": "r2"}}},
        {"data": {"rule": "disk", "labels": {"host": "b"}}},
    ],
    ids=str,
)
def test_alerts_without_a_subject_are_told_apart(other: dict[str, Any]) -> None:
    """By where they come from, what happened, and what the data names."""
    one = {"type": "x.disk.firing", "data": {"rule": "disk", "labels": {"host": "a"}}}
    first, second = (event_of("cloudevents", envelope(**told)) for told in (one, one | other))

    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("com.example.order.created", {"order": 7, "total": 12.5}),
        ("com.example.build.started", None),
        ("com.example.someevent", {"appinfoA": "abc"}),
        ("com.example.order.changed", {"status": "shipped"}),
        ("com.example.deployed", {"service": "cart", "message": "deployed", "time": "2026-11-20T11:00:00Z"}),
        ("com.example.note", "just text"),
    ],
)
def test_news_are_no_alerts(kind: str, data: object) -> None:
    """What speaks neither of an alert nor of a state or severity is understood, and nothing fires."""
    for source in ("cloudevents", None):
        assert read(source, envelope(data, type=kind)) == ((), (), True)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("com.example.DiskAlarm", None),
        ("com.example.disk.failed", None),
        ("io.example.incident.changed", {}),
        ("com.example.someevent", {"severity": "major"}),
        ("com.example.someevent", {"state": "open"}),
        ("com.example.someevent", {"alertId": 7}),
        ("com.example.someevent", {"labels": {"alertname": "Slow"}}),
    ],
)
def test_what_speaks_of_an_alert_fires(kind: str, data: object) -> None:
    """In its type or in its data."""
    assert not event_of("cloudevents", envelope(data, type=kind)).resolved


def test_the_time_of_a_resolving_event_is_the_end() -> None:
    """In the data or in the envelope; nothing is said of the start."""
    for more in ({"data": {**ALERT, "time": "2026-11-20T11:59:00Z"}, "time": None}, {"data": ALERT}, {}):
        event = event_of("cloudevents", envelope(**{"type": "x.alert.resolved", **more}))

        assert (event.starts_at, event.ends_at) == (None, NOW - MINUTE)


def test_an_event_in_words_of_its_own_still_tells_something() -> None:
    """Its type is what happened, the end of its source where; scalars of its data are labels."""
    event = event_of("cloudevents", envelope({"reason": "OOM", "deep": {"a": 1}}, partition=3))

    assert (event.service, event.metric) == ("cart", "com.example.alert")
    assert event.labels == {"reason": "OOM", "partition": 3}


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_an_event_needs_its_attributes(missing: str) -> None:
    """One of a batch that lacks one does not lose the others."""
    bad = {key: value for key, value in envelope(ALERT).items() if key != missing}
    reading = read("cloudevents", [envelope(ALERT), bad])

    assert len(reading.events) == 1
    assert [(fault.field, json.loads(fault.fragment)) for fault in reading.faults] == [
        (f"[1].{missing}", bad)
    ]


def test_a_fault_inside_can_be_read_again() -> None:
    """What quarantine keeps of one bad alert is an event that carries it alone."""
    inner = {**ALERTMANAGER, "alerts": [*ALERTMANAGER["alerts"], {"labels": 5}]}
    for more in ({}, headers()):
        body = inner if more else envelope(inner)
        (fault,) = read("cloudevents", body, headers=more).faults
        (again,) = read("cloudevents", fault.fragment, headers=more).faults

        assert again.reason == fault.reason


@pytest.mark.parametrize(
    ("raw", "kind", "recognised"),
    [
        (b"", "application/json", True),
        (b"\x00\x01", "application/octet-stream", True),
        (b"just text", "text/plain", True),
        (b"{", "application/json", False),
    ],
)
def test_a_binary_event_may_carry_anything(raw: bytes, kind: str, recognised: bool) -> None:  # noqa: FBT001
    """Only data that claims to be JSON and is not goes to quarantine."""
    asked = {**headers(), "content-type": kind}
    reading = reader().read(None, raw, asked, NOW)[1]

    assert (reading.recognised, len(reading.events)) == (recognised, int(recognised))


@pytest.mark.parametrize("body", [{}, {"id": "x", "source": "y"}, [1, 2], b"x"])
def test_another_body_goes_to_quarantine_whole(body: object) -> None:
    """One fault holds all of it."""
    reading = read("cloudevents", body)

    assert (reading.events, reading.recognised, len(reading.faults)) == ((), False, 1)


def test_stored_bodies_are_read(shared_dir: Path) -> None:
    """The specification's own examples are news: understood, and no alerts."""
    folder = shared_dir / "payloads" / "cloudevents"
    told = {file.name: read("cloudevents", stored(file)) for file in sorted(folder.glob("*.json"))}

    assert len(told) == 4
    assert set(told.values()) == {((), (), True)}
