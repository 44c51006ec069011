"""`aiops-rca graph import` and `aiops-rca history import`: files into the model store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def graph() -> None:
    """Service graphs in the model store."""


@click.group()
def history() -> None:
    """Incident histories in the model store."""


@graph.command("import")
@click.argument("file", type=_FILE)
def import_graph(file: Path) -> None:
    """Check FILE (YAML or JSON) and store it as service_graph:<version>."""
    from aiops_rca.adapters import artifacts

    _report(artifacts.import_graph, file)


@history.command("import")
@click.argument("file", type=_FILE)
def import_history(file: Path) -> None:
    """Check FILE (JSON Lines) and store it as incident_history:<digest>."""
    from aiops_rca.adapters import artifacts

    _report(artifacts.import_history, file)


def _report(store: Callable[[Path], Any], file: Path) -> None:
    done = store(file)
    state = "already there" if done.known else "imported"
    if done.known and not done.newest:
        state += ", now the newest again"
    click.echo(f"{done.tag} {state} ({done.summary})")
