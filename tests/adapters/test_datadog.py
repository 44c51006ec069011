"""Datadog's webhooks, whatever template their users wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.reading import NOW, event_of, read, stored
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.event import RESTATED

AT = str(NOW)


def default(title: str, **changes: Any) -> dict[str, Any]:
    """Make a body of the default template: neither status nor tags."""
    return {
        "id": "8179565223078592612",
        "last_updated": AT,
        "event_type": "metric_alert_monitor",
        "title": title,
        "date": AT,
        "org": {"id": "1300568798", "name": "acme"},
        "body": "%%%\ntext\n%%%",
    } | changes


def recommended(transition: str = "Triggered", **changes: Any) -> dict[str, Any]:
    """Make a body with the template variables that matter."""
    return {
        "title": f"[P2] [{transition} on {{service:cart,env:prod}}] CPU of cart",
        "alert_transition": transition,
        "alert_type": "error",
        "alert_query": "avg(last_5m):avg:system.cpu.user{*} by {host} > 90.5",
        "alert_scope": "service:cart,env:prod",
        "alert_id": "1234",
        "aggreg_key": "9bd4ac313a4d1e8fae2482df7b77628",
        "alert_cycle_key": "117",
        "tags": "env:prod,service:cart,team:shop,monitor",
        "date": AT,
        "priority": "P2",
        "link": "https://app.datadog.example/monitors/1234",
    } | changes


def test_the_recommended_template_becomes_an_event() -> None:
    """Query, scope, tags and priority say what, where and how bad."""
    event = event_of("datadog", recommended())

    assert (event.service, event.metric, event.severity) == ("cart", "system.cpu.user", Severity.ERROR)
    assert (event.threshold, event.starts_at, event.flags) == (90.5, NOW, (RESTATED,))
    assert event.labels == {"env": "prod", "team": "shop", "monitor_id": "1234"}
    assert (event.summary, event.link) == ("CPU of cart", "https://app.datadog.example/monitors/1234")


def test_the_default_template_tells_by_its_title() -> None:
    """Status, priority, scope and name stand in brackets before the monitor's name."""
    event = event_of("datadog", default("[P1] [Triggered on {service:cart,host:a}] CPU is high"))

    assert (event.service, event.metric, event.severity) == ("cart", "CPU is high", Severity.CRITICAL)
    assert (event.resolved, event.starts_at, event.labels) == (False, NOW, {"host": "a"})


@pytest.mark.parametrize(
    ("firing", "over"),
    [
        (recommended(), recommended("Recovered", alert_type="success")),
        (recommended("Re-Triggered"), recommended("Recovered", alert_cycle_key="118")),
        (recommended("Warn"), recommended("Warn Recovered", tags=[])),
        (default("[Triggered on {host:a}] CPU"), default("[Recovered on {host:a}] CPU")),
        (default("[P1] [Warn] CPU"), default("[P1] [Recovered from Warn] CPU")),
        ({"alert_cycle_key": "1", "title": "x"}, {"alert_cycle_key": "1", "alert_transition": "Recovered"}),
        ({"monitor_id": 7, "title": "a"}, {"monitor_id": "7", "title": "b", "status": "OK"}),
    ],
)
def test_the_recovery_matches_its_trigger(firing: dict[str, Any], over: dict[str, Any]) -> None:
    """By the aggregation key, the monitor and scope, the cycle or the title: what both have in common."""
    began, ended = event_of("datadog", firing), event_of("datadog", over)

    assert (began.resolved, ended.resolved) == (False, True)
    assert ended.starts_at is None
    assert ended.fingerprint == began.fingerprint


def test_two_groups_of_one_monitor_are_two_signals() -> None:
    """The scope is part of who it is, in any order."""
    first = event_of("datadog", recommended(alert_scope="host:a,env:prod"))

    assert first.fingerprint == event_of("datadog", recommended(alert_scope="env:prod, host:a")).fingerprint
    assert first.fingerprint != event_of("datadog", recommended(alert_scope="host:b,env:prod")).fingerprint


