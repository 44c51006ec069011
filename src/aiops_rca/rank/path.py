"""The way the fault travelled: from the service users feel it at, along calls, to the candidate.

Every step is an edge of the graph. Only alerting services are walked, with at most one silent service
between two of them, so cost never grows with the graph. Pure.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from aiops_rca.domain.candidate import PathStep
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.rank.flow import Blame, starting_mass
from aiops_rca.rank.strength import Signals


def find_path(candidate: str, graph: ServiceGraph, signals: Signals, blame: Blame) -> tuple[PathStep, ...]:
    """Return the chain of calls to *candidate* that explains most per step.

    It starts where users feel it; when no way leads from there, at any symptomatic service that explains
    no other. Empty when the candidate is such a service itself, or none leads there.
    """
    starts = {service for service, _ in blame.starts}
    if candidate in starts:
        return ()
    shares = _shares(blame)
    found = _cheapest(starts, candidate, graph, signals, shares)
    if found or not signals.symptomatic:
        return found
    starts = {service for service, _ in starting_mass(signals, blame.links, None)}
    return () if candidate in starts else _cheapest(starts, candidate, graph, signals, shares)


def _shares(blame: Blame) -> dict[tuple[str, str], float]:
    """Return (caller, direct callee) -> the largest share it explains."""
    shares: dict[tuple[str, str], float] = {}
    for (caller, _), links in blame.links.items():
        for link in links:
            if link.via is None:
                pair = (caller, link.service)
                shares[pair] = max(link.ratio, shares.get(pair, 0.0))
    return shares


def _cheapest(
    starts: set[str],
    goal: str,
    graph: ServiceGraph,
    signals: Signals,
    shares: Mapping[tuple[str, str], float],
) -> tuple[PathStep, ...]:
    """Dijkstra: a step costs 1, and up to 1 more the less it explains."""
    alerting = frozenset(signals.services)
    queue = [(0.0, start, "") for start in sorted(starts)]
    before: dict[str, str] = {}
    while queue:
        cost, service, origin = heapq.heappop(queue)
        if service in before:
            continue
        before[service] = origin
        if service == goal:
            return _steps(before, goal)
        for callee in _next(service, goal, graph, alerting):
            if callee not in before:
                step = 2.0 - shares.get((service, callee), 0.0)
                heapq.heappush(queue, (cost + step, callee, service))
    return ()


def _next(service: str, goal: str, graph: ServiceGraph, alerting: frozenset[str]) -> Iterator[str]:
    silent = service not in alerting
    for callee in graph.callees.get(service, ()):
        if callee in alerting or callee == goal or not silent:
            yield callee


def _steps(before: Mapping[str, str], goal: str) -> tuple[PathStep, ...]:
    steps: list[PathStep] = []
    service = goal
    while origin := before[service]:
        steps.append(PathStep(origin, service))
        service = origin
    return tuple(reversed(steps))
