"""One cluster's answer: who is to blame, how sure we are, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from aiops_rca.domain.candidate import Ranking
from aiops_rca.domain.cluster import Cluster

PROBABLE = "probable"
INCONCLUSIVE = "inconclusive"
GRAPH_ONLY = "graph-only"


@dataclass(frozen=True, slots=True)
class Action:
    """A recommended step. *risk* is low, medium or high; *source* names where it comes from, never empty."""

    id: str
    text: str
    risk: str
    source: str


@dataclass(frozen=True, slots=True)
class SimilarIncident:
    """A past incident that looked like this one; *score* in (0, 1], *reason* in words."""

    id: str
    score: float
    reason: str
    root_cause: str
    fix: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cluster with its ranking, verdict, actions and look-alikes."""

    cluster: Cluster
    ranking: Ranking
    verdict: str
    method: str
    actions: tuple[Action, ...]
    similar: tuple[SimilarIncident, ...]
