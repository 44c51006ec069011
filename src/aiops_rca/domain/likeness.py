"""The measure by which an incident of the past is like a cluster: one for ranking and for recall.

A signal (service, metric family) weighs the square of its inverse document frequency in the history, in
whole numbers, so that sums are exact in any order. Alike is the cosine of two sets of weighted signals.
"""

from __future__ import annotations

import math

# Below this an incident shares little but what nearly every incident has.
LEAST_ALIKE = 0.15

_UNIT = 65536  # weights are whole numbers of 1/65536


def weight(seen: int, incidents: int) -> int:
    """Return what sharing a signal counts that *seen* of *incidents* incidents had: the rarer, the more."""
    rarity = math.log((incidents + 1) / (seen + 0.5))
    return max(1, round(_UNIT * rarity * rarity))


def alike(shared: float, past: float, asked: float) -> float:
    """Return the cosine, in [0, 1], of two sets whose weights add up to *past* and *asked*.

    *shared* is what the signals in both weigh.
    """
    return shared * (1.0 / math.sqrt(past)) / math.sqrt(asked)
