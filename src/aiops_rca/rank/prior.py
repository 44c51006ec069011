"""What the labelled past of a system adds: how rare an alert is, and which look-alikes had which cause.

Both are kept modest on purpose: a larger bonus scores higher on repeats and collapses on causes not
seen before. An empty history adds nothing. One index per history, cached by identity. Pure.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.incident import IncidentHistory, PastAlert
from aiops_rca.domain.kinds import family
from aiops_rca.domain.likeness import LEAST_ALIKE, alike, weight

_FULL_TRUST_AT = 10.0  # with N past incidents, rarity counts for N / (N + 10)
_LOOK_ALIKES = 5
_DOUBT = 0.2
_BONUS = 1.5
_FLOOR = 0.05

Trait = tuple[str, str]  # (service, metric family)


@dataclass(frozen=True, slots=True, eq=False)
class LookAlikes:
    """What the nearest past incidents say: a bonus by root cause, and the ids that speak for it.

    They are as alike as an incident must be to be recalled (`domain.likeness`). Compared by identity.
    """

    bonus: Mapping[str, float] = field(default_factory=dict)
    incidents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NO_LOOK_ALIKES = LookAlikes()


class Prior:
    """An index over a history: `rarity` damps strengths, `look_alikes` adds to scores."""

    def __init__(self, history: IncidentHistory) -> None:
        self._past = history.incidents
        self._had: dict[Trait, list[int]] = {}
        seen = [traits(incident.alerts) for incident in self._past]
        for place, found in enumerate(seen):
            for trait in found:
                self._had.setdefault(trait, []).append(place)
        self._rarity = {trait: self._rarity_of(len(places)) for trait, places in self._had.items()}
        self._unseen = self._rarity_of(0)
        self._weight = {trait: weight(len(places), len(seen)) for trait, places in self._had.items()}
        self._total = [self._weigh(found) for found in seen]
        self._alone: dict[Trait, LookAlikes] = {}

    def rarity(self, service: str, metric_family: str) -> float:
        """Return the inverse document frequency, 1 at most, blended in as the history grows."""
        return self._rarity.get((service, metric_family), self._unseen)

    def look_alikes(self, alerts: Iterable[Alert]) -> LookAlikes:
        """Return the bonus of each root cause among the five most similar past incidents."""
        if not self._past:
            return NO_LOOK_ALIKES
        now = traits(alerts)
        shared = [trait for trait in now if trait in self._had]
        if not shared:
            return NO_LOOK_ALIKES
        if len(now) > 1:
            return self._look_alikes(now, shared)
        # Storms of lone alerts repeat few traits; there are no more of these than the history has.
        found = self._alone.get(shared[0])
        if found is None:
            found = self._alone[shared[0]] = self._look_alikes(now, shared)
        return found

    def _look_alikes(self, now: frozenset[Trait], shared: list[Trait]) -> LookAlikes:
        nearest = self._nearest(now, shared)
        doubt = _DOUBT + math.fsum(weight for weight, _, _ in nearest)
        votes: dict[str, float] = {}
        speakers: dict[str, tuple[str, ...]] = {}
        for vote, incident, root in nearest:
            votes[root] = votes.get(root, 0.0) + vote / doubt
            speakers[root] = (*speakers.get(root, ()), incident)
        return LookAlikes({root: _bonus(vote) for root, vote in sorted(votes.items())}, speakers)

    def _nearest(self, now: frozenset[Trait], shared: list[Trait]) -> list[tuple[float, str, str]]:
        """Return (weight of its vote, id, root cause) of the most similar incidents, the first first."""
        both: dict[int, int] = {}
        for trait in shared:
            counts = self._weight[trait]
            for place in self._had[trait]:
                both[place] = both.get(place, 0) + counts
        asked = self._weigh(now)
        near = (
            (similarity**4, self._past[place].id, self._past[place].root_cause)
            for place, found in both.items()
            if (similarity := alike(found, self._total[place], asked)) >= LEAST_ALIKE
        )
        return heapq.nsmallest(_LOOK_ALIKES, near, key=lambda vote: (-vote[0], vote[1]))

    def _weigh(self, found: frozenset[Trait]) -> int:
        unseen = weight(0, len(self._past))
        return sum(self._weight.get(trait, unseen) for trait in found)

    def _rarity_of(self, incidents: int) -> float:
        count = len(self._past)
        if not count:
            return 1.0
        trust = count / (count + _FULL_TRUST_AT)
        most = math.log((count + 1) / 0.5)
        return (1.0 - trust) + trust * math.log((count + 1) / (incidents + 0.5)) / most


@lru_cache(maxsize=4)
def prior_of(history: IncidentHistory) -> Prior:
    """Return the index of *history*, built once."""
    return Prior(history)


def traits(alerts: Iterable[Alert | PastAlert]) -> frozenset[Trait]:
    """Return what an incident looked like, without times, amounts, directions and repetitions."""
    return frozenset((alert.service, family(alert.metric)) for alert in alerts)


def _bonus(vote: float) -> float:
    return _BONUS * math.log((vote + _FLOOR) / _FLOOR) / math.log(1.0 / _FLOOR)
