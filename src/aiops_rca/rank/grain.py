"""Shares kept in whole multiples of one small grain: sums of them are exact in any order. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GRAIN = 2.0**-40


def grained(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return *amounts* rounded to the grain, so that what services are called changes no sum of them."""
    rounded: NDArray[np.float64] = np.rint(amounts / _GRAIN) * _GRAIN
    return rounded
