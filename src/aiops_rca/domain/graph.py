"""The service graph: who calls whom, and what runs where.

An edge points from caller to callee. All edge types but `hosted_on` count as calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

HOSTED_ON = "hosted_on"
KINDS = frozenset("service database cache queue storage function gateway loadbalancer external host".split())


@dataclass(frozen=True, slots=True)
class Node:
    """One service, data store or host. *kind* is one of `KINDS`; any other word was read as service."""

    id: str
    kind: str = "service"
    owner: str | None = None
    runbook: str | None = None


class Edge(NamedTuple):
    """*source* calls *target* (or, with type `hosted_on`, runs on it)."""

    source: str
    target: str
    type: str = "calls"
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class ServiceGraph:
    """An immutable directed graph. Compared by identity: two loads of one file are two graphs."""

    version: str
    source: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]

    @cached_property
    def callees(self) -> Mapping[str, tuple[str, ...]]:
        """Service -> the services it calls, sorted; `hosted_on` left out."""
        return _group((e.source, e.target) for e in self.edges if e.type != HOSTED_ON)

    @cached_property
    def callers(self) -> Mapping[str, tuple[str, ...]]:
        """Service -> the services that call it, sorted; `hosted_on` left out."""
        return _group((e.target, e.source) for e in self.edges if e.type != HOSTED_ON)

    @cached_property
    def neighbours(self) -> Mapping[str, tuple[str, ...]]:
        """Node -> every node one edge away in either direction, sorted; all edge types."""
        both = [(e.source, e.target) for e in self.edges]
        return _group(both + [(target, source) for source, target in both])

    def kind_of(self, service: str) -> str:
        """The kind of *service*; `service` when the graph does not know it."""
        node = self.nodes.get(service)
        return node.kind if node else "service"


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        if key != value:
            found.setdefault(key, set()).add(value)
    return {key: tuple(sorted(values)) for key, values in found.items()}
