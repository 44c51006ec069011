"""Every test of the store runs on SQLite and on PostgreSQL, on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aiops_rca.adapters.store import places
from postgres import Postgres
from stored import Database, opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; skips where there is none."""
    try:
        server = Postgres()
    except FileNotFoundError:
        pytest.skip("PostgreSQL is not installed")
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """The setting `live.database_url`: None, or a new database of the server."""
    if request.param == "sqlite":
        return None
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def database(database_url: str | None, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of either kind."""
    made = opened(places(database_url, tmp_path / "state"))
    yield made
    made.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database."""
    made = opened(places(None, tmp_path / "state"))
    yield made
    made.close()
