"""What every ranking method is, and what all of them share: candidates in their final order.

Contract: terms are rounded to six decimals and a score is the sum of its rounded terms, so that the
same cluster gives the same bytes on any machine. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol

from aiops_rca.domain.candidate import Candidate, Ranking, Term
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.release import Release

_DECIMALS = 6
# Something nobody thought of is always possible: 5 % of the confidence is spread evenly.
_OPEN_MIND = 0.05


class Method(Protocol):
    """A way to rank the candidates of one cluster."""

    def rank(self, cluster: Cluster, release: Release, *, target: str | None) -> Ranking:
        """Return the ranking of *cluster*; *target* is where users felt it, where known."""
        ...


def round_terms(contributions: Iterable[tuple[str, float]]) -> tuple[Term, ...]:
    """Return the contributions that count, rounded."""
    # Most are zero, and rounding is what ranking hundreds of candidates spends its time on.
    found = [Term(name, round(value, _DECIMALS)) for name, value in contributions if value]
    return tuple(term for term in found if term.contribution)


def score_of(terms: tuple[Term, ...]) -> float:
    """Return the sum of the terms' contributions."""
    return round(math.fsum(term.contribution for term in terms), _DECIMALS)


def softmax(scores: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Return service -> probability, proportional to exp(score / *temperature*)."""
    if not scores:
        return {}
    best = max(scores.values())
    odds = {service: math.exp((score - best) / temperature) for service, score in scores.items()}
    total = math.fsum(odds.values())
    return {service: value / total for service, value in odds.items()}


def in_order(
    terms: Mapping[str, tuple[Term, ...]], scores: Mapping[str, float], probability: Mapping[str, float]
) -> tuple[Candidate, ...]:
    """Return the candidates, the highest score first and equal scores by name."""
    even = _OPEN_MIND / len(terms) if terms else 0.0
    candidates = (
        Candidate(
            service=service,
            score=scores[service],
            confidence=round((1.0 - _OPEN_MIND) * probability[service] + even, _DECIMALS),
            terms=found,
        )
        for service, found in terms.items()
    )
    return tuple(sorted(candidates, key=lambda c: (-c.score, c.service)))
