"""Alertmanager's webhook: every version, and what is wrong with one alert of many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.reading import MINUTE, NODES, NOW, event_of, read, reader, stored
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.event import (
    RESTATED,
    SEVERITY_UNKNOWN,
    TIME_AHEAD,
    TIME_INVALID,
    TRUNCATED,
    UNMAPPED,
)
from aiops_rca.domain.fingerprint import fingerprint
from aiops_rca.domain.times import epoch_ms
from aiops_rca.ingest.batch import read_alerts
from data.storm_convert import convert

ZERO = "0001-01-01T00:00:00Z"


def alert(**changes: Any) -> dict[str, Any]:
    """Make one firing alert about `cart`."""
    return {
        "status": "firing",
        "labels": {"alertname": "HighLatency", "service": "cart", "severity": "critical", "pod": "cart-1"},
        "annotations": {"summary": "cart is slow", "value": "2.5", "threshold": "1"},
        "startsAt": "2026-11-20T11:59:00.123456789Z",
        "endsAt": ZERO,
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "08e9f195a5972465",
    } | changes


def labelled(**labels: Any) -> dict[str, Any]:
    """Make one alert with just *labels*."""
    return alert(labels={"alertname": "HighLatency", **labels})


def webhook(*alerts: object, **changes: Any) -> dict[str, Any]:
    """Make a body of version 4."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighLatency"}',
        "truncatedAlerts": 0,
        "receiver": "aiops-rca",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
    } | changes


def test_an_alert_becomes_an_event() -> None:
    """Service, metric, severity, times, value and words are where Alertmanager puts them."""
    event = event_of("alertmanager", webhook(alert()))

    labels = {"alertname": "HighLatency", "pod": "cart-1"}
    assert event.source == "alertmanager"
    assert (event.service, event.metric, event.severity) == ("cart", "HighLatency", Severity.CRITICAL)
    assert (event.resolved, event.starts_at, event.ends_at) == (False, NOW - MINUTE + 123, None)
    assert (event.value, event.threshold) == (2.5, 1.0)
    assert event.labels == labels
    assert event.fingerprint == fingerprint("cart", "HighLatency", labels)
    assert (event.summary, event.link) == ("cart is slow", "http://prometheus.example/graph")
    assert event.flags == ()


def test_the_status_of_each_alert_counts() -> None:
    """A body whose status is firing may hold resolved alerts."""
    over = alert(status="resolved", endsAt="2026-11-20T11:59:30Z", labels={"service": "checkout"})
    events = read("alertmanager", webhook(alert(), over)).events

    assert [event.resolved for event in events] == [False, True]
    assert events[1].ends_at == NOW - 30_000


def test_a_resolved_alert_may_not_say_when_it_ended() -> None:
    """The zero time of a resolved alert means that the sender does not say."""
    event = event_of("alertmanager", webhook(alert(status="resolved")))

    assert event.resolved
    assert (event.ends_at, event.flags) == (None, ())


def test_firing_and_resolved_are_one_signal() -> None:
    """Status, severity, value and times are not part of the identity."""
    firing = event_of("alertmanager", webhook(alert()))
    over = alert(status="resolved", annotations={}, fingerprint="other")
    over["labels"] = {**over["labels"], "severity": "warning"}

    assert event_of("alertmanager", webhook(over)).fingerprint == firing.fingerprint


def test_no_alerts_are_no_events() -> None:
    """An empty list is recognised and holds nothing, also where nobody named the sender."""
    for source in ("alertmanager", None):
        reading = read(source, webhook())

        assert reading == ((), (), True)


@pytest.mark.parametrize(
    "changes",
    [
        {"notification_reason": "repeat interval elapsed", "routeLabels": {"team": "shop"}},
        {"version": "3", "groupKey": 5615590933959184469},
        {"truncatedAlerts": None, "version": None},
        {"unheard_of": [1, {"a": None}]},
    ],
)
def test_every_version_is_read(changes: dict[str, Any]) -> None:
    """What is on top of a body, known or not, does not change its alerts."""
    assert read("alertmanager", webhook(alert(), **changes)).events == (
        event_of("alertmanager", webhook(alert())),
    )


@pytest.mark.parametrize("missing", ["fingerprint", "endsAt", "generatorURL", "annotations"])
def test_an_alert_may_say_less(missing: str) -> None:
    """Older versions leave fields out."""
    told = alert()
    del told[missing]

    assert (
        event_of("alertmanager", webhook(told)).fingerprint
        == event_of("alertmanager", webhook(alert())).fingerprint
    )


def test_alerts_as_prometheus_posts_them_are_read() -> None:
    """A bare list has no status: an alert is over when its end lies in the past."""
    rows = [alert(endsAt="2026-11-20T12:03:00Z"), alert(endsAt="2026-11-20T11:59:59Z")]
    for row in rows:
        del row["status"]

    assert [event.resolved for event in read("alertmanager", rows).events] == [False, True]


