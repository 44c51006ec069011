"""Small values for tests: say what matters, the rest has a plain default.

Times are seconds after `T0`; services are plain names; edges read `"caller -> callee"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from aiops_rca.correlate.clusters import cluster_of
from aiops_rca.domain.alert import Alert, LabelValue, Severity
from aiops_rca.domain.candidate import Candidate, Evidence, PathStep, Ranking, Term
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.fingerprint import fingerprint
from aiops_rca.domain.graph import Edge, Node, ServiceGraph
from aiops_rca.domain.incident import (
    IncidentHistory,
    PastAction,
    PastAlert,
    PastIncident,
)
from aiops_rca.domain.release import Parameters, RankerWeights, Release, RunbookEntry

T0 = 1_780_000_000_000  # epoch milliseconds, a whole second; off every coarser sampling grid

Signal = tuple[str, str]  # (service, metric)


def alert(
    service: str = "cart",
    metric: str = "latency_p99",
    *,
    at: float = 0,
    id: str | None = None,
    severity: Severity = Severity.WARNING,
    value: float | None = None,
    threshold: float | None = None,
    labels: Mapping[str, LabelValue] | None = None,
    resolved: bool = False,
) -> Alert:
    """Make an alert *at* seconds after `T0`; its id names service, metric and time unless given."""
    kept = dict(labels or {})
    ts = T0 + round(at * 1000)
    return Alert(
        id=f"{service}/{metric}@{at:g}" if id is None else id,
        ts=ts,
        service=service,
        metric=metric,
        severity=severity,
        value=value,
        threshold=threshold,
        labels=kept,
        resolved=resolved,
        fingerprint=fingerprint(service, metric, kept),
    )


def graph(
    *edges: str | Edge,
    kinds: Mapping[str, str] | None = None,
    runbooks: Mapping[str, str] | None = None,
    nodes: Iterable[str] = (),
    version: str = "test",
) -> ServiceGraph:
    """Make a graph of `"a -> b"` calls (or `Edge` values); *nodes* adds services without edges."""
    parsed = tuple(_edge(edge) for edge in edges)
    kinds, runbooks = kinds or {}, runbooks or {}
    names = {end for edge in parsed for end in (edge.source, edge.target)}
    names |= {*nodes, *kinds, *runbooks}
    made = {
        name: Node(id=name, kind=kinds.get(name, "service"), runbook=runbooks.get(name))
        for name in sorted(names)
    }
    return ServiceGraph(version=version, source="test", nodes=made, edges=parsed)


def chain(*services: str) -> ServiceGraph:
    """Make a graph in which each of *services* calls the next."""
    return graph(*(f"{a} -> {b}" for a, b in pairwise(services)), nodes=services)


def cluster(*alerts: Alert) -> Cluster:
    """Make one cluster of *alerts*, whatever correlation would say of them."""
    return cluster_of(alerts)


def incident(
    id: str,
    root_cause: str,
    *signals: Signal | PastAlert,
    symptom: str = "",
    fix: str = "",
    actions: Iterable[str | tuple[str, str]] = (),
    minutes: float | None = None,
    closed_at: int | None = None,
) -> PastIncident:
    """Make a past incident of (service, metric) signals; an action is a text or a (text, risk) pair."""
    return PastIncident(
        id=id,
        root_cause=root_cause,
        alerts=tuple(s if isinstance(s, PastAlert) else PastAlert(s[0], s[1], {}) for s in signals),
        symptom=symptom,
        fix=fix,
        actions=tuple(PastAction(a, "medium") if isinstance(a, str) else PastAction(*a) for a in actions),
        minutes_to_resolve=minutes,
        closed_at=closed_at,
    )


def history(*incidents: PastIncident, version: str = "test") -> IncidentHistory:
    """Make a history of *incidents*."""
    return IncidentHistory(version=version, incidents=incidents)


def ranking(
    *services: str,
    confidences: Sequence[float] | None = None,
    path: Iterable[PathStep] = (),
    evidence: Iterable[Evidence] = (),
) -> Ranking:
    """Make a ranking with *services* best first; confidences halve from one to the next unless given."""
    given = confidences or [0.5 ** (place + 1) for place in range(len(services))]
    candidates = tuple(
        Candidate(
            service=s,
            score=-float(place),
            confidence=c,
            terms=(Term("alerting", -float(place)),),
        )
        for place, (s, c) in enumerate(zip(services, given, strict=True))
    )
    return Ranking(candidates=candidates, path=tuple(path), evidence=tuple(evidence))


def runbook(*rows: tuple[str, str, str, str]) -> tuple[RunbookEntry, ...]:
    """Make runbook entries of (node kind, alert kind, text, risk) rows."""
    return tuple(RunbookEntry(*row) for row in rows)


def release(
    service_graph: ServiceGraph | None = None,
    *,
    past: IncidentHistory | None = None,
    weights: Mapping[str, float] | None = None,
    temperature: float = 0.7,
    entries: tuple[RunbookEntry, ...] = (),
    parameters: Parameters | None = None,
) -> Release:
    """Make a release: an empty graph, no history and no runbook unless given."""
    return Release(
        graph=service_graph or graph(),
        history=past or history(),
        ranker=RankerWeights(version="test", weights=dict(weights or {}), temperature=temperature),
        runbook=entries,
        parameters=parameters or Parameters(),
    )


def _edge(text: str | Edge) -> Edge:
    if isinstance(text, Edge):
        return text
    source, arrow, target = text.partition(" -> ")
    if not arrow:
        raise ValueError(f"not an edge: {text!r}; write 'caller -> callee'")
    return Edge(source, target)
