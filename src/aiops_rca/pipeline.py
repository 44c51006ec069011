"""The whole flow on one screen: alerts -> clusters -> ranking -> recall -> diagnoses.

`diagnose` is pure: the same alerts in any order and the same release give equal diagnoses,
at any time, on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from aiops_rca.correlate import correlate
from aiops_rca.correlate.clusters import cluster_of
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.candidate import Candidate, Case, Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.diagnosis import GRAPH_ONLY, INCONCLUSIVE, PROBABLE, Diagnosis
from aiops_rca.domain.release import Release
from aiops_rca.rank import cases, rank
from aiops_rca.recall.actions import recommend
from aiops_rca.recall.similar import similar

Mark = Callable[[str], None]


def unmarked(phase: str) -> None:
    """The mark of a caller that does not time phases."""


def diagnose(
    alerts: Iterable[Alert],
    release: Release,
    *,
    target: str | None = None,
    mark: Mark = unmarked,
) -> tuple[Diagnosis, ...]:
    """Diagnose every cluster among the firing *alerts*, the primary cluster first.

    *target* is the service where users felt it, where known. *mark* is called with the name of
    each phase as it ends, so that a caller with a clock can time them.
    """
    parameters = release.parameters
    clusters = correlate(alerts, release.graph, gap_sec=parameters.gap_sec, max_hop=parameters.max_hop)
    mark("correlate")
    rankings = [rank(cluster, release, target=target) for cluster in clusters]
    mark("rank")
    diagnoses = tuple(
        _diagnosis(cluster, ranking, release) for cluster, ranking in zip(clusters, rankings, strict=True)
    )
    mark("recall")
    return diagnoses


def diagnose_cluster(alerts: Iterable[Alert], release: Release) -> Diagnosis:
    """Diagnose *alerts* (at least one, ids distinct) that belong together; pure as `diagnose`."""
    cluster = cluster_of(alerts)
    return _diagnosis(cluster, rank(cluster, release), release)


def rival_cases(
    diagnosis: Diagnosis, release: Release, *, target: str | None = None, count: int
) -> tuple[Case, ...]:
    """What can be said for each of the first *count* candidates of *diagnosis*, in its order."""
    return cases(diagnosis.cluster, diagnosis.ranking, release, target=target, count=count)


def moved(diagnosis: Diagnosis, case: Case, confidence: float, release: Release) -> Diagnosis:
    """*diagnosis* with the candidate of *case* named as the root cause, with *confidence*.

    The candidates stay in the graph's order. What is recommended for the new cause comes first; nothing
    that was recommended before is lost.
    """
    named = Candidate(case.candidate.service, case.candidate.score, confidence, case.candidate.terms)
    ranking = Ranking(diagnosis.ranking.candidates, case.path, case.evidence)
    own = recommend(
        diagnosis.cluster, Ranking((named,), case.path, case.evidence), diagnosis.similar, release
    )
    known = {action.id for action in own}
    return replace(
        diagnosis,
        ranking=ranking,
        moved_to=named,
        actions=(*own, *(action for action in diagnosis.actions if action.id not in known)),
        verdict=_verdict(diagnosis.cluster, confidence, release.parameters.probable_from),
    )


def _diagnosis(cluster: Cluster, ranking: Ranking, release: Release) -> Diagnosis:
    alike = similar(cluster, release.history, limit=release.parameters.similar_limit)
    best = ranking.candidates[0].confidence if ranking.candidates else 0.0
    return Diagnosis(
        cluster=cluster,
        ranking=ranking,
        verdict=_verdict(cluster, best, release.parameters.probable_from),
        method=GRAPH_ONLY,
        actions=recommend(cluster, ranking, alike, release),
        similar=alike,
    )


def _verdict(cluster: Cluster, confidence: float, probable_from: float) -> str:
    """`probable` needs confidence and more than one signal: a lone one is a symptom of something."""
    return PROBABLE if confidence >= probable_from and cluster.signals > 1 else INCONCLUSIVE
