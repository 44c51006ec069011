"""Blame flow: walk from the symptom to the callee that accounts for it, again and again.

Two layers of symptoms, latency and errors. A share of the mass at (service, layer) moves to the alerting
callees whose own deviation explains it; what nobody explains stays, and is where the fault may be. Cost
grows with the alerting services and their callees, never with the graph. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.rank.kinds import ERRORS, LATENCY
from aiops_rca.rank.strength import Cell, Loudness, Signals

_MOVES_AT_MOST = 0.95
_STEPS = 12
_TOO_LITTLE = 1e-4
_EXPLAINS_NOTHING = 1e-6  # smaller ratios are no links: their squares would vanish
_NO_SHARED_METRIC = 0.7
_THROUGH_SILENT = 0.5
# A callee that alerts, but on nothing its callers could feel (a full disk, a pool without connections).
# Mass that comes there stays: nothing says that a disk fills because of a callee.
AILING = "ailing"
_BY_AILING = 0.5
# How far the other layer can explain this one: errors make callers slow, slowness makes few errors.
_CROSS = {LATENCY: (ERRORS, 0.5), ERRORS: (LATENCY, 0.3)}


class Link(NamedTuple):
    """*service* (in *layer*) accounts for the share *ratio* of its caller; *via* one silent service."""

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
    links = {cell: _links(cell, signals, ailing, graph) for cell in signals.symptoms}
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


def _links(
    cell: Cell, signals: Signals, ailing: Mapping[str, float], graph: ServiceGraph
) -> tuple[Link, ...]:
    best = {
        callee: Link(callee, AILING, _BY_AILING * min(1.0, ailing[callee] / signals.loudest[cell]), None)
        for callee in graph.callees.get(cell[0], ())
        if callee in ailing
    }
    for service, via in _symptomatic_callees(cell[0], signals.symptomatic, graph):
        ratio, layer = _explained(cell, service, signals)
        link = Link(service, layer, ratio if via is None else ratio * _THROUGH_SILENT, via)
        known = best.get(service)
        if link.ratio >= _EXPLAINS_NOTHING and (known is None or link.ratio > known.ratio):
            best[service] = link
    return tuple(best[service] for service in sorted(best))


def _symptomatic_callees(
    caller: str, symptomatic: frozenset[str], graph: ServiceGraph
) -> Iterator[tuple[str, str | None]]:
    for callee in graph.callees.get(caller, ()):
        if callee in symptomatic:
            yield callee, None
            continue
        for beyond in graph.callees.get(callee, ()):
            if beyond in symptomatic and beyond != caller:
                yield beyond, callee


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
    across = factor * min(1.0, signals.loudest.get((callee, other), 0.0) / loud)
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
        index = {cell: position for position, cell in enumerate(cells)}
        moves = [
            (index[cell], index[link.service, link.layer], weight)
            for cell, found in links.items()
            for link, weight in zip(found, _weights(found), strict=True)
        ]
        self._source = np.array([source for source, _, _ in moves], dtype=np.intp)
        self._target = np.array([target for _, target, _ in moves], dtype=np.intp)
        self._weight = np.array([weight for _, _, weight in moves], dtype=np.float64)
        self._moved = self._add_up(self._source, self._weight)

    def settle(self, start: Mapping[Cell, float]) -> dict[str, float]:
        """Return service -> share of the mass that stays there, layers added up."""
        total = sum(start.values())
        if not total:
            return {}
        mass = np.array([start.get(cell, 0.0) / total for cell in self._cells])
        stays = self._flow(mass)
        found: dict[str, float] = {}
        for (service, _), share in zip(self._cells, stays.tolist(), strict=True):
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
            mass = self._add_up(self._target, active[self._source] * self._weight)
        return stays + mass

    def _add_up(self, cells: NDArray[np.intp], amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(cells, amounts, len(self._cells)).astype(np.float64, copy=False)


def _weights(links: tuple[Link, ...]) -> list[float]:
    """Split what moves in proportion to the squared ratios: the best explanation takes most."""
    if not links:
        return []
    total = sum(link.ratio**2 for link in links)
    most = max(link.ratio for link in links)
    return [_MOVES_AT_MOST * most * link.ratio**2 / total for link in links]


def _credit_silent(
    stays: Mapping[str, float], alerting: frozenset[str], graph: ServiceGraph
) -> dict[str, float]:
    credit: dict[str, float] = {}
    for service in sorted(stays):
        silent = [callee for callee in graph.callees.get(service, ()) if callee not in alerting]
        for callee in silent:
            credit[callee] = credit.get(callee, 0.0) + stays[service] / len(silent)
    return credit
