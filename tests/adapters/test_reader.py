"""The entrance: which source a body belongs to, and what happens to those that belong to none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.reading import NOW, read, reader, stored
from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.ingest.registry import ADAPTERS

BODIES: dict[str, Any] = {
    "alertmanager": {"receiver": "r", "alerts": [{"status": "firing", "labels": {"service": "cart"}}]},
    "grafana": {"orgId": 1, "alerts": [{"status": "firing", "labels": {"service": "cart"}}]},
    "pagerduty": {"event": {"event_type": "incident.triggered", "data": {"id": "Q1", "title": "t"}}},
    "datadog": {"alert_transition": "Triggered", "title": "CPU", "aggreg_key": "k"},
    "cloudevents": {"specversion": "1.0", "id": "1", "source": "/cart", "type": "x.alert"},
    "generic": {"service": "cart", "metric": "latency", "severity": "error"},
}


@pytest.mark.parametrize("source", sorted(BODIES))
def test_the_body_tells_its_sender(source: str) -> None:
    """Without a name in the path the source is found, and the body is read as if it had been named."""
    raw = json.dumps(BODIES[source]).encode()
    name, found = reader().read(None, raw, {}, NOW)

    assert name == source
    assert found == reader().read(source, raw, {}, NOW)[1]
    assert len(found.events) == 1


def test_every_sender_has_a_body_here() -> None:
    """A new adapter gets its line in this table too."""
    assert set(BODIES) == set(ADAPTERS)


@pytest.mark.parametrize("sent", sorted(BODIES))
@pytest.mark.parametrize("source", ["alertmanager", "pagerduty", "datadog", "cloudevents", "generic"])
def test_a_body_at_the_wrong_address_is_not_guessed(source: str, sent: str) -> None:
    """It is read by the address's own rules or kept whole, never by another sender's."""
    alike = {("alertmanager", "grafana"), ("generic", "alertmanager"), ("generic", "grafana")}
    reading = read(source, BODIES[sent])

    assert reading.recognised == (source == sent or (source, sent) in alike)
    assert bool(reading.events) == reading.recognised


def test_an_unknown_source_is_not_found() -> None:
    """The path names a source nobody has heard of."""
    with pytest.raises(RcaError) as caught:
        reader().read("nagios", b"{}", {}, NOW)

    assert caught.value.code == "not_found"


def test_a_source_may_have_a_name_of_its_own() -> None:
    """A source of the settings reads with the adapter it names, and its events carry its name."""
    settings = {"sources": {"prod-eu": {"adapter": "alertmanager"}}}
    own = reader(settings)
    name, reading = own.read("prod-eu", json.dumps(BODIES["alertmanager"]).encode(), {}, NOW)

    assert own.known("prod-eu")
    assert name == reading.events[0].source == "prod-eu"
    assert own.names == tuple(sorted([*ADAPTERS, "prod-eu"]))


def test_an_unknown_adapter_stops_the_start() -> None:
    """The setting at fault is named."""
    with pytest.raises(InputError, match=r"sources\.x\.adapter: unknown adapter"):
        reader({"sources": {"x": {"adapter": "nagios"}}})


def test_a_body_nobody_knows_is_kept_whole() -> None:
    """Its source is `unknown`, its one fault is the body."""
    name, reading = reader().read(None, b'{"hello": "world"}', {}, NOW)

    assert name == "unknown"
    assert (reading.events, reading.recognised) == ((), False)
    assert [fault.fragment for fault in reading.faults] == [b'{"hello": "world"}']


def test_a_body_of_nothing_but_faults_is_kept_once() -> None:
    """Thousands of unreadable alerts are not thousands of entries in quarantine."""
    body = {**BODIES["alertmanager"], "alerts": [1] * 5000}
    reading = read("alertmanager", body)

    assert [fault.fragment for fault in reading.faults] == [json.dumps(body).encode()]
    assert reader().read(None, json.dumps(body).encode(), {}, NOW) == ("alertmanager", reading)


def test_many_bad_alerts_do_not_lose_the_good_ones() -> None:
    """The body goes to quarantine once, and what could be read of it goes in."""
    good = BODIES["alertmanager"]["alerts"]
    reading = read("alertmanager", {"receiver": "r", "alerts": [*good, *[1] * 1500, *good]})

    assert (len(reading.events), reading.recognised) == (2, True)
    assert [(fault.field, json.loads(fault.fragment)["receiver"]) for fault in reading.faults] == [
        ("alerts", "r")
    ]


def test_bad_alerts_count_towards_the_limit() -> None:
    """A body of nothing but rubbish is not read to its end."""
    body = {"receiver": "r", "alerts": [1, 2, 3]}
    reading = read("alertmanager", body, settings={"limits": {"max_alerts": 2}})

    assert (reading.recognised, reading.faults[0].reason) == (False, "more than 2 alerts in one body")


def test_a_body_of_too_many_alerts_is_kept_whole() -> None:
    """More alerts than one batch may hold are not read at all."""
    settings = {"limits": {"max_alerts": 2}}
    two, three = ({"receiver": "r", "alerts": BODIES["alertmanager"]["alerts"] * n} for n in (2, 3))

    assert len(read("alertmanager", two, settings=settings).events) == 2
    assert read("alertmanager", three, settings=settings).faults[0].reason == "more than 2 alerts in one body"


@pytest.mark.parametrize(
    "folder", ["azure_monitor", "cloudwatch_sns", "gcp_monitoring", "opsgenie", "otlp", "prometheus_real"]
)
def test_bodies_of_other_senders_are_kept_whole(shared_dir: Path, folder: str) -> None:
    """No adapter takes what it does not understand, at its own address or at everybody's."""
    files = sorted((shared_dir / "payloads" / folder).glob("*.json"))
    assert files
    for file in files:
        for source in (None, "alertmanager", "pagerduty", "datadog", "cloudevents"):
            reading = read(source, stored(file))

            assert (reading.events, reading.recognised) == ((), False), (file.name, source)


def test_real_bodies_find_their_source(shared_dir: Path) -> None:
    """Every stored body of a known sender is found and read without its name."""
    senders = {
        "alertmanager": "alertmanager",
        "alertmanager_real": "alertmanager",
        "grafana_unified": "grafana",
        "grafana_legacy": "grafana",
        "pagerduty": "pagerduty",
        "datadog": "datadog",
        "cloudevents": "cloudevents",
    }
    for folder, sender in senders.items():
        files = sorted((shared_dir / "payloads" / folder).glob("*.json"))
        assert files
        for file in files:
            name, reading = reader().read(None, json.dumps(stored(file)).encode(), {}, NOW)

            assert (name, reading.recognised, reading.faults) == (sender, True, ()), file.name
            assert reading.events or sender == "cloudevents"  # the specification has no alert
