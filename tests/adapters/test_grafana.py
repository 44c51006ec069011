"""Grafana's webhooks: unified alerting and the legacy one before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.reading import MINUTE, NOW, event_of, read, stored
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.event import RESTATED


def alert(**changes: Any) -> dict[str, Any]:
    """Make one alert of unified alerting."""
    return {
        "status": "firing",
        "labels": {"alertname": "High memory", "service": "cart", "severity": "critical"},
        "annotations": {"summary": "memory is short"},
        "startsAt": "2026-11-20T12:59:00+01:00",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "?orgId=1",
        "fingerprint": "c6eadffa33fcdf37",
        "silenceURL": "https://grafana.example/silence",
        "dashboardURL": "https://grafana.example/d/1",
        "panelURL": "",
        "values": {"B": 44.5, "C": 1},
        "orgId": 1,
    } | changes


def webhook(*alerts: object) -> dict[str, Any]:
    """Make a body of unified alerting."""
    return {
        "receiver": "hook",
        "status": "firing",
        "orgId": 1,
        "alerts": list(alerts),
        "groupKey": "{}:{}",
        "version": "1",
        "truncatedAlerts": 0,
        "title": "[FIRING:1]",
        "state": "alerting",
        "message": "text",
        "appVersion": "12.0.0",
    }


def rule(**changes: Any) -> dict[str, Any]:
    """Make a body of legacy alerting."""
    return {
        "evalMatches": [{"value": 90, "metric": "cpu", "tags": {"service": "cart", "host": "a"}}],
        "message": "cpu is high",
        "orgId": 1,
        "ruleId": 7,
        "ruleName": "CPU alert",
        "ruleUrl": "https://grafana.example/d/2",
        "state": "alerting",
        "title": "[Alerting] CPU alert",
        "tags": {"severity": "critical"},
    } | changes


def test_a_unified_alert_becomes_an_event() -> None:
    """As Alertmanager's, with the measured value and a link that leads somewhere."""
    event = event_of("grafana", webhook(alert()))

    assert (event.service, event.metric, event.severity) == ("cart", "High memory", Severity.CRITICAL)
    assert (event.starts_at, event.ends_at, event.flags) == (NOW - MINUTE, None, ())
    assert (event.value, event.link) == (44.5, "https://grafana.example/d/1")


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"values": {"A": 0, "B": 3}}, 3.0),
        ({"values": {"C": 1}}, 1.0),
        ({"values": {"B": None, "B0": 2.5}}, 2.5),
        (
            {
                "values": None,
                "valueString": "[ var='B' labels={a=b} value=2.5 ], [ var='C' labels={} value=1 ]",
            },
            2.5,
        ),
        ({"values": {}, "valueString": "[ var='B' labels={} value=NaN ]"}, None),
        ({"values": None}, None),
        ({"annotations": {"value": "7"}}, 7.0),
    ],
)
def test_the_value_is_what_was_measured(changes: dict[str, Any], value: float | None) -> None:
    """A condition's 0 or 1 counts only where nothing else was measured; an annotation counts most."""
    assert event_of("grafana", webhook(alert(**changes))).value == value


def test_firing_and_resolved_are_one_signal() -> None:
    """The values of a resolved alert do not change who it is."""
    over = alert(status="resolved", endsAt="2026-11-20T12:00:00Z", values=None)
    event = event_of("grafana", webhook(over))

    assert (event.resolved, event.ends_at) == (True, NOW)
    assert event.fingerprint == event_of("grafana", webhook(alert())).fingerprint


def test_one_unreadable_alert_does_not_lose_the_others() -> None:
    """The bad one comes back as a body of its own."""
    reading = read("grafana", webhook(alert(), {"labels": 5}))

    assert [event.service for event in reading.events] == ["cart"]
    assert [fault.field for fault in reading.faults] == ["alerts[1].labels"]
    assert read("grafana", reading.faults[0].fragment).faults[0].reason == reading.faults[0].reason


