"""What the labelled past of a system adds: how rare an alert is, and which look-alikes had which cause.

Both are kept modest on purpose: a larger bonus scores higher on repeats and collapses on causes not
seen before. An empty history adds nothing. One index per history, cached by identity. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from aiops_rca.domain.alert import Alert, LabelValue
from aiops_rca.domain.incident import IncidentHistory, PastAlert
from aiops_rca.domain.kinds import family

_FULL_TRUST_AT = 10.0  # with N past incidents, rarity counts for N / (N + 10)
_LOOK_ALIKES = 5
_DOUBT = 0.2
_BONUS = 1.5
_FLOOR = 0.05

Trait = tuple[str, str, LabelValue]  # (service, metric family, direction)


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """What the nearest past incidents say: a bonus by root cause, and the ids that speak for it."""

    bonus: Mapping[str, float] = field(default_factory=dict)
    incidents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Past:
    incident: str
    root: str
    traits: frozenset[Trait]
    length: float


class Prior:
    """An index over a history: `rarity` damps strengths, `look_alikes` adds to scores."""

    def __init__(self, history: IncidentHistory) -> None:
        self._count = len(history.incidents)
        seen = [(p, traits(p.alerts)) for p in history.incidents]
        keys = Counter(key for _, t in seen for key in {(s, f) for s, f, _ in t})
        self._rarity = {key: self._rarity_of(found) for key, found in keys.items()}
        self._unseen = self._rarity_of(0)
        self._seen = Counter(trait for _, t in seen for trait in t)
        self._past = tuple(_Past(p.id, p.root_cause, t, self._length(t)) for p, t in seen)

    def rarity(self, service: str, metric_family: str) -> float:
        """Return the inverse document frequency, 1 at most, blended in as the history grows."""
        return self._rarity.get((service, metric_family), self._unseen)

    def look_alikes(self, alerts: Iterable[Alert]) -> LookAlikes:
        """Return the bonus of each root cause among the five most similar past incidents."""
        if not self._past:
            return LookAlikes()
        now = traits(alerts)
        length = self._length(now)
        weights = sorted(
            ((self._similarity(now, length, past) ** 4, past.incident, past.root) for past in self._past),
            key=lambda found: (-found[0], found[1]),
        )[:_LOOK_ALIKES]
        doubt = _DOUBT + math.fsum(weight for weight, _, _ in weights)
        votes: dict[str, float] = {}
        speakers: dict[str, tuple[str, ...]] = {}
        for weight, incident, root in weights:
            if weight > 0.0:
                votes[root] = votes.get(root, 0.0) + weight / doubt
                speakers[root] = (*speakers.get(root, ()), incident)
        return LookAlikes({root: _bonus(vote) for root, vote in sorted(votes.items())}, speakers)

    def _rarity_of(self, incidents: int) -> float:
        if not self._count:
            return 1.0
        trust = self._count / (self._count + _FULL_TRUST_AT)
        most = math.log((self._count + 1) / 0.5)
        return (1.0 - trust) + trust * math.log((self._count + 1) / (incidents + 0.5)) / most

    def _weight(self, trait: Trait) -> float:
        return math.log((self._count + 1) / (self._seen.get(trait, 0) + 0.5)) ** 2

    def _length(self, found: frozenset[Trait]) -> float:
        return math.sqrt(math.fsum(self._weight(trait) for trait in found))

    def _similarity(self, now: frozenset[Trait], length: float, past: _Past) -> float:
        shared = math.fsum(self._weight(trait) for trait in now & past.traits)
        return shared / (length * past.length) if shared else 0.0


@lru_cache(maxsize=4)
def prior_of(history: IncidentHistory) -> Prior:
    """Return the index of *history*, built once."""
    return Prior(history)


def traits(alerts: Iterable[Alert | PastAlert]) -> frozenset[Trait]:
    """Return what an incident looked like, without times, amounts and repetitions."""
    return frozenset((alert.service, family(alert.metric), alert.labels.get("direction")) for alert in alerts)


def _bonus(vote: float) -> float:
    return _BONUS * math.log((vote + _FLOOR) / _FLOOR) / math.log(1.0 / _FLOOR)
