"""Blame flow: walk from the symptom to the callee that accounts for it, again and again.

Two layers of symptoms, latency and errors. A share of the mass at (service, layer) moves to the alerting
callees whose own deviation explains it; what nobody explains stays, and is where the fault may be. Cost
grows with the alerting services and their callees, never with the graph. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.rank.grain import grained
from aiops_rca.rank.kinds import ERRORS, LATENCY
from aiops_rca.rank.strength import Cell, Loudness, Signals

_MOVES_AT_MOST = 0.95
_STEPS = 12
_TOO_LITTLE = 1e-4
_EXPLAINS_NOTHING = 1e-6  # smaller ratios are no links: their squares would vanish
_NO_SHARED_METRIC = 0.7
_THROUGH_SILENT = 0.5
# A silent service joins each caller above it to each callee below it. Where these pairs are many it
# explains nothing specific, and they would grow with the square of a storm, so it is not seen through.
_PAIRS_SEEN_THROUGH = 64
# A callee that alerts, but on nothing its callers could feel (a full disk, a pool without connections).
# Mass that comes there stays: nothing says that a disk fills because of a callee.
AILING = "ailing"
_BY_AILING = 0.5
# How far the other layer can explain this one: errors make callers slow, slowness makes few errors.
_CROSS = {LATENCY: (ERRORS, 0.5), ERRORS: (LATENCY, 0.3)}


class Link(NamedTuple):
    """*service* (in *layer*) accounts for the share *ratio* of its caller; *via* one without a symptom."""

    service: str
    layer: str
    ratio: float
    via: str | None


Links = Mapping[Cell, tuple[Link, ...]]


@dataclass(frozen=True, slots=True)
class Blame:
    """Where the mass ended. Each of the three maps service -> share of all mass, in [0, 1].

    *targeted* starts at the symptom, *overall* at every symptomatic service; *silent* is what the
    callees without an alert are credited with. *links* are the explaining edges, *starts* the symptom.
    """

    links: Links
    starts: Mapping[Cell, float]
    targeted: Mapping[str, float]
    overall: Mapping[str, float]
    silent: Mapping[str, float]


def blame(signals: Signals, graph: ServiceGraph, target: str | None) -> Blame:
    """Let the mass of *signals* flow through *graph*, from *target* when it shows a symptom."""
    ailing = signals.ailing()
    through = _seen_through(signals.symptomatic, graph)
    links = {cell: _links(cell, signals, ailing, through, graph) for cell in signals.symptoms}
    starts = starting_mass(signals, links, target)
    network = _Network((*signals.symptoms, *((service, AILING) for service in ailing)), links)
    targeted = network.settle(starts)
    return Blame(
        links=links,
        starts=starts,
        targeted=targeted,
        overall=network.settle(signals.loudest),
        silent=_credit_silent(targeted, frozenset(signals.services), graph),
    )


def starting_mass(signals: Signals, links: Links, target: str | None) -> dict[Cell, float]:
    """Return the cells where users feel it: *target*, else the services that explain nobody's symptom."""
    felt = signals.symptomatic
    if target is not None and target in felt:
        return {_loud_cell(target, signals): 1.0}
    explaining = {link.service for found in links.values() for link in found}
    cells = [_loud_cell(service, signals) for service in sorted(felt - explaining) or sorted(felt)]
    return {cell: signals.loudest[cell] for cell in cells}


def _loud_cell(service: str, signals: Signals) -> Cell:
    # Users notice an error before a delay, so a service with both starts in the error layer.
    return (service, ERRORS if (service, ERRORS) in signals.symptoms else LATENCY)


def _seen_through(symptomatic: frozenset[str], graph: ServiceGraph) -> dict[str, list[str]]:
    """Return services without a symptom, called by ones with -> the symptomatic services they call."""
    if len(symptomatic) < 2:
        return {}
    called = (callee for service in symptomatic for callee in graph.callees.get(service, ()))
    callers = Counter(callee for callee in called if callee not in symptomatic)
    found = {}
    for service, count in callers.items():
        beyond = [callee for callee in graph.callees.get(service, ()) if callee in symptomatic]
        if beyond and count * len(beyond) <= _PAIRS_SEEN_THROUGH:
            found[service] = beyond
    return found


def _links(
    cell: Cell,
    signals: Signals,
    ailing: Mapping[str, float],
    through: Mapping[str, list[str]],
    graph: ServiceGraph,
) -> tuple[Link, ...]:
    best: dict[str, Link] = {}
    for callee in graph.callees.get(cell[0], ()):
        if callee in signals.symptomatic:
            _keep(best, cell, callee, signals, None)
            continue
        if callee in ailing:
            ratio = _BY_AILING * min(1.0, ailing[callee] / signals.loudest[cell])
            best[callee] = Link(callee, AILING, ratio, None)
        for beyond in through.get(callee, ()):
            if beyond != cell[0]:
                _keep(best, cell, beyond, signals, callee)
    return tuple(best[service] for service in sorted(best))


