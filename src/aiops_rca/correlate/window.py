"""Link alerts that are near in time and in topology, transitively.

Exact (the groups are those of comparing all pairs) and near-linear: the alerts of one
service collapse into runs, then each run, in order of start, joins one earlier run per anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from aiops_rca.correlate.neighbourhoods import Anchor, neighbourhoods
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.graph import ServiceGraph


class _Runs(NamedTuple):
    """Runs in order of start: alerts of one service, each within the gap of the one before.

    Columns, one entry per run, times in ms; *of_alert* holds each alert's run.
    """

    services: list[str]
    starts: list[int]
    ends: list[int]
    of_alert: list[int]


def link(
    alerts: Sequence[Alert], graph: ServiceGraph, *, gap_ms: int, max_hop: int
) -> Iterable[Sequence[Alert]]:
    """Group *alerts* that are at most *gap_ms* and *max_hop* hops apart, transitively.

    The alerts come sorted by time and stay in that order within each group.
    A service that the graph does not know is near itself alone.
    """
    runs = _runs(alerts, gap_ms)
    roots = _join(runs, gap_ms, neighbourhoods(graph, max_hop).anchors)
    groups: dict[int, list[Alert]] = {}
    for alert, run in zip(alerts, runs.of_alert, strict=True):
        groups.setdefault(roots[run], []).append(alert)
    return groups.values()


def _runs(alerts: Sequence[Alert], gap_ms: int) -> _Runs:
    runs = _Runs([], [], [], [])
    services, starts, ends, of_alert = runs
    latest: dict[str, int] = {}
    for alert in alerts:
        service, ts = alert.service, alert.ts
        run = latest.get(service)
        if run is None or ts - ends[run] > gap_ms:
            run = latest[service] = len(starts)
            services.append(service)
            starts.append(ts)
            ends.append(ts)
        else:
            ends[run] = ts
        of_alert.append(run)
    return runs


def _join(runs: _Runs, gap_ms: int, anchors: Callable[[str], Iterable[Anchor]]) -> list[int]:
    """Return each run's group, named by the first run in it.

    At one anchor it is enough to look at the run that ends last so far: any other that is
    near enough to join reaches to within the gap of this start too, so it has joined that one.
    """
    parent = list(range(len(runs.starts)))
    last: dict[Anchor, int] = {}
    ends = runs.ends
    for run, (service, start) in enumerate(zip(runs.services, runs.starts, strict=True)):
        earliest_end, end, root = start - gap_ms, ends[run], run
        for anchor in anchors(service):
            other = last.setdefault(anchor, run)
            other_end = ends[other]
            if other_end >= earliest_end and parent[other] != root:
                root = _unite(parent, root, other)
            if end > other_end:
                last[anchor] = run
    return [_root(parent, run) for run in parent]


def _unite(parent: list[int], one: int, other: int) -> int:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    parent[second] = first
    return first


def _root(parent: list[int], run: int) -> int:
    while parent[run] != run:
        parent[run] = run = parent[parent[run]]
    return run
