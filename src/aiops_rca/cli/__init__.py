"""`aiops-rca`: serve, correlate, analyze, evaluate, replay, and the artifacts, from a shell.

Each command is a module of its own and imports what it needs when it runs, so that `analyze` and
`evaluate` start without the service's libraries.
"""

from __future__ import annotations

import sys

import click

from aiops_rca import __version__
from aiops_rca.cli.analyze import analyze
from aiops_rca.cli.answer import clean, show
from aiops_rca.cli.artifacts import graph, history
from aiops_rca.cli.correlator import correlator
from aiops_rca.cli.evaluate import evaluate
from aiops_rca.cli.replay import replay
from aiops_rca.cli.serve import serve
from aiops_rca.domain.errors import RcaError


@click.group()
@click.version_option(__version__)
def commands() -> None:
    """Alert correlation and root-cause diagnosis."""


for _command in (serve, correlator, analyze, show, evaluate, replay, graph, history):
    commands.add_command(_command)


def main() -> None:
    """Run a command; an expected error is one line on standard error and exit code 2."""
    try:
        commands()
    except RcaError as error:
        where = clean(error.field or error.code)  # keys and names of hostile files are in both
        click.echo(f"aiops-rca: {where}: {clean(error.message)}", err=True)
        sys.exit(2)
