"""A cluster and a release in, ranked root-cause candidates with their evidence out.

`rank` picks the method the release names. Equal input gives equal bytes whatever the order of the
alerts; cost grows with the alerting services, not with the graph. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiops_rca.domain.candidate import Candidate, Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.release import Release
from aiops_rca.rank.cases import cases
from aiops_rca.rank.features import FEATURES, STARTING_WEIGHTS, FeatureTable, feature_table
from aiops_rca.rank.flow import blame
from aiops_rca.rank.logit import Logit
from aiops_rca.rank.method import Method
from aiops_rca.rank.pagerank import PageRank
from aiops_rca.rank.prior import prior_of
from aiops_rca.rank.strength import measure

__all__ = ["FEATURES", "METHODS", "STARTING_WEIGHTS", "FeatureTable", "cases", "describe", "rank"]

LONE_SIGNAL_CONFIDENCE = 0.5
METHODS: Mapping[str, Method] = {"logit": Logit(), "pagerank": PageRank()}


def rank(cluster: Cluster, release: Release, *, target: str | None = None) -> Ranking:
    """Rank the possible root causes of *cluster* by the method `release.parameters.rca_method`.

    *target* is the service where users felt it, where known. Raises InputError for an unknown method.
    """
    name = release.parameters.rca_method
    method = METHODS.get(name)
    if method is None:
        known = ", ".join(sorted(METHODS))
        raise InputError(f"unknown method {name!r}, known: {known}", field="rca_method")
    ranking = method.rank(cluster, release, target=target)
    return _doubted(ranking) if cluster.signals == 1 else ranking


def _doubted(ranking: Ranking) -> Ranking:
    """Cap the confidences: with one signal there is nobody else to suspect, which proves nothing."""
    candidates = tuple(
        Candidate(c.service, c.score, LONE_SIGNAL_CONFIDENCE, c.terms)
        if c.confidence > LONE_SIGNAL_CONFIDENCE
        else c
        for c in ranking.candidates
    )
    return Ranking(candidates, ranking.path, ranking.evidence)


def describe(cluster: Cluster, release: Release, *, target: str | None = None) -> FeatureTable:
    """Return what the logit sees of *cluster*: the input of a fit."""
    signals = measure(cluster.alerts, prior_of(release.history).rarity)
    return feature_table(signals, blame(signals, release.graph, target), release.graph)