@pytest.mark.parametrize(
    ("transition", "resolved"),
    [
        ("Triggered", False),
        ("Re-Triggered", False),
        ("Renotify", False),
        ("Warn", False),
        ("No Data", False),
        ("Re-No Data", False),
        ("Alert recovery", True),
        ("Recovered", True),
        ("No Data Recovered", True),
        ("OK", True),
    ],
)
def test_every_transition_is_understood(transition: str, resolved: bool) -> None:  # noqa: FBT001 - a table
    """Whatever is not a recovery fires."""
    assert event_of("datadog", recommended(transition)).resolved is resolved


def test_the_date_of_a_recovery_is_the_end() -> None:
    """By either template; when it began is not said."""
    for body in (recommended("Recovered"), default("[Recovered on {service:cart}] CPU", date=None)):
        event = event_of("datadog", body)

        assert (event.resolved, event.starts_at, event.ends_at) == (True, None, NOW)


def test_variables_may_stand_anywhere() -> None:
    """In objects, in capitals, with their dollar; one that Datadog did not fill says nothing."""
    nested = {
        "title": "[P3] [Triggered] CPU",
        "alert": {"alert_transition": "Recovered", "alert_scope": "service:cart", "alert_status": ""},
        "event": {"aggreg_key": "k", "event_url": "https://app.datadog.example/e"},
        "$ALERT_METRIC": "cpu",
        "ALERT_PRIORITY": "$ALERT_PRIORITY",
        "alert_query": "null",
    }
    event = event_of("datadog", nested)

    assert (event.service, event.metric, event.severity) == ("cart", "cpu", Severity.WARNING)
    assert (event.resolved, event.link) == (True, "https://app.datadog.example/e")


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"priority": 1}, Severity.CRITICAL),
        ({"priority": "4"}, Severity.INFO),
        ({"priority": "normal", "title": "x"}, Severity.ERROR),
        ({"priority": None, "title": "x", "alert_transition": "Warn"}, Severity.WARNING),
        ({"priority": "", "title": "x", "alert_type": ""}, Severity.WARNING),
        ({"priority": "", "severity": "critical"}, Severity.CRITICAL),
    ],
)
def test_priority_counts_before_the_kind_of_alert(changes: dict[str, Any], severity: Severity) -> None:
    """Where nobody set a priority, the monitor's own judgement counts."""
    assert event_of("datadog", recommended(**changes)).severity == severity


def test_tags_may_be_a_list() -> None:
    """As `name:value` each."""
    told = event_of(
        "datadog", recommended(alert_scope="", title="CPU", tags=["service:checkout", "team:pay"])
    )

    assert (told.service, told.labels["team"]) == ("checkout", "pay")


def test_a_template_with_few_variables_is_read_at_its_own_address() -> None:
    """It is too little to recognise it anywhere else."""
    body = {"title": "[Triggered] CPU", "last_updated": AT}

    assert event_of("datadog", body).metric == "CPU"
    assert not read(None, body).recognised


@pytest.mark.parametrize("body", [{}, [], {"title": "x"}, {"last_updated": AT}, "x"])
def test_another_body_goes_to_quarantine_whole(body: object) -> None:
    """One fault holds all of it."""
    reading = read("datadog", body)

    assert (reading.events, reading.recognised, len(reading.faults)) == ((), False, 1)


def test_stored_bodies_are_read(shared_dir: Path) -> None:
    """Each of the bodies other projects keep fires."""
    folder = shared_dir / "payloads" / "datadog"
    told = {file.name: event_of("datadog", stored(file)) for file in sorted(folder.glob("*.json"))}

    assert {name: (event.service, event.metric, event.severity.word) for name, event in told.items()} == {
        "keep_high_cpu_usage.json": ("api", "system.cpu.user", "error"),
        "keep_mq_consumer_struggling.json": ("api", "mq_processing", "critical"),
        "nudgebee_datadogReTriggeredPayload_6.json": (
            "unknown/[Synthetics] API Test on myapp/api",
            "[Synthetics] API Test on myapp/api",
            "info",
        ),
        "nudgebee_datadogSyntheticsPayload_4.json": (
            "unknown/[Synthetics] XYZ - A monitor that always fails",
            "[Synthetics] XYZ - A monitor that always fails",
            "warning",
        ),
        "nudgebee_error_tracking_datadogPayload2.json": (
            "unknown/[New issue] New issue to review",
            "[New issue] New issue to review",
            "error",
        ),
    }
    assert not any(event.resolved for event in told.values())
