"""What a vote of the language model is worth against the graph's ranking: it may break a near tie, no more.

Logarithmic opinion pool of two opinions about two candidates (Genest and Zidek, 1986): odds are weighted
geometric means. No labelled votes exist to fit the weight with, so it is small and bounded. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from aiops_rca.domain.candidate import Candidate

MOST_WEIGHT = 0.3
FULL_SUPPORT = 2  # pieces of evidence, those against taken off, that give the whole weight
# Taken for the model's probability of its choice, whatever it would say of it: language models that are
# asked how sure they are overstate it and hardly tell right from wrong by it (Xiong et al., 2024).
CREDENCE = 0.8


class Fusion(NamedTuple):
    """What a vote did. *confidence* is that of the candidate named in the end."""

    weight: float
    moved: bool
    confidence: float


def fuse(candidates: Sequence[Candidate], choice: int, *, supports: int, contradicts: int) -> Fusion:
    """Weigh a vote for `candidates[choice]` against the first of *candidates* (best first, not empty).

    *supports* and *contradicts* count genuine pieces of evidence about the chosen one. A vote for the first
    one changes nothing: the model has seen the ranking, so its agreement is no news. The confidence of
    another one never exceeds what the graph gave its own first.
    """
    first, chosen = candidates[0], candidates[choice]
    support = min(max(supports - contradicts, 0), FULL_SUPPORT) / FULL_SUPPORT
    weight = MOST_WEIGHT * support
    if choice == 0 or not weight or chosen.confidence <= 0:
        return Fusion(0.0, moved=False, confidence=first.confidence)
    odds = (1 - weight) * math.log(chosen.confidence / first.confidence) + weight * _log_odds(CREDENCE)
    if odds <= 0:
        return Fusion(weight, moved=False, confidence=first.confidence)
    share = 1 / (1 + math.exp(-odds))
    pooled = (first.confidence + chosen.confidence) * share
    return Fusion(weight, moved=True, confidence=round(min(pooled, first.confidence), 6))


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
