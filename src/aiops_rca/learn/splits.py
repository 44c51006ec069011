"""Which cases are too alike to test each other: those of one source, and those of one system.

A weight fitted on a case must never score it; these say what else must be left out. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiops_rca.domain.graph import ServiceGraph

_TRAILING_DIGITS = re.compile(r"[0-9]+\Z")
_SAME_SYSTEM = 0.5  # two graphs of one system share at least half of the smaller one's services


def source_of(dataset: str) -> str:
    """Return who recorded *dataset*: its name up to the first `-`, without trailing digits.

    `openrca-ob1` and `openrca-ob2` are one source.
    """
    return _TRAILING_DIGITS.sub("", dataset.partition("-")[0]) or dataset


def systems_of(graphs: Sequence[ServiceGraph]) -> tuple[int, ...]:
    """Return one number per graph, equal for graphs of one system (by overlap of service names).

    Hosts do not count: `node-1` is a host of many systems. Overlap is transitive.
    """
    names = [_services(graph) for graph in graphs]
    system = list(range(len(graphs)))
    for i, mine in enumerate(names):
        for j in range(i):
            if system[i] != system[j] and _overlap(mine, names[j]) >= _SAME_SYSTEM:
                merged, kept = max(system[i], system[j]), min(system[i], system[j])
                system = [kept if number == merged else number for number in system]
    return tuple(system)


def _services(graph: ServiceGraph) -> frozenset[str]:
    return frozenset(node.id for node in graph.nodes.values() if node.kind != "host")


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / (min(len(a), len(b)) or 1)
