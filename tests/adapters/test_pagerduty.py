"""PagerDuty's webhooks of three versions, and bodies for its Events API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.reading import MINUTE, NOW, event_of, read, stored
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.event import RESTATED


def webhook(
    kind: str = "incident.triggered", at: str = "2026-11-20T12:00:00Z", **changes: Any
) -> dict[str, Any]:
    """Make a webhook of version 3."""
    data = {
        "id": "PGR0VU2",
        "type": "incident",
        "html_url": "https://acme.pagerduty.example/incidents/PGR0VU2",
        "number": 2,
        "status": "triggered",
        "incident_key": None,
        "created_at": "2026-11-20T11:59:00Z",
        "title": "cart is slow",
        "service": {"id": "PF9KMXH", "summary": "Cart"},
        "teams": [{"id": "T1", "summary": "Shop"}],
        "priority": None,
        "urgency": "high",
    } | changes
    return {"event": {"id": "E1", "event_type": kind, "occurred_at": at, "agent": None, "data": data}}


def trigger(action: str = "trigger", **payload: Any) -> dict[str, Any]:
    """Make a body for version 2 of the Events API."""
    told = {
        "summary": "cart at 93%",
        "source": "cart-0",
        "severity": "error",
        "timestamp": "2026-11-20T11:59:00.000+0000",
        "class": "cpu load",
        "custom_details": {"value": 93, "threshold": "90", "zone": "eu"},
    } | payload
    return {
        "routing_key": "secret",
        "event_action": action,
        "dedup_key": "cart/cpu",
        "payload": told,
        "client_url": "https://monitor.example",
    }


def test_an_incident_becomes_an_event() -> None:
    """Its service, title, priority and creation are the alert's."""
    event = event_of("pagerduty", webhook())

    assert (event.service, event.metric, event.severity) == ("cart", "cart is slow", Severity.ERROR)
    assert (event.resolved, event.starts_at, event.flags) == (False, NOW - MINUTE, ())
    assert event.labels["pagerduty_team"] == "Shop"
    assert event.link == "https://acme.pagerduty.example/incidents/PGR0VU2"


def test_the_resolve_matches_its_trigger() -> None:
    """By the incident's id, whatever else has changed."""
    over = event_of("pagerduty", webhook("incident.resolved", title="renamed", priority={"summary": "P1"}))

    assert (over.resolved, over.ends_at) == (True, NOW)
    assert over.fingerprint == event_of("pagerduty", webhook()).fingerprint
    assert over.fingerprint != event_of("pagerduty", webhook(id="OTHER")).fingerprint


@pytest.mark.parametrize(
    ("occurred_at", "changes", "ends_at"),
    [
        ("2026-11-20T12:00:00Z", {"created_at": None}, NOW),
        ("2026-11-20T12:00:00Z", {"created_at": None, "resolved_at": "2026-11-20T11:59:00Z"}, NOW - MINUTE),
        ("", {"created_at": None, "last_status_change_at": "2026-11-20T12:00:00Z"}, NOW),
    ],
    ids=["told", "resolved", "changed"],
)
def test_when_a_resolve_was_told_is_no_start(occurred_at: str, changes: dict[str, Any], ends_at: int) -> None:
    """Without its creation the incident's start is not known; its end is."""
    event = event_of("pagerduty", webhook("incident.resolved", occurred_at, **changes))

    assert (event.starts_at, event.ends_at) == (None, ends_at)


def test_a_reopened_incident_fires_anew() -> None:
    """It starts when it was reopened, not when it was created."""
    assert event_of("pagerduty", webhook("incident.reopened")).starts_at == NOW


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"priority": {"summary": "P1"}}, Severity.CRITICAL),
        ({"priority": {"summary": "P3"}, "urgency": "high"}, Severity.WARNING),
        ({"priority": {"summary": "house rule"}, "urgency": "low"}, Severity.WARNING),
        ({"urgency": None}, Severity.WARNING),
    ],
)
def test_priority_counts_before_urgency(changes: dict[str, Any], severity: Severity) -> None:
    """Where users keep priorities, these say how bad it is."""
    assert event_of("pagerduty", webhook(**changes)).severity == severity


