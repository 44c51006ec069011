"""Rank by a conditional logit over blame-flow features: score = sum of weight * feature.

A conditional logit asks which of the candidates of this cluster is the cause (McFadden, 1974: discrete
choice); its terms are the explanation. Past incidents add the term `history`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import mul

from aiops_rca.domain.candidate import Ranking, Term
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.release import Release
from aiops_rca.rank.explain import explain
from aiops_rca.rank.features import FEATURES, FeatureTable, feature_table
from aiops_rca.rank.flow import blame
from aiops_rca.rank.method import in_order, round_terms, score_of, softmax
from aiops_rca.rank.prior import prior_of
from aiops_rca.rank.strength import measure


class Logit:
    """The default method. Reads the weights and the temperature from `release.ranker`."""

    def rank(self, cluster: Cluster, release: Release, *, target: str | None) -> Ranking:
        """Return the ranking of *cluster*."""
        prior = prior_of(release.history)
        signals = measure(cluster.alerts, prior.rarity)
        flow = blame(signals, release.graph, target)
        table = feature_table(signals, flow, release.graph)
        alike = prior.look_alikes(cluster.alerts)
        terms = _terms(table, release.ranker.weights, alike.bonus)
        scores = {service: score_of(found) for service, found in terms.items()}
        candidates = in_order(terms, scores, softmax(scores, release.ranker.temperature))
        path, evidence = explain(cluster, release.graph, signals, flow, candidates, alike)
        return Ranking(candidates, path, evidence)


def _terms(
    table: FeatureTable, weights: Mapping[str, float], bonus: Mapping[str, float]
) -> dict[str, tuple[Term, ...]]:
    factors = [weights.get(name, 0.0) for name in FEATURES]
    found = {}
    for service, row in zip(table.services, table.rows, strict=True):
        products = map(mul, factors, row)
        found[service] = round_terms(
            [*zip(FEATURES, products, strict=True), ("history", bonus.get(service, 0.0))]
        )
    return found
