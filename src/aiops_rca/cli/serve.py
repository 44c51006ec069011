"""`aiops-rca serve`: the service from a source tree, one worker, until it is told to stop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from aiops_rca.domain.errors import InputError
from aiops_rca.settings import CONFIG_VARIABLE, load_settings

_LEVELS = click.Choice(["debug", "info", "warning", "error"])
_DRAIN_SEC = 20


@click.command()
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A settings file."
)
@click.option("--host", help="Address to listen on (default: server.host, 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (default: server.port, 3000).")
@click.option("--log-level", type=_LEVELS, help="What to log (default: log.level, info).")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Folder with service.py (default: this one).",
)
def serve(
    config: Path | None, host: str | None, port: int | None, log_level: str | None, project: Path
) -> None:
    """Serve POST /incident and the information pages."""
    if not (project / "service.py").is_file():
        raise InputError("no service.py in this folder", field=str(project.resolve()))
    named = config or os.environ.get(CONFIG_VARIABLE)
    given = {
        CONFIG_VARIABLE: str(Path(named).resolve()) if named else None,  # the server runs in *project*
        "AIOPS_SERVER_HOST": host,
        "AIOPS_SERVER_PORT": str(port) if port else None,
        "AIOPS_LOG_LEVEL": log_level,
    }
    environ = os.environ | {name: value for name, value in given.items() if value}
    from aiops_rca.adapters.notify import targets

    settings = load_settings(project / "configs" / "aiops_rca.yaml", environ)
    targets(settings.notify)  # a bad URL is one line here, and a traceback from the server
    server = settings.server
    environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
    command = [
        *(sys.executable, "-m", "bentoml", "serve", "."),
        *("--host", server.host, "--port", str(server.port)),
        *("--timeout-graceful-shutdown", str(_DRAIN_SEC)),
    ]
    os.chdir(project)
    os.execve(sys.executable, command, environ)  # noqa: S606 - our own command, no shell