def _keep(best: dict[str, Link], cell: Cell, callee: str, signals: Signals, via: str | None) -> None:
    """Put the link from *cell* to *callee* among the *best* unless a better one is there."""
    ratio, layer = _explained(cell, callee, signals)
    if via is not None:
        ratio *= _THROUGH_SILENT
    known = best.get(callee)
    if ratio >= _EXPLAINS_NOTHING and (known is None or ratio > known.ratio):
        best[callee] = Link(callee, layer, ratio, via)


def _explained(cell: Cell, callee: str, signals: Signals) -> tuple[float, str]:
    layer = cell[1]
    other, factor = _CROSS[layer]
    loud = signals.loudest[cell]
    ratio = 0.0
    metrics = signals.symptoms.get((callee, layer))
    if metrics is not None:
        ratio = _same_layer(signals.symptoms[cell], metrics)
        if ratio < 0.0:
            ratio = min(1.0, _NO_SHARED_METRIC * signals.loudest[callee, layer] / loud)
    loudest = signals.loudest.get((callee, other))
    across = factor * min(1.0, loudest / loud) if loudest is not None else 0.0
    return (across, other) if across > ratio else (ratio, layer)


def _same_layer(caller: Mapping[str, Loudness], callee: Mapping[str, Loudness]) -> float:
    """Return the largest explained share over the shared metrics, -1 when there is none."""
    best = -1.0
    for metric, above in caller.items():
        below = callee.get(metric)
        if below is None:
            continue
        if above.excess and below.excess is not None:
            share = below.excess / above.excess
        else:
            share = below.strength / above.strength
        best = max(best, min(1.0, share))
    return best


class _Network:
    """The cells and weighted moves between them as arrays, built once for both starts."""

    def __init__(self, cells: tuple[Cell, ...], links: Links) -> None:
        self._cells = cells
        self._moves = any(links.values())
        if self._moves:
            index = {cell: position for position, cell in enumerate(cells)}
            moves = (
                (index[cell], index[link.service, link.layer], weight)
                for cell, found in links.items()
                for link, weight in zip(found, _weights(found), strict=True)
            )
            source, target, weight = zip(*moves, strict=True)
            self._source = np.array(source, dtype=np.intp)
            self._target = np.array(target, dtype=np.intp)
            self._weight = grained(np.array(weight))
            self._moved = self._add_up(self._source, self._weight)

    def settle(self, start: Mapping[Cell, float]) -> dict[str, float]:
        """Return service -> share of the mass that stays there, layers added up."""
        total = math.fsum(start.values())
        if not total:
            return {}
        mass = [start.get(cell, 0.0) / total for cell in self._cells]
        # Numpy is slow on next to nothing, and most clusters of a large batch are that.
        stays = self._flow(np.array(mass)).tolist() if self._moves else mass
        found: dict[str, float] = {}
        for (service, _), share in zip(self._cells, stays, strict=True):
            if share > 0.0:
                found[service] = found.get(service, 0.0) + share
        return found

    def _flow(self, mass: NDArray[np.float64]) -> NDArray[np.float64]:
        stays = np.zeros(len(self._cells))
        for _ in range(_STEPS):
            active = np.where(mass >= _TOO_LITTLE, mass, 0.0)
            if not active.any():
                break
            stays += mass - active * self._moved
            mass = self._add_up(self._target, grained(active[self._source] * self._weight))
        return stays + mass

    def _add_up(self, cells: NDArray[np.intp], amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(cells, amounts, len(self._cells)).astype(np.float64, copy=False)


def _weights(links: tuple[Link, ...]) -> list[float]:
    """Split what moves in proportion to the squared ratios: the best explanation takes most."""
    if not links:
        return []
    total = math.fsum(link.ratio**2 for link in links)
    most = max(link.ratio for link in links)
    return [_MOVES_AT_MOST * most * link.ratio**2 / total for link in links]


def _credit_silent(
    stays: Mapping[str, float], alerting: frozenset[str], graph: ServiceGraph
) -> dict[str, float]:
    credit: dict[str, list[float]] = {}
    for service in sorted(stays):
        silent = [callee for callee in graph.callees.get(service, ()) if callee not in alerting]
        for callee in silent:
            credit.setdefault(callee, []).append(stays[service] / len(silent))
    return {callee: math.fsum(shares) for callee, shares in credit.items()}
