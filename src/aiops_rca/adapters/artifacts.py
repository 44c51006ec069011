"""Service graphs and incident histories as versioned artifacts in the BentoML model store.

Importing checks everything first and writes last; the same bytes again change nothing, other bytes
under a taken version are refused. Loading verifies the digest written at import.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

import bentoml
import yaml
from bentoml.exceptions import BentoMLException
from bentoml.exceptions import NotFound as ModelNotFound

from aiops_rca.adapters.files import digest_of, parse_graph, parse_history
from aiops_rca.domain.errors import ArtifactError, InputError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import IncidentHistory

GRAPH = "service_graph"
HISTORY = "incident_history"
T = TypeVar("T")
_VERSION = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """An artifact's content with the tag it was loaded from and when (epoch UTC)."""

    value: T
    tag: str
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of an import: the tag, and whether it was already there."""

    tag: str
    known: bool
    summary: str


def import_graph(path: Path) -> Imported:
    """Check a graph file and store it as `service_graph:<version>`."""
    data = _read(path)
    graph = parse_graph(data, name=path.name)
    summary = f"{len(graph.nodes)} nodes, {len(graph.edges)} edges"
    return _store(f"{GRAPH}:{graph.version}", data, path.name, summary)


def import_history(path: Path) -> Imported:
    """Check a history file and store it as `incident_history:<digest>`."""
    data = _read(path)
    history = parse_history(data, name=path.name)
    summary = f"{len(history.incidents)} incidents"
    return _store(f"{HISTORY}:{history.version}", data, path.name, summary)


def load_graph(alias: str, override: str | None) -> Loaded[ServiceGraph]:
    """Load the graph pinned under *alias*, or the one *override* names. Raises ArtifactError."""
    return _load(GRAPH, alias, override, parse_graph)


def load_history(alias: str, override: str | None) -> Loaded[IncidentHistory]:
    """Load the history pinned under *alias*, or the one *override* names. Raises ArtifactError."""
    return _load(HISTORY, alias, override, parse_history)


def bento_tag(root: Path) -> str | None:
    """The tag of the bento whose packed source is *root*; None in a source tree."""
    descriptor = root.parent / "bento.yaml"
    if root.name != "src" or not descriptor.is_file():
        return None
    fields = yaml.safe_load(descriptor.read_text(encoding="utf-8"))
    return f"{fields['name']}:{fields['version']}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", field=str(path)) from error


def _store(tag: str, data: bytes, file: str, summary: str) -> Imported:
    version, digest = tag.partition(":")[2], digest_of(data)
    if not _VERSION.fullmatch(version):
        reason = (
            f"version {version!r} cannot name an artifact: use up to 63 of a-z 0-9 . _ -, "
            "beginning and ending with a letter or digit"
        )
        raise InputError(reason, field=f"{file}: version")
    done = _already(tag, digest, file, summary)
    if done is not None:
        return done
    metadata = {"sha256": digest, "file": f"content{Path(file).suffix}", "summary": summary}
    try:
        with bentoml.models.create(tag, metadata=metadata) as model:
            Path(model.path_of(str(metadata["file"]))).write_bytes(data)
    except BentoMLException:  # somebody else may have stored it in this very moment
        done = _already(tag, digest, file, summary)
        if done is None:
            raise
        return done
    return Imported(tag, known=False, summary=summary)


def _already(tag: str, digest: str, file: str, summary: str) -> Imported | None:
    """The outcome when *tag* is taken: a no-op for the same bytes, refused for others."""
    known = _exact(tag)
    if known is None:
        return None
    if known.info.metadata.get("sha256") != digest:
        raise InputError(f"{tag} exists with other content", field=f"{file}: version")
    return Imported(tag, known=True, summary=summary)


def _exact(tag: str) -> bentoml.Model | None:
    """The model called *tag* to the letter; the store alone would also take a unique prefix."""
    try:
        model = bentoml.models.get(tag)
    except ModelNotFound:
        return None
    return model if str(model.tag) == tag else None


def _load(name: str, alias: str, override: str | None, parse: Callable[..., T]) -> Loaded[T]:
    if override is not None and not override.startswith(f"{name}:"):
        raise ArtifactError(f"{override!r} is not a {name} tag", field=name)
    model = _exact(override) if override else _pinned(name, alias)
    if model is None:
        raise ArtifactError(f"{override or name} is not in the model store", field=name)
    file = Path(model.path_of(str(model.info.metadata.get("file", "content"))))
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{model.tag}: {error.strerror}", field=name) from error
    if digest_of(data) != model.info.metadata.get("sha256"):
        raise ArtifactError(f"{model.tag}: the content is not what was imported", field=name)
    try:
        return Loaded(parse(data, name=file.name), str(model.tag), datetime.now(UTC))
    except InputError as error:
        raise ArtifactError(f"{model.tag}: {error.field}: {error.message}", field=name) from error


def _pinned(name: str, alias: str) -> bentoml.Model | None:
    """The model the bento pins under *alias*; outside a bento the newest one."""
    for tag in (alias, f"{name}:latest"):
        try:
            model = bentoml.models.get(tag)
        except (ModelNotFound, BentoMLException):
            continue
        if model.tag.name == name:
            return model
    return None
