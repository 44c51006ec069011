"""Service graphs and incident histories as versioned artifacts in the BentoML model store.

Importing checks everything first and writes last, and makes what it was given the newest; other bytes
under a taken version are refused. Loading verifies the digest written at import. Whatever is wrong with
the store is an InputError when importing, an ArtifactError when loading.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import bentoml
import yaml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from bentoml.exceptions import BentoMLException
from bentoml.exceptions import NotFound as ModelNotFound

from aiops_rca.adapters.files import digest_of, parse_graph, parse_history, read_file
from aiops_rca.domain.errors import ArtifactError, InputError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import IncidentHistory
from aiops_rca.settings import NAME_PATTERN

GRAPH = "service_graph"
HISTORY = "incident_history"
T = TypeVar("T")
_LATEST = "latest"  # what BentoML calls the newest, and the file in which it keeps which that is
_MOMENT_SEC = 0.5
# what reading a damaged store throws: BentoML passes on its parsers' own errors
_FAULTS = (BentoMLException, yaml.YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """An artifact's content with the tag it was loaded from and when (epoch UTC)."""

    value: T
    tag: str
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of an import: the tag, whether it was already there, and whether it was the newest."""

    tag: str
    known: bool
    newest: bool
    summary: str


def import_graph(path: Path) -> Imported:
    """Check a graph file and store it as `service_graph:<version>`."""
    data = read_file(path)
    graph = parse_graph(data, name=path.name)
    summary = f"{len(graph.nodes)} nodes, {len(graph.edges)} edges"
    return _store(f"{GRAPH}:{graph.version}", data, path.name, summary)


def import_history(path: Path) -> Imported:
    """Check a history file and store it as `incident_history:<digest>`."""
    data = read_file(path)
    history = parse_history(data, name=path.name)
    summary = f"{len(history.incidents)} incidents"
    return _store(f"{HISTORY}:{history.version}", data, path.name, summary)


def load_graph(alias: str, override: str | None, *, packed: bool = False) -> Loaded[ServiceGraph]:
    """Load the graph pinned under *alias*, or the one *override* names. Raises ArtifactError.

    Only what is not *packed* in a bento may take the newest instead.
    """
    return _load(GRAPH, alias, override, parse_graph, packed=packed)


def load_history(alias: str, override: str | None, *, packed: bool = False) -> Loaded[IncidentHistory]:
    """Load the history pinned under *alias*, or the one *override* names, as `load_graph` does."""
    return _load(HISTORY, alias, override, parse_history, packed=packed)


def bento_tag(root: Path) -> str | None:
    """The tag of the bento whose packed source is *root*; None in a source tree."""
    fields = _descriptor(root)
    return f"{fields['name']}:{fields['version']}" if fields else None


def load_as_packed(root: Path) -> None:
    """Let a process that no server started see what the bento of *root* pins; nothing in a source tree.

    As BentoML itself does it before it serves: the aliases, and the models inside the bento if there are any.
    """
    fields = _descriptor(root)
    if not fields:
        return
    models = fields.get("models") or []
    BentoMLContainer.model_aliases.set({m["alias"]: m["tag"] for m in models if m.get("alias")})
    inside = root.parent / "models"
    if inside.is_dir() and any(inside.iterdir()):
        BentoMLContainer.model_store.set(ModelStore(inside))


def bentoml_home() -> Path:
    """The folder BentoML keeps everything in."""
    return Path(BentoMLContainer.bentoml_home.get())


def _descriptor(root: Path) -> dict[str, Any]:
    """What the bento whose packed source is *root* says of itself; empty in a source tree."""
    descriptor = root.parent / "bento.yaml"
    if root.name != "src" or not descriptor.is_file():
        return {}
    fields: dict[str, Any] = yaml.safe_load(descriptor.read_text(encoding="utf-8"))
    return fields


def _store(tag: str, data: bytes, file: str, summary: str) -> Imported:
    version = tag.partition(":")[2]
    if not re.fullmatch(NAME_PATTERN, version) or version == _LATEST:
        reason = (
            f"version {version!r} cannot name an artifact: use up to 63 of a-z 0-9 . _ -, "
            f"beginning and ending with a letter or digit, and not {_LATEST!r}"
        )
        raise InputError(reason, field=f"{file}: version")
    try:
        known = _written(tag, data, file, summary)
        newest = _make_newest(tag)
    except InputError:
        raise
    except _FAULTS as error:
        raise InputError(_said(error), field=tag) from error
    return Imported(tag, known=known, newest=newest, summary=summary)


def _written(tag: str, data: bytes, file: str, summary: str) -> bool:
    """Write *data* as *tag*; True when it was already there, refused when *tag* holds something else."""
    digest = digest_of(data)
    if _holds(tag, digest, file):
        return True
    metadata = {"sha256": digest, "file": f"content{Path(file).suffix}", "summary": summary}
    try:
        with bentoml.models.create(tag, metadata=metadata) as model:
            Path(model.path_of(str(metadata["file"]))).write_bytes(data)
    except _FAULTS:  # perhaps stored by somebody else in this very moment, or beside a damaged one
        if not _holds(tag, digest, file):
            raise
        return True
    return False


def _holds(tag: str, digest: str, file: str) -> bool:
    try:
        known = _exact(tag)
    except _FAULTS:  # perhaps not damaged, but being written by another import: look again
        time.sleep(_MOMENT_SEC)
        known = _exact(tag)
    if known is not None and known.info.metadata.get("sha256") != digest:
        raise InputError(
            f"{tag} exists with other content: change `version:` in the file", field=f"{file}: version"
        )
    return known is not None


def _make_newest(tag: str) -> bool:
    """Let BentoML's pointer to the newest name *tag*; True when it did.

    It is replaced whole, so that no reader sees half of it.
    """
    model = _exact(tag)
    if model is None:
        raise InputError("is gone from the model store", field=tag)
    pointer = Path(model.path).parent / _LATEST
    if pointer.is_file() and pointer.read_text(encoding="utf-8").strip() == model.tag.version:
        return True
    fresh = pointer.with_name(f".{_LATEST}-{os.getpid()}")
    fresh.write_text(str(model.tag.version), encoding="utf-8")
    fresh.replace(pointer)
    return False


def _exact(tag: str) -> bentoml.Model | None:
    """The model called *tag* to the letter; `get` would also take a unique prefix."""
    found = bentoml.models.list(tag)
    return _whole(found[0]) if found else None


def _whole(model: bentoml.Model) -> bentoml.Model:
    folder = Path(model.path)
    if (folder.parent.name, folder.name) != (model.tag.name, model.tag.version):
        raise BentoMLException(f"{folder.parent.name}:{folder.name} calls itself {model.tag}")
    return model


def _said(error: Exception) -> str:
    return f"the model store is damaged here ({type(error).__name__}: {error})"


def _load(name: str, alias: str, override: str | None, parse: Callable[..., T], *, packed: bool) -> Loaded[T]:
    if override is not None and not override.startswith(f"{name}:"):
        raise ArtifactError(f"{override!r} is not a {name} tag", field=name)
    try:
        model = _exact(override) if override else _pinned(name, alias, packed=packed)
    except _FAULTS as error:
        raise ArtifactError(f"{override or name}: {_said(error)}", field=name) from error
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


def _pinned(name: str, alias: str, *, packed: bool) -> bentoml.Model | None:
    """The model the bento pins under *alias*, to the letter; in a source tree the newest one."""
    tag = BentoMLContainer.model_aliases.get().get(alias)
    if tag and not tag.endswith(f":{_LATEST}"):
        if not tag.startswith(f"{name}:"):
            raise ArtifactError(f"the bento's {alias} is {tag}, not a {name}", field=name)
        model = _exact(tag)
        if model is None:
            raise ArtifactError(f"{tag}, which the bento pins, is not in the model store", field=name)
        return model
    if packed:
        raise ArtifactError(f"the bento pins no model as {alias}", field=name)
    try:
        return _whole(bentoml.models.get(f"{name}:{_LATEST}"))
    except ModelNotFound:
        return None