@pytest.mark.parametrize(
    ("instance", "receiver"), [("Grafana", "hook"), ("Grafana", "test"), ("mine", "test")]
)
def test_the_test_button_raises_no_alert(instance: str, receiver: str) -> None:
    """Nothing would ever resolve it; the body is understood and says nothing."""
    test = alert(labels={"alertname": "TestAlert", "instance": instance})
    body = {**webhook(test), "receiver": receiver}

    assert read("grafana", body) == read(None, body) == ((), (), True)


@pytest.mark.parametrize("labels", [{"alertname": "TestAlert"}, {"alertname": "Slow", "instance": "Grafana"}])
def test_a_rule_like_a_test_is_an_alert(labels: dict[str, str]) -> None:
    """Neither its name alone nor an alert about Grafana itself is a test."""
    assert len(read("grafana", webhook(alert(labels=labels))).events) == 1


def test_the_test_button_of_old_raises_no_alert() -> None:
    """A rule that does not exist, with the name Grafana gives it."""
    assert read("grafana", rule(ruleId=0, ruleName="Test notification")) == ((), (), True)


def test_a_legacy_rule_becomes_an_event() -> None:
    """Tags of the series that match say where it is; the body tells no time."""
    event = event_of("grafana", rule())

    assert (event.service, event.metric, event.severity) == ("cart", "CPU alert", Severity.CRITICAL)
    assert (event.value, event.starts_at, event.flags) == (90.0, None, (RESTATED,))
    assert (event.summary, event.link) == ("cpu is high", "https://grafana.example/d/2")


def test_a_legacy_rule_resolves_itself() -> None:
    """The resolving body names no series: the rule is the identity."""
    over = event_of("grafana", rule(state="ok", evalMatches=[], tags={}))

    assert over.resolved
    assert over.fingerprint == event_of("grafana", rule()).fingerprint
    assert over.fingerprint != event_of("grafana", rule(ruleId=8)).fingerprint


def test_only_what_all_series_share_is_a_label() -> None:
    """Two hosts of one service: the service is known, the host is not."""
    matches = [{"value": n, "tags": {"service": "cart", "host": host}} for n, host in enumerate("ab")]
    event = event_of("grafana", rule(evalMatches=matches))

    assert (event.service, event.labels, event.value) == ("cart", {}, 1.0)


@pytest.mark.parametrize("matches", [None, [], "x", [None], [{"value": None, "tags": None}]])
def test_a_legacy_rule_may_match_nothing(matches: object) -> None:
    """No data is an alert too."""
    assert not event_of("grafana", rule(state="no_data", evalMatches=matches)).resolved


@pytest.mark.parametrize("state", ["pending", "paused", "unknown"])
def test_a_state_between_says_nothing(state: str) -> None:
    """A rule that waits or rests neither fires nor resolves."""
    assert read("grafana", rule(state=state)) == ((), (), True)


@pytest.mark.parametrize(
    "body", [{"state": "x", "ruleId": 1}, {"title": "x"}, [], {"alerts": [{"service": "a"}]}]
)
def test_another_body_goes_to_quarantine_whole(body: object) -> None:
    """One fault holds all of it."""
    reading = read("grafana", body)

    assert (reading.events, reading.recognised, len(reading.faults)) == ((), False, 1)


def test_the_documented_body_is_read(shared_dir: Path) -> None:
    """Two alerts, each with its own start and value."""
    body = stored(shared_dir / "payloads" / "grafana_unified" / "grafana_docs_example.json")
    reading = read("grafana", body)

    assert [(e.metric, e.value, e.resolved) for e in reading.events] == [
        (a["labels"]["alertname"], a["values"]["B"], False) for a in body["alerts"]
    ]
    assert len({event.fingerprint for event in reading.events}) == 2


def test_stored_legacy_bodies_are_read(shared_dir: Path) -> None:
    """One fires with its series' tags, one is over."""
    folder = shared_dir / "payloads" / "grafana_legacy"
    firing = event_of("grafana", stored(folder / "alerta_grafana_6.json"))
    over = event_of("grafana", stored(folder / "alerta_grafana_alert_ok.json"))

    assert (firing.service, firing.value, firing.resolved) == ("Core", 23644.5, False)
    assert (over.metric, over.resolved) == ("Zeta CPU alert", True)
