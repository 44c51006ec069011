"""`aiops-rca analyze`: diagnose a file of alerts without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

import click

from aiops_rca import __version__
from aiops_rca.adapters.files import default_configs, load_release
from aiops_rca.cli.answer import print_answer
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.fingerprint import Ignored
from aiops_rca.ingest.batch import to_alerts
from aiops_rca.pipeline import diagnose
from aiops_rca.report import incident_answer
from aiops_rca.settings import load_settings
from aiops_rca.wire import decode_incident, encode

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--graph", type=_FILE, required=True, help="Service graph (YAML or JSON).")
@click.option("--history", type=_FILE, help="Past incidents (JSON Lines).")
@click.option("--alerts", type=click.File("rb"), required=True, help="A batch as for POST /incident, or -.")
@click.option(
    "--configs", type=_FOLDER, help="Folder with ranker.yaml and runbook.yaml (default: configs, or ours)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def analyze(graph: Path, history: Path | None, alerts: BinaryIO, configs: Path | None, as_json: bool) -> None:
    """Diagnose a batch of alerts and print the answer."""
    configs = configs or default_configs()
    settings = load_settings(configs / "aiops_rca.yaml")
    release = load_release(graph, history=history, configs=configs, parameters=settings.parameters)
    request = decode_incident(alerts.read())
    if not request.alerts:
        raise InputError("alerts must not be empty", field="alerts", code="empty_batch")
    batch = to_alerts(
        request.alerts,
        severities=settings.severities,
        ignore=Ignored(settings.measuring_labels),
    )
    answer = incident_answer(
        diagnose(batch, release, target=request.target),
        alerts=batch,
        release=release,
        target=request.target,
        versions={
            "app": __version__,
            "graph": release.graph.version,
            "history": release.history.version,
            "ranker": release.ranker.version,
        },
    )
    if as_json:
        click.echo(encode(answer).decode())
    else:
        print_answer(json.loads(encode(answer)))
