"""Rank by a conditional logit over blame-flow features: score = sum of weight * feature.

A conditional logit asks which of the candidates of this cluster is the cause (McFadden, 1974: discrete
choice); its terms are the explanation. Past incidents add the term `history`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import mul

from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.candidate import Candidate, Ranking, Term
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.kinds import kind_of
from aiops_rca.domain.release import Release
from aiops_rca.rank.explain import Outlook, explain
from aiops_rca.rank.features import FEATURES, FeatureTable, feature_table
from aiops_rca.rank.flow import blame
from aiops_rca.rank.method import in_order, round_terms, score_of, softmax
from aiops_rca.rank.path import find_path
from aiops_rca.rank.prior import LookAlikes, prior_of
from aiops_rca.rank.strength import Signals, measure

_STRANGER = ""  # no service has an empty name


class Logit:
    """The default method. Reads the weights and the temperature from `release.ranker`."""

    def rank(self, cluster: Cluster, release: Release, *, target: str | None) -> Ranking:
        """Return the ranking of *cluster*."""
        prior = prior_of(release.history)
        signals = measure(cluster.alerts, prior.rarity)
        alike = prior.look_alikes(cluster.alerts)
        if len(cluster.alerts) == 1:
            found = alone(cluster.alerts[0], release, alike)
        else:
            found = outlook(signals, release, alike, target)
        evidence = explain(cluster, release, signals, found, alike, target)
        return Ranking(found.candidates, found.path, evidence)


def outlook(signals: Signals, release: Release, alike: LookAlikes, target: str | None) -> Outlook:
    """Return the candidates of a measured cluster, and the way to the first."""
    flow = blame(signals, release.graph, target)
    table = feature_table(signals, flow, release.graph)
    terms = _terms(table, release.ranker.weights, alike.bonus)
    scores = {service: score_of(found) for service, found in terms.items()}
    candidates = in_order(terms, scores, softmax(scores, release.ranker.temperature))
    path = find_path(candidates[0].service, release.graph, signals, flow)
    return Outlook(candidates, path, flow.links)


def alone(alert: Alert, release: Release, alike: LookAlikes) -> Outlook:
    """Return the `outlook` of a cluster of one *alert*, remembered: a large batch has many of them.

    Of a single alert all shares are 0 or 1 however loud it is, so only its service and kind tell; and
    services that neither graph nor past know differ in nothing but their name.
    """
    named = alert.service in release.graph.nodes or alert.service in alike.bonus
    service = alert.service if named else _STRANGER
    quiet = alert.labels.get("direction") == "down"
    found = _alone(release, service, kind_of(alert.metric, alert.labels), quiet, alike)
    if named:
        return found
    candidates = tuple(Candidate(alert.service, c.score, c.confidence, c.terms) for c in found.candidates)
    return Outlook(candidates, found.path, found.links)


@lru_cache(maxsize=4096)
def _alone(release: Release, service: str, kind: str, quiet: bool, alike: LookAlikes) -> Outlook:  # noqa: FBT001
    labels = {"kind": kind, "direction": "down" if quiet else None}
    stand_in = Alert("", 0, service, "", Severity.INFO, None, None, labels, False, "")  # noqa: FBT003
    return outlook(measure((stand_in,)), release, alike, None)


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
