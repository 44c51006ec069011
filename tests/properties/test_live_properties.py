"""Incidents depend on what happened, not on how the news of it travelled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from aiops_rca.domain.event import RESTATED, AlertEvent
from aiops_rca.live.records import IncidentRecord
from aiops_rca.live.signals import alert_id
from stream import CHAIN, GAP_MS, HOLD_MS, T0, Stream, firing, resolved

EXAMPLES = 3000 if os.environ.get("RCA_LONG") else 150
SECONDS = 3600
RESTATING = "depth"  # a metric whose sender gives each repetition a start of its own
METRICS = ("latency", "errors", RESTATING)
END = SECONDS + 3 * HOLD_MS / 1000


class Spell(NamedTuple):
    """One stretch in which a signal fired; *end* is None while it still does. Seconds after T0."""

    service: str
    metric: str
    start: int
    end: int | None


@st.composite
def spells(draw: st.DrawFn) -> list[Spell]:
    """An hour: stretches of some signals, those of one signal one after the other."""
    found: list[Spell] = []
    signals = draw(
        st.lists(
            st.tuples(st.sampled_from(CHAIN), st.sampled_from(METRICS)), unique=True, min_size=1, max_size=8
        )
    )
    for service, metric in signals:
        moments = sorted(draw(st.lists(st.integers(0, SECONDS), unique=True, min_size=1, max_size=8)))
        for start, end in zip(moments[::2], [*moments[1::2], None], strict=False):
            found.append(Spell(service, metric, start, end))
    return found


class Sent(NamedTuple):
    """One event and when it comes in (seconds after T0)."""

    at: int
    event: AlertEvent


def news(spell: Spell) -> list[Sent]:
    """What a sender tells of *spell*, at once."""
    if spell.metric == RESTATING:
        return _restated(spell)
    fired = firing(spell.service, spell.start, metric=spell.metric)
    told = [Sent(spell.start, fired)]
    if spell.end is not None:
        told.append(Sent(spell.end, resolved(spell.service, spell.start, spell.end, metric=spell.metric)))
    return told


def _restated(spell: Spell) -> list[Sent]:
    """A sender that tells every five minutes that it fires, each time as if it began then."""
    until = spell.end if spell.end is not None else spell.start + 1000
    told = [
        Sent(start, firing(spell.service, start, metric=spell.metric, flags=(RESTATED,)))
        for start in range(spell.start, until, 300)
    ]
    if spell.end is not None:
        over = resolved(spell.service, spell.start, spell.end, metric=spell.metric)
        told.append(Sent(spell.end, over._replace(starts_at=None)))
    return told


Incident = tuple[frozenset[str], str, int, int, int | None, tuple[str, ...], int, int, int]


def shown(record: IncidentRecord, members: frozenset[str]) -> Incident:
    """All of an incident that must not depend on how the news came."""
    return (
        members,
        record.status,
        record.opened_at,
        record.updated_at,
        record.resolved_at,
        record.services,
        record.alert_count,
        record.signal_count,
        record.open_alerts,
    )


def incidents(stream: Stream) -> list[Incident]:
    """Every incident of *stream*, by its alerts."""
    found = [shown(record, stream.shelf.members(record.id)) for record in stream.standing()]
    return sorted(found, key=lambda incident: sorted(incident[0]))


def in_time(hour: Sequence[Spell]) -> list[Incident]:
    """What becomes of *hour* when each event comes by itself, at once and in order."""
    stream = Stream()
    for sent in sorted((s for spell in hour for s in news(spell)), key=lambda s: s.at):
        stream.tell(sent.event, at=sent.at)
    stream.wait(END)
    return incidents(stream)


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Spell], list[list[Sent]]]:
    """An hour, and its news late by up to the hold, told again, in bodies and in batches."""
    hour = draw(spells())
    hold = HOLD_MS // 1000
    sent = []
    for told in (s for spell in hour for s in news(spell)):
        copies = draw(st.integers(1, 2))
        sent += [Sent(told.at + draw(st.integers(0, hold)), told.event) for _ in range(copies)]
    sent.sort(key=lambda s: (s.at, draw(st.integers(0, 3))))
    batches: list[list[Sent]] = []
    while sent:
        size = draw(st.integers(1, len(sent)))
        batches.append(sent[:size])
        del sent[:size]
    return hour, batches


@given(journeys(), st.booleans())
@settings(max_examples=EXAMPLES, deadline=None)
def test_order_delay_repetition_batches_and_restarts_change_nothing(
    journey: tuple[list[Spell], list[list[Sent]]],
    restarts: bool,  # noqa: FBT001 - drawn
) -> None:
    """However the news of an hour comes, within the hold, it ends in the same incidents."""
    hour, batches = journey
    stream = Stream()
    for batch in batches:
        stream.tell_all([(sent.at, [sent.event]) for sent in batch])
        if restarts:
            stream.restart()
    stream.wait(END)

    assert incidents(stream) == in_time(hour)


@given(spells())
@settings(max_examples=EXAMPLES, deadline=None)
def test_incidents_are_the_components_of_all_pairs(hour: list[Spell]) -> None:
    """Two alerts share an incident exactly if near pairs, or returns in the hold, join them."""
    ids = [
        alert_id(firing(s.service, s.start, metric=s.metric).fingerprint, T0 + s.start * 1000) for s in hour
    ]
    label = list(range(len(hour)))
    for i, one in enumerate(hour):
        for j, other in enumerate(hour[:i]):
            if _near(one, other) or _returns(one, other, hour) or _returns(other, one, hour):
                a, b = label[i], label[j]
                label = [b if x == a else x for x in label]
    parts = {frozenset(ids[i] for i, x in enumerate(label) if x == root) for root in label}

    assert {incident[0] for incident in in_time(hour)} == parts


def _near(one: Spell, other: Spell) -> bool:
    hops = abs(CHAIN.index(one.service) - CHAIN.index(other.service))
    return hops <= 2 and abs(one.start - other.start) * 1000 <= GAP_MS


def _returns(one: Spell, other: Spell, hour: Sequence[Spell]) -> bool:
    """Whether *other* is the next stretch of the signal of *one*, within the hold of its end."""
    same = sorted((s for s in hour if s[:2] == one[:2]), key=lambda s: s.start)
    return any(
        pair == (one, other) and one.end is not None and (other.start - one.end) * 1000 <= HOLD_MS
        for pair in pairwise(same)
    )


@given(journeys())
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_alert_is_in_exactly_one_incident(journey: tuple[list[Spell], list[list[Sent]]]) -> None:
    """No alert is lost and none is in two; what the incidents count is what they hold."""
    hour, batches = journey
    stream = Stream()
    for batch in batches:
        stream.tell_all([(sent.at, [sent.event]) for sent in batch])
    told = {
        alert_id(firing(s.service, s.start, metric=s.metric).fingerprint, T0 + s.start * 1000) for s in hour
    }
    found = [id for record in stream.standing() for id in stream.shelf.members(record.id)]

    assert sorted(found) == sorted(told)
    for record in stream.standing():
        assert record.alert_count == len(stream.shelf.members(record.id))
