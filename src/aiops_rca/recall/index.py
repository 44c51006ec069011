"""A history made ready to be asked: which past incidents share which features.

Built once per history and kept. Sums are of whole numbers, so they are exact in any order.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aiops_rca.domain.incident import IncidentHistory, PastIncident
from aiops_rca.domain.likeness import weight
from aiops_rca.recall.signature import LEVEL_WEIGHTS, SERVICE, Feature, signature

_FEW_CELLS = 128  # for more of them numpy pays

Near = dict[int, list[float]]


class HistoryIndex:
    """The incidents of *history*, newest first, and how alike each is to a set of features.

    Alike at one level of detail means the cosine of the two feature sets (`domain.likeness`), times the
    level's weight.
    """

    def __init__(self, history: IncidentHistory) -> None:
        self.incidents = sorted(history.incidents, key=_newest_first)
        self.signatures = [signature(incident.alerts) for incident in self.incidents]
        self._cells = _cells(self.signatures)
        self._weights = {f: weight(len(cells), len(self.incidents)) for f, cells in self._cells.items()}
        self._unseen = weight(0, len(self.incidents))
        norms = np.array([self._norms(f) for f in self.signatures], dtype=float)
        self._scale = np.array(LEVEL_WEIGHTS)[:, None] / norms.reshape(-1, len(LEVEL_WEIGHTS)).T
        self._flat_scale: list[float] = self._scale.ravel().tolist()

    def weight(self, feature: Feature) -> int:
        """Return what sharing *feature* counts: more, the fewer past incidents had it."""
        return self._weights.get(feature, self._unseen)

    def knows(self, service: str) -> bool:
        """Tell whether *service* alerted in any incident; else nothing is like it."""
        return Feature(SERVICE, service, "") in self._cells

    def near(self, features: Collection[Feature], least: float) -> Near:
        """Return place in `incidents` -> how alike at each level, in [0, level weight], in order of place.

        Only incidents that are at least *least* alike at some level.
        """
        shared = [f for f in features if f in self._cells]
        if not shared:
            return {}
        norms = self._norms(features)
        few = sum(len(self._cells[f]) for f in shared) <= _FEW_CELLS
        return self._near_few(shared, norms, least) if few else self._near_many(shared, norms, least)

    def _near_few(self, shared: list[Feature], norms: list[float], least: float) -> Near:
        both: dict[int, int] = {}
        for feature in shared:
            counts = self._weights[feature]
            for cell in self._cells[feature].tolist():
                both[cell] = both.get(cell, 0) + counts
        scores: Near = {}
        for cell, found in both.items():
            level, place = divmod(cell, len(self.incidents))
            levels = scores.setdefault(place, [0.0] * len(LEVEL_WEIGHTS))
            levels[level] = found * self._flat_scale[cell] / norms[level]
        return {place: scores[place] for place in sorted(scores) if max(scores[place]) >= least}

    def _near_many(self, shared: list[Feature], norms: list[float], least: float) -> Near:
        cells = [self._cells[f] for f in shared]
        weights = np.repeat([self._weights[f] for f in shared], [len(c) for c in cells])
        both = np.bincount(np.concatenate(cells), weights, self._scale.size)
        alike = both.reshape(self._scale.shape) * self._scale / np.array(norms)[:, None]
        places = np.flatnonzero(alike.max(axis=0) >= least)
        return dict(zip(places.tolist(), alike[:, places].T.tolist(), strict=True))

    def _norms(self, features: Iterable[Feature]) -> list[float]:
        squares = [0] * len(LEVEL_WEIGHTS)
        for feature in features:
            squares[feature.level] += self._weights.get(feature, self._unseen)
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
