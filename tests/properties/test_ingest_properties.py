"""Properties of reading webhooks: nothing a sender writes can break it, and good bodies are never changed."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.reading import NODES, NOW, read, reader
from aiops_rca.domain.errors import RcaError
from aiops_rca.domain.event import AlertEvent
from aiops_rca.ingest.alertmanager import one_by_one
from aiops_rca.ingest.body import Body
from aiops_rca.ingest.desk import Desk
from aiops_rca.ingest.moment import moment
from aiops_rca.ingest.reader import Reading
from aiops_rca.ingest.registry import ADAPTERS
from aiops_rca.ingest.signature import verify
from aiops_rca.live.entry import decode_events, encode_events
from aiops_rca.settings import Settings, Source

SOURCES = [None, *sorted(ADAPTERS), "probe"]
SETTINGS: dict[str, Any] = {
    "sources": {
        "probe": {"mapping": {"alerts": "alerts", "service": "labels.service", "metric": "join('', [a])"}}
    }
}
SHARED = reader(SETTINGS)

# The words bodies are made of, so that random documents come close to real ones.
WORDS = st.sampled_from(
    "alerts labels status annotations startsAt endsAt firing resolved service cart metric severity "
    "critical event event_type incident.triggered incident.resolved data id title messages "
    "event_action trigger resolve payload summary alert_transition Recovered aggreg_key tags date "
    "specversion type source 1.0 subject time data_base64 ruleId ruleName state ok alerting "
    "evalMatches value values truncatedAlerts commonLabels orgId dedup_key fingerprint alertname pod "
    "starts_at ts 0001-01-01T00:00:00Z 2026-11-20T11:00:00Z".split()
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.text(max_size=20)
    | st.sampled_from([10**400, "\x00", "9" * 400, "[Triggered on {a:b}] x", "eyJhIjoxfQ=="])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=8)
    ),
    max_leaves=30,
)
HEADERS = st.dictionaries(
    st.sampled_from(["ce-specversion", "ce-type", "ce-id", "ce-source", "ce-time", "content-type"]),
    st.text(max_size=20) | st.just("application/json"),
    max_size=6,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
TIMES = st.sampled_from(
    ["2026-11-20T11:00:00Z", "2026-11-20T11:59:59.123456789+01:00", "0001-01-01T00:00:00Z", "x"]
)
GOOD = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["firing", "resolved"]),
        "labels": st.dictionaries(
            NAMES | st.just("service"), NAMES | st.sampled_from(sorted(NODES)), min_size=1
        ),
        "annotations": st.dictionaries(st.sampled_from(["value", "summary", "x"]), NAMES | st.just("2.5")),
        "startsAt": TIMES,
        "endsAt": TIMES,
        "generatorURL": st.sampled_from(["", "http://prometheus.example", "javascript:x"]),
    }
)


def is_storable(event: AlertEvent) -> bool:
    """Whether any store and any reader can take *event*."""
    texts = [*event.labels, *(v for v in event.labels.values() if isinstance(v, str))]
    texts += [event.service, event.metric, event.summary, event.link, event.fingerprint]
    numbers = [event.value, event.threshold, *(v for v in event.labels.values() if isinstance(v, float))]
    return (
        decode_events(encode_events([event])) == (event,)
        and not any("\x00" in text for text in texts)
        and all(len(text) <= 2048 for text in texts)
        and all(number is None or math.isfinite(number) for number in numbers)
        and len(event.labels) <= 64
        and event.flags == tuple(sorted(set(event.flags)))
        and bool(event.service and event.metric)
    )


def is_sound(reading: Reading) -> bool:
    """Whether *reading* says what became of the body, all of it."""
    whole = not reading.recognised and not reading.events and len(reading.faults) == 1
    return (reading.recognised or whole) and all(map(is_storable, reading.events))


@pytest.mark.parametrize("source", SOURCES)
@given(raw=st.binary(max_size=200), headers=HEADERS)
def test_no_bytes_can_break_the_reader(source: str | None, raw: bytes, headers: dict[str, str]) -> None:
    """Whatever arrives is read or kept."""
    assert is_sound(SHARED.read(source, raw, headers, NOW)[1])


@pytest.mark.parametrize("source", SOURCES)
@given(document=DOCUMENTS, headers=HEADERS)
def test_no_document_can_break_the_reader(source: str | None, document: Any, headers: dict[str, str]) -> None:
    """Documents of familiar words in unfamiliar places, with NaN and numbers beyond measure."""
    assert is_sound(SHARED.read(source, json.dumps(document).encode(), headers, NOW)[1])


@given(alerts=st.lists(GOOD, max_size=6), truncated=st.integers(0, 2))
def test_taking_a_body_apart_gives_the_same(alerts: list[dict[str, Any]], truncated: int) -> None:
    """Reading at once and reading alert by alert agree."""
    document = {"receiver": "r", "alerts": alerts, "truncatedAlerts": truncated}
    raw = json.dumps(document, ensure_ascii=False).encode()
    desk = Desk(Settings(), NODES)
    body = Body("alertmanager", raw, {}, NOW)

    assert tuple(one_by_one(document, body, desk)) == read("alertmanager", raw).events


@given(
    alerts=st.lists(GOOD, min_size=1, max_size=5),
    bad=st.sampled_from([5, None, {}, {"labels": 1}]),
    at=st.data(),
)
def test_bad_alerts_do_not_change_good_ones(
    alerts: list[dict[str, Any]], bad: object, at: st.DataObject
) -> None:
    """Wherever it stands, an unreadable alert costs nothing but itself."""
    mixed: list[object] = list(alerts)
    mixed.insert(at.draw(st.integers(0, len(alerts))), bad)
    reading = read("alertmanager", {"receiver": "r", "alerts": mixed})

    assert reading.events == read("alertmanager", {"receiver": "r", "alerts": alerts}).events
    assert len(reading.faults) == 1


@given(alert=GOOD, order=st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(alert: dict[str, Any], order: Any) -> None:
    """Equal labels are one signal, however they are written down."""
    items = list(alert["labels"].items())
    order.shuffle(items)
    turned = {**alert, "labels": dict(items)}
    first, second = (read("alertmanager", {"receiver": "r", "alerts": [a]}).events for a in (alert, turned))

    assert first == second


@given(alert=GOOD)
def test_who_it_is_does_not_depend_on_its_state(alert: dict[str, Any]) -> None:
    """Firing or resolved, at any time and of any value, a signal is the same."""
    other = {**alert, "status": "resolved", "startsAt": 5, "endsAt": None, "annotations": {"value": 1}}
    first, second = (read("alertmanager", {"receiver": "r", "alerts": [a]}).events for a in (alert, other))

    assert first[0].fingerprint == second[0].fingerprint
    assert (first[0].service, first[0].metric, first[0].labels) == (
        second[0].service,
        second[0].metric,
        second[0].labels,
    )


@given(said=SCALARS | st.lists(st.none(), max_size=1) | st.integers(-(10**20), 10**20).map(str))
def test_a_time_is_read_silent_or_refused(said: object) -> None:
    """Anything else than ValueError would lose the body."""
    try:
        at = moment(said)
    except ValueError:
        at = None
    assert at is None or 0 <= at < 253_402_300_800_000


@given(
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-aiops-token", "x-hub-signature-256"]), st.text()
    )
)
def test_no_header_lets_a_stranger_in(headers: dict[str, str]) -> None:
    """Without the token and the secret nobody guesses them, and no header breaks the check."""
    asked = Source.model_validate({"tokens": ["a long token of 32 characters...."], "secrets": ["another"]})
    with pytest.raises(RcaError, match="required"):
        verify("generic", asked, headers, b"{}")


@given(events=st.lists(GOOD, max_size=3))
def test_a_reading_is_the_same_every_time(events: list[dict[str, Any]]) -> None:
    """Equal bodies give equal bytes for the journal, through a fresh reader or a used one."""
    raw = msgspec.json.encode({"receiver": "r", "alerts": events})
    fresh = reader(SETTINGS).read("alertmanager", raw, {}, NOW)[1].events

    assert encode_events(fresh) == encode_events(SHARED.read("alertmanager", raw, {}, NOW)[1].events)
