"""Graph files: what is read, what is refused and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiops_rca.adapters.files import load_graph, parse_graph
from aiops_rca.domain.errors import InputError

GOOD = b"""
version: g-7
nodes:
  - {id: web, kind: gateway, owner: shop, runbook: "https://runbooks.example.com/web"}
  - {id: db, kind: database}
  - {id: odd, kind: mainframe}
edges:
  - {source: web, target: db, weight: 2}
  - {source: db, target: odd, type: hosted_on}
"""


def test_a_graph_is_read() -> None:
    """Nodes, kinds, edges and version come as written; an unknown kind is a service."""
    graph = parse_graph(GOOD, name="g.yaml")

    assert graph.version == "g-7"
    assert [graph.kind_of(n) for n in ("web", "db", "odd", "nobody")] == [
        "gateway",
        "database",
        "service",
        "service",
    ]
    assert graph.callees == {"web": ("db",)}
    assert graph.callers == {"db": ("web",)}
    assert graph.neighbours["db"] == ("odd", "web")


def test_a_graph_without_version_is_named_after_its_content() -> None:
    """Two different files never share a version by accident."""
    one = parse_graph(b'{"nodes":[],"edges":[]}', name="g.json")
    two = parse_graph(b'{"nodes":[], "edges":[]}', name="g.json")

    assert one.version != two.version
    assert len(one.version) == 12


@pytest.mark.parametrize(
    ("data", "where"),
    [
        pytest.param(
            GOOD + b"  - {source: web, target: x}\n", "g.yaml line 10: edges[2].target", id="no node"
        ),
        pytest.param(GOOD.replace(b"id: db", b"id: web"), "g.yaml line 5: nodes[1].id", id="twice"),
        pytest.param(GOOD.replace(b"weight: 2", b"weight: -2"), "g.yaml line 8: edges[0].weight", id="neg"),
        pytest.param(GOOD.replace(b"{id: db,", b"{"), "g.yaml line 5: nodes[1]", id="no id"),
        pytest.param(b"nodes: [", "g.yaml line 2", id="not YAML"),
        pytest.param(b"nodes: []", "g.yaml line 1: document", id="no edges"),
    ],
)
def test_a_bad_graph_is_refused_with_line_and_path(data: bytes, where: str) -> None:
    """The error names file, line and the key at fault."""
    with pytest.raises(InputError) as caught:
        parse_graph(data, name="g.yaml")

    assert str(caught.value.field).startswith(where)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file is an input error with the path in it."""
    with pytest.raises(InputError, match="No such file"):
        load_graph(tmp_path / "none.yaml")
