"""`aiops-rca correlator`: makes incidents of what the webhooks brought, until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click

from aiops_rca.domain.errors import RcaError

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
    from aiops_rca.adapters import log
    from aiops_rca.adapters.supervise import end_with_parent
    from aiops_rca.bootstrap.correlator import correlate_forever

    log.set_up("info")  # until the settings say otherwise
    log.note_uncaught()
    stop = threading.Event()
    if while_stdin:
        end_with_parent(stop.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
    try:
        correlate_forever(project.resolve(), stop, beside=while_stdin)
    except RcaError as error:
        if not while_stdin:  # a person reads it
            raise
        event = {"field": error.field, "reason": error.message}
        logging.getLogger("aiops_rca.correlator").critical("cannot begin", extra={"event": event})
        sys.exit(2)
