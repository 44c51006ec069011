"""`aiops-rca replay`: the incidents of a journal, made anew, as JSON lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.times import epoch_ms
from aiops_rca.settings import Settings, load_settings

if TYPE_CHECKING:
    from aiops_rca.adapters.store import Journal
    from aiops_rca.domain.release import Release
    from aiops_rca.live.entry import Entry

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_ALERTS_AT_ONCE = 5_000
_SQLITE = "sqlite:///"


@click.command()
@click.option("--journal", required=True, help="The journal: its file, its state folder, or a database URL.")
@click.option("--until", help="Only what had arrived by then (RFC 3339 or epoch), as it stood then.")
@click.option("--graph", type=_FILE, help="Service graph (default: that of the model store).")
@click.option("--history", type=_FILE, help="Past incidents; with --graph.")
@click.option("--project", type=_FOLDER, default=Path(), help="Folder with configs (default: this one).")
def replay(journal: str, until: str | None, graph: Path | None, history: Path | None, project: Path) -> None:
    """Print every incident of a journal, one JSON document a line, the first one opened first.

    The same journal gives the same bytes on any day: incidents are as they stood when the last entry
    arrived (or at --until), each with all its alerts and one diagnosis.
    """
    from aiops_rca.bootstrap.rules import rules_of
    from aiops_rca.correlator.replaying import Replay

    settings = load_settings(project / "configs" / "aiops_rca.yaml")
    release, versions = _release(project.resolve(), settings, graph, history)
    with _opened(journal) as entries:
        head = entries.head()
        when = _time(until) if until else head.received_at
        found = Replay(_batches(entries, head.seq), rules_of(settings, release), until=when)
    for line in _lines(found, release, versions):
        click.echo(line)


def _lines(found: Any, release: Release, versions: Mapping[str, str]) -> Iterator[bytes]:
    from msgspec.structs import asdict

    from aiops_rca.live.rows import IncidentRow
    from aiops_rca.web import views
    from aiops_rca.wire import encode

    for record in found.incidents():
        shown = asdict(views.item(IncidentRow(record, None, 0)))
        del shown["root_cause"]  # it stands in the diagnosis
        diagnosis = found.diagnosis(record.id, release, versions)
        alerts = [views.alert(row) for row in found.alerts(record.id)]
        yield encode({**shown, "diagnosis": diagnosis, "alerts": alerts})


def _release(
    root: Path, settings: Settings, graph: Path | None, history: Path | None
) -> tuple[Release, Mapping[str, str]]:
    if graph is None and history is not None:
        raise InputError("needs --graph as well", field="--history")
    from aiops_rca.bootstrap.releases import required, versions_of

    if graph is None:
        from aiops_rca.adapters import artifacts

        artifacts.load_as_packed(root)
        return required(root, settings, artifacts.bento_tag(root))
    from aiops_rca.adapters.files import load_release

    release = load_release(graph, history=history, configs=root / "configs", parameters=settings.parameters)
    return release, versions_of(release, None, settings.llm.model)


@contextlib.contextmanager
def _opened(place: str) -> Iterator[Journal]:
    """The journal at *place*, which must be there: nothing is made and nothing is written."""
    from aiops_rca.adapters.store import Journal, open_engine

    engine = open_engine(_url(place))
    try:
        yield Journal(engine)
    finally:
        engine.dispose()


def _url(place: str) -> str:
    from aiops_rca.adapters.store import places
    from aiops_rca.adapters.store.engine import sqlite_url

    if "://" in place and not place.startswith(_SQLITE) and not Path(place).exists():
        try:
            return places(place, Path()).journal_url
        except InputError as error:
            raise InputError("is neither a path nor a PostgreSQL URL", field="--journal") from error
    path = Path(place.removeprefix(_SQLITE))
    path = path / "journal.db" if path.is_dir() else path
    if not path.is_file():
        raise InputError("there is no journal here", field=str(path))
    return sqlite_url(path.resolve())


def _batches(journal: Journal, last: int) -> Iterator[Sequence[Entry]]:
    """Everything up to number *last*, however much is appended meanwhile."""
    after = 0
    while entries := [e for e in journal.read(after, limit=_ALERTS_AT_ONCE) if e.seq <= last]:
        yield entries
        after = entries[-1].seq


def _time(text: str) -> int:
    try:
        return epoch_ms(float(text))
    except ValueError:
        pass
    try:
        return epoch_ms(text)
    except ValueError as error:
        raise InputError(str(error), field="--until") from error