@pytest.mark.parametrize(
    "kind",
    "incident.acknowledged incident.unacknowledged incident.escalated incident.reassigned incident.annotated "
    "incident.priority_updated incident.responder.added incident.workflow.started service.updated "
    "incident.status_update_published pagey.ping".split(),
)
def test_what_people_do_is_taken_and_says_nothing(kind: str) -> None:
    """Neither an event nor a fault."""
    for source in ("pagerduty", None):
        assert read(source, webhook(kind)) == ((), (), True)


def test_messages_of_version_1_and_2_are_read() -> None:
    """The incident stands in `data.incident` or in `incident`; acknowledgements say nothing."""
    incident = {
        "id": "PIJ90N7",
        "created_on": "2026-11-20T11:59:00Z",
        "service": {"name": "cart"},
        "trigger_summary_data": {"subject": "cart is slow"},
    }
    first = {"type": "incident.trigger", "created_on": "2026-11-20T11:59:01Z", "data": {"incident": incident}}
    noted = {"type": "incident.acknowledge", "data": {"incident": incident}}
    second = {"event": "incident.resolve", "created_on": "2026-11-20T12:00:00Z", "incident": incident}
    firing, over = read("pagerduty", {"messages": [first, noted, second]}).events

    assert (firing.service, firing.metric, firing.resolved) == ("cart", "cart is slow", False)
    assert (over.resolved, over.ends_at, over.fingerprint) == (True, NOW, firing.fingerprint)


def test_one_unreadable_message_does_not_lose_the_others() -> None:
    """It comes back as a body of its own."""
    bad = webhook(id=None)
    reading = read("pagerduty", {"messages": [webhook(), bad, "x"]})

    assert len(reading.events) == 1
    assert [fault.field for fault in reading.faults] == ["messages[1].data.id", "messages[2].message"]
    assert read("pagerduty", reading.faults[0].fragment).faults[0].reason == "an incident without an id"


def test_an_event_for_the_events_api_is_read() -> None:
    """Class, source and details say what is measured, where and how much."""
    event = event_of("pagerduty", trigger())

    assert (event.service, event.metric, event.severity) == ("cart", "cpu load", Severity.ERROR)
    assert (event.value, event.threshold, event.starts_at) == (93.0, 90.0, NOW - MINUTE)
    assert event.flags == (RESTATED,)
    assert (event.summary, event.link) == ("cart at 93%", "https://monitor.example")


def test_an_event_resolves_by_its_key() -> None:
    """A resolve needs no payload; an acknowledgement says nothing."""
    over = event_of("pagerduty", {"event_action": "resolve", "dedup_key": "cart/cpu"})

    assert over.resolved
    assert over.fingerprint == event_of("pagerduty", trigger()).fingerprint
    assert read("pagerduty", trigger("acknowledge")) == ((), (), True)


def test_an_event_without_a_key_is_known_by_its_labels() -> None:
    """Component and class stay while the summary counts up."""
    first, second = (trigger(component="cart", summary=text) for text in ("at 93%", "at 95%"))
    del first["dedup_key"], second["dedup_key"]
    first["payload"]["custom_details"] = second["payload"]["custom_details"] = {}

    assert event_of("pagerduty", first).fingerprint == event_of("pagerduty", second).fingerprint


@pytest.mark.parametrize(
    "body", [{"event": {}}, {"event_action": "explode"}, {"messages": []}, {"event_type": "trigger"}, [1]]
)
def test_another_body_goes_to_quarantine_whole(body: object) -> None:
    """One fault holds all of it."""
    reading = read("pagerduty", body)

    assert (reading.events, reading.recognised, len(reading.faults)) == ((), False, 1)


def test_stored_bodies_are_read(shared_dir: Path) -> None:
    """Each of the bodies other projects keep holds one alert that fires or is over."""
    folder = shared_dir / "payloads" / "pagerduty"
    told = {file.name: event_of("pagerduty", stored(file)) for file in sorted(folder.glob("*.json"))}

    assert {name: (event.service, event.resolved) for name, event in told.items()} == {
        "alerta_pagerduty_alert.json": ("service", True),
        "nudgebee_pagerDutyPayloadNoClient_4.json": ("Event_Catchall_ocean", False),
        "nudgebee_pagerDutyResolvedPayload_2.json": ("Test-Service", True),
        "runlore_incident_triggered.json": ("API Service", False),
    }
    assert all(event.starts_at for event in told.values())
