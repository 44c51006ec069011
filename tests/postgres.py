"""A real PostgreSQL server in a folder of its own, run by a user without rights where tests run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_OWNER = "nobody"
_OPTIONS = "-c listen_addresses='' -c fsync=off -c max_connections=60"


class Postgres:
    """One server on a socket in its folder. Raises FileNotFoundError where PostgreSQL is not installed."""

    def __init__(self) -> None:
        found = shutil.which("pg_ctl")
        if not found and not _BINARIES:
            raise FileNotFoundError("pg_ctl")
        self._binaries = Path(found).resolve().parent if found else _BINARIES[-1]
        self.folder = Path(tempfile.mkdtemp(prefix="rca-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, _OWNER)
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "rca", "-A", "trust", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        options = f"{_OPTIONS} -c unix_socket_directories={self.folder}"
        self._ctl("start", "-w", "-l", f"{self.folder}/log", "-o", options)

    def stop(self) -> None:
        """Stop it as a power cut would."""
        self._ctl("stop", "-m", "immediate")

    def remove(self) -> None:
        """Stop it and remove what it has kept."""
        self.stop()
        shutil.rmtree(self.folder)

    def database(self) -> str:
        """The URL of an empty database; what the one before held is gone."""
        url = f"postgresql+psycopg://rca@/postgres?host={self.folder}"
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
        return url

    def _ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # a server keeps what it inherits open: pipes would never end
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            cwd=self.folder,
            user=_OWNER if os.geteuid() == 0 else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
