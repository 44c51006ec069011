"""A graph file's content (parsed JSON or YAML) to a service graph, checked.

Raises InputError whose field is the path inside the document (`edges[3].target`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import KINDS, Edge, Node, ServiceGraph

Name = Annotated[str, Meta(min_length=1, max_length=1024)]


class NodeIn(Struct, gc=False):
    """One node as written in the file."""

    id: Name
    kind: str = "service"
    owner: str | None = None
    runbook: str | None = None


class EdgeIn(Struct, gc=False):
    """One edge as written in the file: *source* calls *target*."""

    source: Name
    target: Name
    weight: float | None = None
    type: str | None = None


class GraphIn(Struct, gc=False):
    """The whole file. Unknown keys are ignored."""

    nodes: list[NodeIn]
    edges: list[EdgeIn]
    version: str | int | float | None = None
    source: str | None = None


def read_graph(document: object, *, digest: str) -> ServiceGraph:
    """Check *document* and return its graph; without a version it is named after *digest*."""
    try:
        read = msgspec.convert(document, GraphIn)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        raise InputError(what, field=path.strip("`.") or "document") from error
    nodes = _nodes(read.nodes)
    return ServiceGraph(
        version=str(read.version) if read.version is not None else digest[:12],
        source=read.source or "file",
        nodes=nodes,
        edges=tuple(_edge(edge, i, nodes) for i, edge in enumerate(read.edges)),
    )


def _nodes(rows: list[NodeIn]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for i, row in enumerate(rows):
        if row.id in nodes:
            raise InputError(f"duplicate node {row.id!r}", field=f"nodes[{i}].id")
        kind = row.kind if row.kind in KINDS else "service"
        nodes[row.id] = Node(row.id, kind, row.owner, row.runbook)
    return nodes


def _edge(row: EdgeIn, position: int, nodes: dict[str, Node]) -> Edge:
    for end in ("source", "target"):
        name = getattr(row, end)
        if name not in nodes:
            raise InputError(f"unknown node {name!r}", field=f"edges[{position}].{end}")
    weight = 1.0 if row.weight is None else row.weight
    if not 0 <= weight < float("inf"):
        raise InputError("weight must be a number >= 0", field=f"edges[{position}].weight")
    return Edge(row.source, row.target, row.type or "calls", weight)
