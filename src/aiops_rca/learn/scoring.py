"""How good one ranking is: expected top-k and reciprocal rank when ties are broken at random.

A root cause outside the list is a miss. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_SAME = 1e-9  # scores closer than this are a tie


class Score(NamedTuple):
    """Expected hits among the first k, and expected reciprocal rank; each in [0, 1]."""

    top1: float
    top3: float
    top5: float
    mrr: float


MISS = Score(0.0, 0.0, 0.0, 0.0)


def score(scores: Mapping[str, float], root: str) -> Score:
    """Score the ranking *scores* (candidate -> score, higher is better) against the true *root*."""
    if root not in scores:
        return MISS
    own = scores[root]
    above = sum(other > own + _SAME for other in scores.values())
    tied = sum(abs(other - own) <= _SAME for other in scores.values())
    reciprocal = math.fsum(1.0 / (above + place) for place in range(1, tied + 1)) / tied
    return Score(_hit(above, tied, 1), _hit(above, tied, 3), _hit(above, tied, 5), reciprocal)


def mean(scores: Iterable[Score]) -> Score:
    """Return the mean of each measure; at least one score."""
    rows = list(scores)
    return Score(*(math.fsum(column) / len(rows) for column in zip(*rows, strict=True)))


def _hit(above: int, tied: int, k: int) -> float:
    return min(max(k - above, 0), tied) / tied
