"""Labelled cases from files: JSON Lines of cases, and the folder of the graphs they name.

Raises InputError naming file, case and field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from aiops_rca.adapters.files import load_graph, read_json_lines
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.ingest.batch import read_alerts
from aiops_rca.learn import Case
from aiops_rca.wire import convert

HOST = "host"
Name = Annotated[str, msgspec.Meta(min_length=1)]


class _RootIn(msgspec.Struct):
    service: Name


class _CaseIn(msgspec.Struct):
    dataset: Name
    case_id: Name
    graph: Name
    alerts: list[Any]
    root_cause: _RootIn
    target: str | None = None


def load_cases(files: Sequence[Path], folder: Path, *, hosts: bool) -> tuple[Case, ...]:
    """Read the cases of *files*, in order; *folder* holds the graphs they name.

    Without *hosts*, cases with a host as root cause are left out, and hosts are left out of graphs
    and alerts.
    """
    graphs: dict[str, ServiceGraph] = {}
    read = [case for file in files for case in _read(file, folder, graphs)]
    if hosts:
        return tuple(read)
    known = {id(graph): without_hosts(graph) for graph in graphs.values()}
    return tuple(_hostless(case, known[id(case.graph)]) for case in read if not has_host_root(case))


def without_hosts(graph: ServiceGraph) -> ServiceGraph:
    """Return *graph* without its hosts and their edges."""
    nodes = {name: node for name, node in graph.nodes.items() if node.kind != HOST}
    edges = tuple(e for e in graph.edges if e.source in nodes and e.target in nodes)
    return ServiceGraph(graph.version, graph.source, nodes, edges)


def has_host_root(case: Case) -> bool:
    """Tell whether what failed was a host."""
    return case.graph.kind_of(case.root) == HOST


def _hostless(case: Case, graph: ServiceGraph) -> Case:
    alerts = tuple(a for a in case.alerts if case.graph.kind_of(a.service) != HOST)
    return Case(case.dataset, case.case_id, graph, alerts, case.root, case.target)


def _read(file: Path, folder: Path, graphs: dict[str, ServiceGraph]) -> Iterator[Case]:
    for position, row in enumerate(read_json_lines(file), 1):
        try:
            yield _case(row, folder, graphs)
        except InputError as error:
            field = f"{file.name} case {position}: {error.field}"
            raise InputError(error.message, field=field) from error


def _case(row: Mapping[str, Any], folder: Path, graphs: dict[str, ServiceGraph]) -> Case:
    read = convert(row, _CaseIn, whole="case")
    if read.graph not in graphs:
        graphs[read.graph] = load_graph(folder / read.graph)
    return Case(
        read.dataset,
        read.case_id,
        graphs[read.graph],
        tuple(alert for alert in read_alerts(read.alerts) if not alert.resolved),
        read.root_cause.service,
        read.target,
    )
