"""Which services are within reach of each other, as shared anchors instead of pairs.

Two services are at most *max_hop* hops apart exactly if they share an anchor. Finding a
service's anchors costs what its surroundings hold, whatever the size of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from aiops_rca.domain.graph import ServiceGraph

# Anchors kept per graph and reach: 16 MB of references; beyond that they are found anew.
_KEPT = 2_000_000

Anchor = str | tuple[str, str]
Anchors = tuple[Anchor, ...]


class Neighbourhoods:
    """The anchors of every service of *graph* for one *max_hop*, found when asked for.

    Even reach: a path of 2k hops has a middle node, so the anchors are the nodes within k hops.
    Odd reach: a path of 2k+1 hops has a middle edge, so they are the edges touching those nodes.
    """

    def __init__(self, graph: ServiceGraph, max_hop: int) -> None:
        self._neighbours = graph.neighbours
        self._radius, self._odd = divmod(max_hop, 2)
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}
        self._found: dict[str, Anchors] = {}
        self._room = _KEPT

    def anchors(self, service: str) -> Anchors:
        """Return the anchors of *service*; none if no other service can be in reach."""
        found = self._found.get(service)
        if found is None:
            # Names the graph does not know are not kept: anyone can send new ones for ever.
            if service not in self._neighbours:
                return ()
            found = self._kept(service, tuple(self._anchors(service)))
        return found

    def _kept(self, service: str, found: Anchors) -> Anchors:
        if len(found) <= self._room:
            self._room -= len(found)
            self._found[service] = found
        return found

    def _anchors(self, service: str) -> Iterable[Anchor]:
        if not self._radius and not self._odd:
            return ()
        ball = self._ball(service)
        if self._odd:
            return self._edges(ball)
        return [node for node in ball if self._widest(node)]

    def _ball(self, centre: str) -> dict[str, None]:
        ball = rim = dict.fromkeys((centre,))
        for _ in range(self._radius):
            near = (n for node in rim for n in self._neighbours[node])
            rim = dict.fromkeys(n for n in near if n not in ball)
            if not rim:
                break
            ball = ball | rim
        return ball

    def _widest(self, node: str) -> bool:
        # A leaf's ball lies within its neighbour's: as an anchor it adds nothing.
        near = self._neighbours[node]
        return len(near) > 1 or len(self._neighbours[near[0]]) == 1

    def _edges(self, ball: dict[str, None]) -> Iterable[Anchor]:
        pairs = ((a, b) if a < b else (b, a) for a in ball for b in self._neighbours[a])
        # One object per edge of the graph, however many services have it as an anchor.
        return dict.fromkeys(self._pairs.setdefault(pair, pair) for pair in pairs)


@lru_cache(maxsize=16)
def neighbourhoods(graph: ServiceGraph, max_hop: int) -> Neighbourhoods:
    """Return the (shared) neighbourhoods of *graph*; the graphs used last are remembered."""
    return Neighbourhoods(graph, max_hop)
