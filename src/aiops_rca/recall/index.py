"""A history made ready to be asked: which past incidents share which features.

Built once per history and kept. Sums are of whole numbers, so they are exact in any order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aiops_rca.domain.incident import IncidentHistory, PastIncident
from aiops_rca.recall.signature import LEVEL_WEIGHTS, Feature, signature

# Weights become whole numbers of 1/65536: any sum of them is exact in a float.
_UNIT = 65536


class HistoryIndex:
    """The incidents of *history*, newest first, and how alike each is to a set of features.

    Alike at one level of detail means the cosine of the two feature sets, where a feature weighs
    the square of its inverse document frequency ln((N+1)/(df+.5)), times the level's weight.
    """

    def __init__(self, history: IncidentHistory) -> None:
        self.incidents = sorted(history.incidents, key=_newest_first)
        self.signatures = [signature(incident.alerts) for incident in self.incidents]
        self._shape = (len(LEVEL_WEIGHTS), len(self.incidents))
        self._cells = _cells(self.signatures)
        self._weights = {f: self._weight(len(cells)) for f, cells in self._cells.items()}
        self._unseen = self._weight(0)
        norms = np.array([self._norms(f) for f in self.signatures], dtype=float)
        self._scale = np.array(LEVEL_WEIGHTS)[:, None] / norms.reshape(-1, len(LEVEL_WEIGHTS)).T

    def weight(self, feature: Feature) -> int:
        """Return what sharing *feature* counts: more, the fewer past incidents had it."""
        return self._weights.get(feature, self._unseen)

    def alike(self, features: Iterable[Feature]) -> NDArray[np.float64]:
        """Return a row per level and a column per incident: how alike, in [0, level weight]."""
        asked = list(features)
        shared = [f for f in asked if f in self._cells]
        if not shared:
            return np.zeros(self._shape)
        cells = [self._cells[f] for f in shared]
        weights = np.repeat([self._weights[f] for f in shared], [len(c) for c in cells])
        both = np.bincount(np.concatenate(cells), weights, self._scale.size)
        norms = np.array(self._norms(asked))[:, None]
        alike: NDArray[np.float64] = both.reshape(self._shape) * self._scale / norms
        return alike

    def _weight(self, seen: int) -> int:
        rarity = math.log((len(self.incidents) + 1) / (seen + 0.5))
        return max(1, round(_UNIT * rarity * rarity))

    def _norms(self, features: Iterable[Feature]) -> list[float]:
        squares = [0] * len(LEVEL_WEIGHTS)
        for feature in features:
            squares[feature.level] += self.weight(feature)
        # Where a level has no features, nothing is shared either: 0 / 1.
        return [math.sqrt(square or 1) for square in squares]


@lru_cache(maxsize=8)
def index_of(history: IncidentHistory) -> HistoryIndex:
    """Return the (shared) index of *history*; the histories used last are remembered."""
    return HistoryIndex(history)


def _newest_first(incident: PastIncident) -> tuple[float, str]:
    closed = incident.closed_at
    return (math.inf if closed is None else -closed, incident.id)


def _cells(signatures: list[dict[Feature, str]]) -> dict[Feature, NDArray[np.intp]]:
    """Return for each feature the cells it adds to, in a table (levels x incidents) laid flat."""
    cells: dict[Feature, list[int]] = {}
    for column, features in enumerate(signatures):
        for feature in features:
            cells.setdefault(feature, []).append(feature.level * len(signatures) + column)
    return {feature: np.array(found, dtype=np.intp) for feature, found in cells.items()}
