"""The sampling grid of a batch: how coarse its clock is.

Alerts derived from 5-minute metrics all lie 5 minutes apart; a 2-minute gap would part every pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

GRIDS_MS = (3_600_000, 900_000, 600_000, 300_000, 60_000)

# Fewer alerts, or fewer moments, agree on a grid by chance.
_LEAST_ALERTS = 10
_LEAST_TIMES = 3


def sampling_grid(times: Iterable[int]) -> int:
    """Return the largest of `GRIDS_MS` on which all *times* (ms) agree, else 0.

    To agree is to leave the same remainder, whatever it is: a shifted batch has the same grid.
    """
    seen = list(times)
    distinct = set(seen)
    if len(seen) < _LEAST_ALERTS or len(distinct) < _LEAST_TIMES:
        return 0
    step = _common_step(distinct)
    return next((grid for grid in GRIDS_MS if step % grid == 0), 0)


def _common_step(distinct: set[int]) -> int:
    origin = next(iter(distinct))
    step = 0
    for time in distinct:
        step = gcd(step, time - origin)
        if 0 < step < GRIDS_MS[-1]:
            break
    return step
