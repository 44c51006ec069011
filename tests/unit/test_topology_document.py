"""Graph files: what is read, what is refused and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aiops_rca.adapters.files import load_graph, load_ranker, load_runbook, parse_graph
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
    one = parse_graph(b'{"nodes":[{"id":"a"}],"edges":[]}', name="g.json")
    two = parse_graph(b'{"nodes":[{"id":"a"}], "edges":[]}', name="g.json")

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
        pytest.param(GOOD.replace(b"{id: db,", b"{"), "g.yaml line 5: nodes[1].id", id="no id"),
        pytest.param(b"nodes: [", "g.yaml line 2", id="not YAML"),
        pytest.param(b"nodes: []", "g.yaml line 1: edges", id="no edges"),
        pytest.param(b"- 1", "g.yaml line 1: document", id="a list"),
        pytest.param(b"edges: []\nnodes: []", "g.yaml line 2: nodes: a graph needs", id="no nodes"),
        pytest.param(GOOD.replace(b"g-7", b"1.10"), "g.yaml line 2: version: not a text: put", id="number"),
        pytest.param(GOOD.replace(b"kind: database", b"id: x"), "g.yaml line 5: key 'id' st", id="key twice"),
    ],
)
def test_a_bad_graph_is_refused_with_line_and_path(data: bytes, where: str) -> None:
    """The error names file, line and the key at fault."""
    with pytest.raises(InputError) as caught:
        parse_graph(data, name="g.yaml")

    assert str(caught.value).startswith(where)


@pytest.mark.parametrize(
    ("node", "field"),
    [
        ('{"id": "a\\ud800"}', "nodes[0].id"),
        ('{"id": "a", "owner": "\\udfff"}', "nodes[0].owner"),
        ('{"id": "a", "runbook": "\\ud800x"}', "nodes[0].runbook"),
    ],
)
def test_half_of_a_surrogate_pair_is_no_text(node: str, field: str) -> None:
    """What no answer could be written with is refused when it comes in."""
    with pytest.raises(InputError, match="surrogate") as caught:
        parse_graph(f'{{"edges": [],\n"nodes": [{node}]}}'.encode(), name="g.json")

    assert caught.value.field == f"g.json line 2: {field}"


@pytest.mark.parametrize("written", ["2026-06", "2026-06-01", '"1.10"', "shop-1"])
def test_a_version_is_what_is_written(written: str) -> None:
    """A date is no date here, and 1.10 in quotes is not 1.1."""
    data = GOOD.replace(b"g-7", written.encode())

    assert parse_graph(data, name="g.yaml").version == written.strip('"')


@pytest.mark.parametrize(
    ("load", "text", "field"),
    [
        (load_ranker, "weights: {}\ntemperature: cold\n", "its.yaml line 2: temperature"),
        (load_runbook, "entries:\n  - node_kind: 7\n", "its.yaml line 2: entries[0].node_kind"),
    ],
)
def test_a_bad_ranker_or_runbook_is_named_with_file_and_line(
    tmp_path: Path, load: Callable[[Path], object], text: str, field: str
) -> None:
    """The other files of a release say where they are wrong, too."""
    file = tmp_path / "its.yaml"
    file.write_text(text)

    with pytest.raises(InputError) as caught:
        load(file)

    assert caught.value.field == field


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file is an input error with the path in it."""
    with pytest.raises(InputError, match="No such file"):
        load_graph(tmp_path / "none.yaml")
