"""Where a process keeps its state, the same for a worker and for the correlator beside it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from aiops_rca.adapters import artifacts
from aiops_rca.adapters.store import migrate, open_engine, places
from aiops_rca.settings import Settings


class Databases:
    """Journal and incidents of a project in *root*; opened cheaply, made ready by `prepare`."""

    def __init__(self, root: Path, settings: Settings, *, packed: bool) -> None:
        live = settings.live
        url = live.database_url.get_secret_value() if live.database_url else None
        self.folder = state_folder(root, settings, packed=packed)
        where = places(url, self.folder)
        self.embedded = url is None
        self.journal: Engine = open_engine(where.journal_url, max_bytes=live.journal_max_bytes)
        self.incidents: Engine = open_engine(where.incidents_url, derived=True)

    def prepare(self) -> None:
        """Bring both to the tables of today. Raises RcaError "full" when one cannot be used now.

        Each is tried whatever became of the other: a database without tables is a fault, not a wait.
        """
        try:
            migrate(self.journal, "journal")
        finally:
            migrate(self.incidents, "incidents")

    def close(self) -> None:
        """Close every connection."""
        self.journal.dispose()
        self.incidents.dispose()


def state_folder(root: Path, settings: Settings, *, packed: bool) -> Path:
    """The folder of the embedded databases.

    A relative one lies in the project, but not in a bento, which is never written to: there it lies
    under BENTOML_HOME.
    """
    return (artifacts.bentoml_home() if packed else root) / Path(settings.state_dir).expanduser()
