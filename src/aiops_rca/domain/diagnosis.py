"""One cluster's answer: who is to blame, how sure we are, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from aiops_rca.domain.candidate import Candidate, Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.narrative import Narrative

PROBABLE = "probable"
INCONCLUSIVE = "inconclusive"

# How a diagnosis came about. All but the last: by the graph alone, and why.
GRAPH_ONLY = "graph-only"  # no language model at hand, as on the command line
NO_KEY = "graph-only-no-key"
FLAG_OFF = "graph-only-flag-off"
CONFIDENT = "graph-only-confident"
FAILED = "graph-only-llm-failed"
SKIPPED = "graph-only-skipped"  # a call was not worth it, or there was no budget for one
PENDING = "graph-only-pending"  # a live incident whose narrative is still to come
WITH_LLM = "graph+llm"
METHODS = (GRAPH_ONLY, NO_KEY, FLAG_OFF, CONFIDENT, FAILED, SKIPPED, PENDING, WITH_LLM)


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
    """A cluster with its ranking, verdict, actions and look-alikes.

    *ranking* holds the graph's own order of candidates, always. *moved_to* is the candidate that a
    narrative's vote has put before its first one, with the confidence it has then; path and evidence of
    the ranking are then those for it.
    """

    cluster: Cluster
    ranking: Ranking
    verdict: str
    method: str
    actions: tuple[Action, ...]
    similar: tuple[SimilarIncident, ...]
    narrative: Narrative | None = None
    moved_to: Candidate | None = None

    @property
    def named(self) -> Candidate | None:
        """The candidate that is named as the root cause; None when nothing fires."""
        if self.moved_to is not None:
            return self.moved_to
        return self.ranking.candidates[0] if self.ranking.candidates else None
