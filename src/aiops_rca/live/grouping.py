"""Which firings make one incident: those the link function groups, and a signal with its own return.

Newcomers are linked among themselves and to the outlines of the incidents near them in time. Incidents
that a person has taken alerts out of keep to themselves: only a returning signal still joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from aiops_rca.live.outline import alert_of, moment, within
from aiops_rca.live.records import AlertRecord
from aiops_rca.live.signals import SUPERSEDED, heads
from aiops_rca.live.state import LiveIncident, Rules

Returns = list[tuple[AlertRecord, AlertRecord]]


class Union:
    """A partition of keys, joined pair by pair."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, key: str) -> str:
        """The key that stands for the part of *key*."""
        parent = self._parent
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    def join(self, one: str, other: str) -> None:
        """Make the parts of both one."""
        first, second = self.root(one), self.root(other)
        if first != second:
            self._parent[second] = first

    def parts(self) -> list[list[str]]:
        """The keys of each part, in the order they were first named."""
        found: dict[str, list[str]] = {}
        for key in self._parent:
            found.setdefault(self.root(key), []).append(key)
        return list(found.values())


def returns(firings: Sequence[AlertRecord], hold_ms: int) -> Returns:
    """Pairs of consecutive firings of one signal that belong to one incident: the second reopens it."""
    return [(one, other) for one, other in pairwise(heads(firings)) if other.at - _over(one) <= hold_ms]


def _over(firing: AlertRecord) -> int:
    # A firing that was only superseded was last known to fire at its start, whenever it was told again.
    if firing.ends_at is None or firing.ended == SUPERSEDED:
        return firing.at
    return firing.ends_at


def groups(
    newcomers: Sequence[AlertRecord],
    returning: Iterable[tuple[AlertRecord, AlertRecord]],
    incidents: Mapping[str, LiveIncident],
    rules: Rules,
) -> list[list[str]]:
    """Parts of ids: of firings of *newcomers*, and of the *incidents* they join.

    A part holds at least one newcomer or two incidents. *returning* are pairs of firings that belong
    together; one that is in an incident stands for all of it.
    """
    union = Union()
    for newcomer in newcomers:
        union.root(newcomer.id)
    if newcomers:
        _link(newcomers, incidents, rules, union)
    for pair in returning:
        one, other = (firing.incident if firing.incident in incidents else firing.id for firing in pair)
        union.join(one, other)
    fresh = {newcomer.id for newcomer in newcomers}
    return [part for part in union.parts() if len(part) > 1 or part[0] in fresh]


def _link(
    newcomers: Sequence[AlertRecord], incidents: Mapping[str, LiveIncident], rules: Rules, union: Union
) -> None:
    alerts = [alert_of(newcomer) for newcomer in newcomers]
    earliest = min(a.ts for a in alerts) - rules.reach_ms
    latest = max(a.ts for a in alerts) + rules.reach_ms
    home: dict[str, str] = {}
    for incident in incidents.values():
        if incident.record.split_from or incident.first_at > latest or incident.last_at < earliest:
            continue
        for alert in within(incident.outline, earliest, latest):
            home[alert.id] = incident.record.id
            alerts.append(alert)
    for group in rules.link(sorted(alerts, key=moment)):
        keys = [home.get(alert.id, alert.id) for alert in group]
        if any(key != keys[0] for key in keys):
            for key in keys:
                union.join(keys[0], key)
