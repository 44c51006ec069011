"""Read graphs, histories, rankers and runbooks from files.

Every error is an InputError that names file, line and reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from aiops_rca.documents import Document, json_lines, parse
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import NO_HISTORY, IncidentHistory
from aiops_rca.domain.release import Parameters, RankerWeights, Release, RunbookEntry
from aiops_rca.rank.document import read_ranker
from aiops_rca.recall.document import read_history
from aiops_rca.recall.runbook import read_runbook
from aiops_rca.topology.document import read_graph

T = TypeVar("T")
_PACKAGE = Path(__file__).resolve().parents[1]


def digest_of(data: bytes) -> str:
    """SHA-256 of *data* in hex."""
    return hashlib.sha256(data).hexdigest()


def load_graph(path: Path) -> ServiceGraph:
    """Read a service graph from a YAML or JSON file."""
    return parse_graph(read_file(path), name=path.name)


def parse_graph(data: bytes, *, name: str) -> ServiceGraph:
    """Read a service graph from the bytes of a file called *name*."""
    return _checked(parse(data, name=name), lambda content: read_graph(content, digest=digest_of(data)))


def load_history(path: Path) -> IncidentHistory:
    """Read an incident history from a JSON Lines file."""
    return parse_history(read_file(path), name=path.name)


def parse_history(data: bytes, *, name: str) -> IncidentHistory:
    """Read an incident history from the bytes of a file called *name*; named after its digest."""
    try:
        return read_history(json_lines(data), version=digest_of(data)[:12])
    except InputError as error:
        raise InputError(error.message, field=f"{name} {error.field}") from error


def load_ranker(path: Path) -> RankerWeights:
    """Read ranker weights from a YAML file; their version is the digest of the file."""
    data = read_file(path)
    version = digest_of(data)[:12]
    return _checked(parse(data, name=path.name), lambda content: read_ranker(content, version=version))


def load_runbook(path: Path) -> tuple[RunbookEntry, ...]:
    """Read the runbook table from a YAML file."""
    return _checked(parse(read_file(path), name=path.name), read_runbook)


def load_release(
    graph: Path | str,
    *,
    history: Path | str | None = None,
    configs: Path | str | None = None,
    parameters: Parameters | None = None,
) -> Release:
    """Put a release together from files; *configs* is the folder with ranker.yaml and runbook.yaml.

    Without *configs* it is `default_configs()`.
    """
    folder = Path(configs) if configs is not None else default_configs()
    return Release(
        graph=load_graph(Path(graph)),
        history=load_history(Path(history)) if history else NO_HISTORY,
        ranker=load_ranker(folder / "ranker.yaml"),
        runbook=load_runbook(folder / "runbook.yaml"),
        parameters=parameters or Parameters(),
    )


def default_configs() -> Path:
    """The folder `configs` here, else the one that comes with the program, in a source tree or a bento."""
    homes = [Path(), _PACKAGE.parent.parent, _PACKAGE.parent]
    for folder in (home / "configs" for home in homes):
        if (folder / "ranker.yaml").is_file():
            return folder
    raise InputError("no folder configs with a ranker.yaml here; name one", field="configs")


def load_json(path: Path) -> Any:
    """Read one JSON document."""
    return parse(read_file(path), name=path.name).content


def read_json_lines(path: Path) -> Iterator[Any]:
    """Yield the documents of a JSON Lines file, blank lines left out."""
    data = read_file(path)
    try:
        for _, content in json_lines(data):
            yield content
    except InputError as error:
        raise InputError(error.message, field=f"{path.name} {error.field}") from error


def read_file(path: Path) -> bytes:
    """The bytes of a file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", field=str(path)) from error


def _checked(document: Document, read: Callable[[Any], T]) -> T:
    try:
        return read(document.content)
    except InputError as error:
        raise document.located(error) from error
