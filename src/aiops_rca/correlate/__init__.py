"""Alerts and a service graph in, clusters of alerts that belong together out.

The same clusters for the same alerts in any order; resolved alerts belong to none.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiops_rca.correlate.clusters import in_order, ranked
from aiops_rca.correlate.grid import sampling_grid
from aiops_rca.correlate.window import link
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.graph import ServiceGraph

__all__ = ["correlate"]


def correlate(
    alerts: Iterable[Alert], graph: ServiceGraph, *, gap_sec: int, max_hop: int
) -> tuple[Cluster, ...]:
    """Return the clusters of the firing *alerts* (ids distinct), the primary one first.

    Alerts connect, transitively, when their services are at most *max_hop* hops apart (edges of
    all types, either direction) and they at most *gap_sec*, or the grid of their times if coarser.
    """
    firing = in_order(alert for alert in alerts if not alert.resolved)
    gap_ms = max(gap_sec * 1000, sampling_grid(alert.ts for alert in firing))
    return ranked(link(firing, graph, gap_ms=gap_ms, max_hop=max_hop))
