"""Why an alert belongs to others: the nearest of them in the graph, then in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.graph import ServiceGraph


def because(
    alert: Alert, others: Mapping[str, Sequence[Alert]], graph: ServiceGraph, *, gap_ms: int, max_hop: int
) -> str:
    """One clause on which of *others* (by service) *alert* was linked to; empty when to none.

    The alerts of one service are sorted by time. Linked are at most *max_hop* hops and *gap_ms*.
    """
    for hops, services in enumerate(_rings(graph, alert.service, max_hop)):
        near = services if len(services) <= len(others) else others
        found = [
            nearest
            for service in near
            if service in services and (nearest := _nearest(alert, others.get(service, ()), gap_ms))
        ]
        if found:
            other = min(found, key=lambda o: (abs(o.ts - alert.ts), o.service, o.id))
            return _clause(alert, other, hops)
    return ""


def _nearest(alert: Alert, others: Sequence[Alert], gap_ms: int) -> Alert | None:
    near = [o for o in others if o.id != alert.id and abs(o.ts - alert.ts) <= gap_ms]
    return min(near, key=lambda o: (abs(o.ts - alert.ts), o.id)) if near else None


def _clause(alert: Alert, other: Alert, hops: int) -> str:
    seconds = (alert.ts - other.ts) / 1000
    when = f"{abs(seconds):g} s {'after' if seconds >= 0 else 'before'}"
    if hops == 0:
        return f"same service, {when} {other.metric} ({other.id})"
    return f"{hops} hop{'s' if hops > 1 else ''} from {other.service}, {when} {other.metric} ({other.id})"


@lru_cache(maxsize=20_000)
def _rings(graph: ServiceGraph, service: str, max_hop: int) -> tuple[frozenset[str], ...]:
    """The services at 0, 1, ... *max_hop* hops from *service*, either direction, each in one ring."""
    known = {service}
    rings = [frozenset(known)]
    for _ in range(max_hop):
        ring = {n for node in rings[-1] for n in graph.neighbours.get(node, ())} - known
        known |= ring
        rings.append(frozenset(ring))
    return tuple(rings)
