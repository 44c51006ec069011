"""A graph file's content (parsed JSON or YAML) to a service graph, checked.

Raises InputError whose field is the path inside the document (`edges[3].target`).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import KINDS, Edge, Node, ServiceGraph
from aiops_rca.wire import Name, convert


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
    version: Any = None
    source: str | None = None


def read_graph(document: object, *, digest: str) -> ServiceGraph:
    """Check *document* and return its graph; without a version it is named after *digest*."""
    read = convert(document, GraphIn)
    nodes = _nodes(read.nodes)
    return ServiceGraph(
        version=digest[:12] if read.version is None else _version(read.version),
        source=_text(read.source, "source") or "file",
        nodes=nodes,
        edges=tuple(_edge(edge, i, nodes) for i, edge in enumerate(read.edges)),
    )


def _version(written: object) -> str:
    # 1.10 and 1.1 are one number, and two versions
    if not isinstance(written, str):
        raise InputError('not a text: put it in quotes, as in version: "1.10"', field="version")
    return _text(written, "version") or ""


def _text(written: str | None, field: str) -> str | None:
    try:
        (written or "").encode()
    except UnicodeEncodeError as error:
        raise InputError("holds half of a surrogate pair: not Unicode text", field=field) from error
    return written


def _nodes(rows: list[NodeIn]) -> dict[str, Node]:
    if not rows:
        raise InputError("a graph needs at least one node", field="nodes")
    nodes: dict[str, Node] = {}
    for i, row in enumerate(rows):
        if row.id in nodes:
            raise InputError(f"duplicate node {row.id!r}", field=f"nodes[{i}].id")
        for name in ("id", "owner", "runbook"):
            _text(getattr(row, name), f"nodes[{i}].{name}")
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
    kind = _text(row.type, f"edges[{position}].type")
    return Edge(row.source, row.target, kind or "calls", weight)
