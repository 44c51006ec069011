"""Read graphs, histories, rankers and runbooks from files.

Every error is an InputError that names file, line and reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import NO_HISTORY, IncidentHistory
from aiops_rca.domain.release import Parameters, RankerWeights, Release, RunbookEntry
from aiops_rca.rank.document import read_ranker
from aiops_rca.recall.document import read_history
from aiops_rca.recall.runbook import read_runbook
from aiops_rca.topology.document import read_graph

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def digest_of(data: bytes) -> str:
    """SHA-256 of *data* in hex."""
    return hashlib.sha256(data).hexdigest()


def load_graph(path: Path) -> ServiceGraph:
    """Read a service graph from a YAML or JSON file."""
    return parse_graph(_read(path), name=path.name)


def parse_graph(data: bytes, *, name: str) -> ServiceGraph:
    """Read a service graph from the bytes of a file called *name*."""
    document = _parse(data, name)
    try:
        return read_graph(document, digest=digest_of(data))
    except InputError as error:
        raise _located(error, data, name) from error


def load_history(path: Path) -> IncidentHistory:
    """Read an incident history from a JSON Lines file."""
    return parse_history(_read(path), name=path.name)


def parse_history(data: bytes, *, name: str) -> IncidentHistory:
    """Read an incident history from the bytes of a file called *name*; named after its digest."""
    try:
        return read_history(_json_lines(data, name), version=digest_of(data)[:12])
    except InputError as error:
        if str(error.field).startswith(name):
            raise
        raise InputError(error.message, field=f"{name} {error.field}") from error


def load_ranker(path: Path) -> RankerWeights:
    """Read ranker weights from a YAML file; their version is the digest of the file."""
    data = _read(path)
    return read_ranker(_parse(data, path.name), version=digest_of(data)[:12])


def load_runbook(path: Path) -> tuple[RunbookEntry, ...]:
    """Read the runbook table from a YAML file."""
    return read_runbook(_parse(_read(path), path.name))


def load_release(
    graph: Path | str,
    *,
    history: Path | str | None = None,
    configs: Path | str = "configs",
    parameters: Parameters | None = None,
) -> Release:
    """Put a release together from files; *configs* is the folder with ranker.yaml and runbook.yaml."""
    return Release(
        graph=load_graph(Path(graph)),
        history=load_history(Path(history)) if history else NO_HISTORY,
        ranker=load_ranker(Path(configs) / "ranker.yaml"),
        runbook=load_runbook(Path(configs) / "runbook.yaml"),
        parameters=parameters or Parameters(),
    )


def load_json(path: Path) -> Any:
    """Read one JSON document."""
    return _parse(_read(path), path.name)


def read_json_lines(path: Path) -> Iterator[Any]:
    """Yield the documents of a JSON Lines file, blank lines left out."""
    for _, row in _json_lines(_read(path), path.name):
        yield row


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", field=str(path)) from error


def _json_lines(data: bytes, name: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise InputError(f"not JSON: {error}", field=f"{name} line {number}") from error


def _parse(data: bytes, name: str) -> Any:
    try:
        return json.loads(data) if name.endswith(".json") else yaml.load(data, _LOADER)  # noqa: S506 - a safe loader
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", field=f"{name} line {error.lineno}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise InputError(f"not YAML: {reason}", field=f"{name}{line}") from error


def _located(error: InputError, data: bytes, name: str) -> InputError:
    """*error* with the line of the file its path points at."""
    node = yaml.compose(data, _LOADER)
    line = 1
    for part in str(error.field).replace("]", "").replace("[", ".").split("."):
        child = _child(node, part)
        if child is None:
            break
        node, line = child, child.start_mark.line + 1
    return InputError(error.message, field=f"{name} line {line}: {error.field}")


def _child(node: Any, part: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((v for k, v in node.value if k.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        return node.value[int(part)]
    return None
