"""`aiops-rca correlator`: makes incidents of what the webhooks brought, until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click

_PROJECT = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--project", type=_PROJECT, default=Path(), help="Folder with service.py and configs (default: this one)."
)
@click.option(
    "--while-stdin",
    is_flag=True,
    help="End when standard input closes, as the service wants it of the one beside it.",
)
def correlator(project: Path, while_stdin: bool) -> None:
    """Fold the journal into incidents, diagnose them, tell people."""
    from aiops_rca.adapters.supervise import end_with_parent
    from aiops_rca.bootstrap.correlator import correlate_forever

    stop = threading.Event()
    if while_stdin:
        end_with_parent(stop.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
    correlate_forever(project.resolve(), stop)
