"""Rank by personalised PageRank that flows from callers to callees, restarted at the alerts.

Source: Page, Brin, Motwani and Winograd, 1999; restart in proportion to alert counts. Only alerting
services and the calls between them take part, so cost never grows with the graph. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from aiops_rca.domain.candidate import Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.release import Release
from aiops_rca.rank.explain import Outlook, explain
from aiops_rca.rank.flow import blame
from aiops_rca.rank.grain import grained
from aiops_rca.rank.method import in_order, round_terms, score_of
from aiops_rca.rank.path import find_path
from aiops_rca.rank.prior import NO_LOOK_ALIKES
from aiops_rca.rank.strength import measure

_DAMPING = 0.85
_STEPS = 60  # 0.85^60 < 1e-4: what is left does not change an order


class PageRank:
    """The classic baseline: it needs no weights and no history."""

    def rank(self, cluster: Cluster, release: Release, *, target: str | None) -> Ranking:
        """Return the ranking of *cluster*. Terms: `alerts` (restarted here), `inflow` (from callers)."""
        restart = _restart(cluster)
        mass = personalised(release.graph, restart)
        own = {service: (1.0 - _DAMPING) * restart.get(service, 0.0) for service in mass}
        terms = {
            service: round_terms((("alerts", own[service]), ("inflow", mass[service] - own[service])))
            for service in mass
        }
        scores = {service: score_of(found) for service, found in terms.items()}
        total = math.fsum(scores.values())
        candidates = in_order(terms, scores, {service: score / total for service, score in scores.items()})
        signals = measure(cluster.alerts)
        flow = blame(signals, release.graph, target)
        path = find_path(candidates[0].service, release.graph, signals, flow)
        found = Outlook(candidates, path, flow.links)
        evidence = explain(cluster, release, signals, found, NO_LOOK_ALIKES, target)
        return Ranking(candidates, path, evidence)


def personalised(graph: ServiceGraph, restart: Mapping[str, float]) -> dict[str, float]:
    """Return service -> PageRank (they add up to 1) over the services of *restart*.

    *restart* maps them to probabilities that add up to 1; mass at a service that calls none of them
    restarts too.
    """
    services = sorted(restart)
    index = {service: position for position, service in enumerate(services)}
    calls = {s: [c for c in graph.callees.get(s, ()) if c in index] for s in services}
    if not any(calls.values()):
        return dict(restart)
    source = np.array([index[s] for s in services for _ in calls[s]], dtype=np.intp)
    target = np.array([index[c] for s in services for c in calls[s]], dtype=np.intp)
    out = np.array([len(calls[s]) for s in services], dtype=np.float64)
    back = np.array([restart.get(service, 0.0) for service in services])
    mass = back
    for _ in range(_STEPS):
        mass = grained(mass)
        moved = grained(mass / np.maximum(out, 1.0))
        received = np.bincount(target, moved[source], len(services))
        stranded = float(mass[out == 0.0].sum())
        mass = _DAMPING * (received + stranded * back) + (1.0 - _DAMPING) * back
    return dict(zip(services, mass.tolist(), strict=True))


def _restart(cluster: Cluster) -> dict[str, float]:
    counts = Counter(alert.service for alert in cluster.alerts)
    return {service: counts[service] / len(cluster.alerts) for service in sorted(counts)}