def test_a_truncated_body_marks_its_alerts() -> None:
    """Where the sender left alerts out, every event of the body says so."""
    assert event_of("alertmanager", webhook(alert(), truncatedAlerts=7)).flags == (TRUNCATED,)
    assert event_of("alertmanager", webhook(alert(annotations={"x": 1}), truncatedAlerts="7")).flags == (
        TRUNCATED,
    )


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("not an object", "alerts[1]"),
        (alert(labels="oops"), "alerts[1].labels"),
        (alert(labels={}), "alerts[1].labels"),
        (alert(labels=None), "alerts[1].labels"),
        (alert(status="sideways"), "alerts[1].status"),
    ],
)
def test_one_unreadable_alert_does_not_lose_the_others(bad: object, field: str) -> None:
    """The good ones are read, the bad one comes back as a body of its own."""
    good = webhook(alert(), bad, alert(labels={"service": "checkout"}))
    reading = read("alertmanager", good)

    assert reading.recognised
    assert [event.service for event in reading.events] == ["cart", "checkout"]
    assert [fault.field for fault in reading.faults] == [field]
    assert json.loads(reading.faults[0].fragment)["alerts"] == [bad]


def test_a_fault_can_be_read_again() -> None:
    """What quarantine keeps of a bad alert is refused for the same reason, alone."""
    (fault,) = read("alertmanager", webhook(alert(), alert(status="sideways"))).faults
    (again,) = read("alertmanager", fault.fragment).faults

    assert again.reason == fault.reason


def test_a_number_in_place_of_text_is_taken() -> None:
    """Templates of users write numbers where Alertmanager writes text."""
    told = alert(annotations={"value": 2.5, "threshold": 1, "summary": "cart is slow"})
    told["labels"] = {**told["labels"], "shard": 3}
    event = event_of("alertmanager", webhook(told))

    assert (event.value, event.threshold, event.labels["shard"]) == (2.5, 1.0, 3)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "2.5%", "", "many", "1e999"])
def test_a_value_that_is_no_number_is_none(value: str) -> None:
    """Only finite numbers are values."""
    assert event_of("alertmanager", webhook(alert(annotations={"value": value}))).value is None


def test_the_label_metric_names_the_metric() -> None:
    """It counts more than the rule's name, which stays a label."""
    event = event_of("alertmanager", webhook(labelled(service="cart", metric="cpu_ratio")))

    assert event.metric == "cpu_ratio"
    assert event.labels == {"alertname": "HighLatency"}


@pytest.mark.parametrize(
    ("said", "severity", "flags"),
    [
        ("major", Severity.ERROR, ()),
        ("Page", Severity.CRITICAL, ()),
        ("P2", Severity.ERROR, ()),
        ("sev-1", Severity.CRITICAL, ()),
        ("none", Severity.INFO, ()),
        ("purple", Severity.WARNING, (SEVERITY_UNKNOWN,)),
        ("4", Severity.WARNING, (SEVERITY_UNKNOWN,)),
    ],
)
def test_severities_in_many_words(said: str, severity: Severity, flags: tuple[str, ...]) -> None:
    """Known words count; an unknown one is a warning, and flagged."""
    event = event_of("alertmanager", webhook(labelled(service="cart", severity=said)))

    assert (event.severity, event.flags) == (severity, flags)


def test_no_severity_is_a_warning() -> None:
    """An alert without one is not flagged: nothing was misunderstood."""
    event = event_of("alertmanager", webhook(labelled(service="cart")))

    assert (event.severity, event.flags) == (Severity.WARNING, ())


def test_a_time_that_is_none_is_flagged() -> None:
    """The receipt stands in for it, and each repetition has another."""
    event = event_of("alertmanager", webhook(alert(startsAt="yesterday")))

    assert (event.starts_at, event.flags) == (None, (RESTATED, TIME_INVALID))


def test_a_time_ahead_is_kept_and_flagged() -> None:
    """The sender's number stays; small differences between clocks are no news."""
    ahead = event_of("alertmanager", webhook(alert(startsAt="2026-11-20T12:10:00Z")))
    nearly = event_of("alertmanager", webhook(alert(startsAt="2026-11-20T12:00:30Z")))

    assert (ahead.starts_at, ahead.flags) == (NOW + 10 * MINUTE, (TIME_AHEAD,))
    assert nearly.flags == ()


def test_an_end_before_the_start_is_no_end() -> None:
    """The receipt stands in for it."""
    event = event_of("alertmanager", webhook(alert(status="resolved", endsAt="2026-11-20T11:00:00Z")))

    assert (event.starts_at, event.ends_at) == (NOW - MINUTE + 123, None)
    assert event.flags == (TIME_INVALID,)


def test_an_unknown_service_is_flagged() -> None:
    """The first label that speaks of a service names it, whether the graph knows it or not."""
    event = event_of("alertmanager", webhook(labelled(service="billing", job="node")))
    nobody = event_of("alertmanager", webhook(labelled(namespace="shop")))

    assert (event.service, event.flags) == ("billing", (UNMAPPED,))
    assert (nobody.service, nobody.flags) == ("unknown/HighLatency", (UNMAPPED,))


def test_hostile_labels_are_bounded() -> None:
    """Number and length are capped, NUL is replaced, and the order of the labels does not matter."""
    labels = {f"l{n:03}": "x" * 5000 for n in range(300)} | {
        "service": "bi\x00lling",
        "big": 10**30,
        "list": [1],
    }
    event = event_of("alertmanager", webhook(alert(labels=labels)))
    turned = event_of("alertmanager", webhook(alert(labels=dict(reversed(labels.items())))))

    assert len(event.labels) == 64
    assert max(len(str(value)) for value in event.labels.values()) == 1024
    assert event.service == "bi\ufffdlling"
    assert (turned.fingerprint, turned.labels) == (event.fingerprint, event.labels)


def test_a_link_that_is_no_web_address_is_dropped() -> None:
    """People follow links: a script is none."""
    assert event_of("alertmanager", webhook(alert(generatorURL="javascript:alert(1)"))).link == ""


@pytest.mark.parametrize(
    "mend",
    [
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b'"2.5"', b"NaN"),
        lambda raw: raw.replace(b"cart is slow", b"cart \xff is slow"),
        lambda raw: raw.replace(b"cart is slow", b"cart \\ud800 is slow"),
    ],
)
def test_nearly_json_is_read(mend: Any) -> None:
    """A byte order mark, NaN, a stray byte or half a surrogate does not lose the alerts."""
    raw = json.dumps(webhook(alert(), alert(labels={"service": "checkout"}))).encode()
    reading = read("alertmanager", mend(raw))

    assert [event.service for event in reading.events] == ["cart", "checkout"]
    assert all(event.summary.encode() for event in reading.events)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"7", b'"text"', b"[]x", b"[" * 5000, {"alert": "x"}, {"alerts": 5}]
)
def test_a_body_of_another_kind_goes_to_quarantine_whole(body: object) -> None:
    """One fault holds all of it."""
    reading = read("alertmanager", body)

    assert (reading.events, reading.recognised, len(reading.faults)) == ((), False, 1)


def test_labels_are_read_anew_for_another_graph() -> None:
    """What was read for one graph is not kept for the next."""
    graphs = [NODES]
    shared = reader()
    shared._graph_nodes = lambda: graphs[-1]
    body = json.dumps(webhook(labelled(service="billing"))).encode()
    before = shared.read("alertmanager", body, {}, NOW)[1].events[0]
    graphs.append(NODES | {"billing"})
    after = shared.read("alertmanager", body, {}, NOW)[1].events[0]

    assert (before.flags, after.flags) == ((UNMAPPED,), ())


def test_the_storm_is_diagnosed_as_by_post_incident(project_root: Path) -> None:
    """The recorded webhooks give the same signals as the batch that was made of them."""
    lines = (project_root / "tests" / "data" / "storm-webhooks.jsonl").read_text("utf-8").splitlines()
    bodies = [json.loads(line) for line in lines]
    batch = read_alerts(convert(bodies, target="frontend")["alerts"])
    nodes = frozenset(alert.service for alert in batch)
    told = [
        event
        for body in bodies
        for event in reader(nodes=nodes)
        .read("alertmanager", json.dumps(body).encode(), {}, epoch_ms("2027-01-01T00:00:00Z"))[1]
        .events
    ]

    asked = {(a.fingerprint, a.service, a.metric, a.severity, a.threshold) for a in batch if not a.resolved}
    assert {(e.fingerprint, e.service, e.metric, e.severity, e.threshold) for e in told} == asked
    assert {(e.fingerprint, e.starts_at, e.value) for e in told} >= {
        (a.fingerprint, a.ts, a.value) for a in batch if not a.resolved
    }
    ends = {(e.fingerprint, e.ends_at) for e in told if e.resolved}
    assert ends == {(a.fingerprint, a.ts) for a in batch if a.resolved}
    assert not any(event.flags for event in told)


def test_real_bodies_are_read_in_full(shared_dir: Path) -> None:
    """Every alert a real Alertmanager sent becomes an event with its own start."""
    files = sorted((shared_dir / "payloads" / "alertmanager_real").glob("*.json"))
    assert files
    for file in files:
        body = stored(file)
        reading = read("alertmanager", body)

        assert (len(reading.events), reading.faults) == (len(body["alerts"]), ()), file.name
        assert [e.resolved for e in reading.events] == [a["status"] == "resolved" for a in body["alerts"]]
        assert all(event.starts_at for event in reading.events)
        assert reader().read(None, json.dumps(body).encode(), {}, NOW)[0] == "alertmanager"


def test_a_retry_tells_nothing_new(shared_dir: Path) -> None:
    """Two attempts to deliver one body are the same events."""
    folder = shared_dir / "payloads" / "alertmanager_real"
    first, second = (read("alertmanager", stored(folder / f"retry_5xx_attempt_{n}.json")) for n in (1, 2))

    assert first == second


def test_bodies_of_other_versions_are_read(shared_dir: Path) -> None:
    """Bodies kept by other projects hold one alert each."""
    files = sorted((shared_dir / "payloads" / "alertmanager").glob("*.json"))
    assert files
    for file in files:
        assert event_of("alertmanager", stored(file)).metric in {"failedConnect", "HighErrorRate", "HighMem"}
