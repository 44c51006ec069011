"""Opening databases: where they lie, what makes a commit durable, and how they get their tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from aiops_rca.adapters.store import Journal, migrate, open_engine, places
from aiops_rca.adapters.store.engine import reading
from aiops_rca.adapters.store.migrating import Which, version_table
from aiops_rca.adapters.store.tables import INCIDENTS, JOURNAL
from aiops_rca.domain.errors import InputError
from stored import Database, draft

_MIGRATES = """
import sys
from pathlib import Path
from aiops_rca.adapters.store import migrate, open_engine, places
where = places(sys.argv[1] or None, Path(sys.argv[2]))
sys.stdin.readline()
migrate(open_engine(where.journal_url), "journal")
migrate(open_engine(where.incidents_url), "incidents")
"""


def test_sqlite_keeps_two_files_in_the_state_folder(tmp_path: Path) -> None:
    """Without a URL journal and incidents are files of their own."""
    folder = tmp_path / "a folder"

    assert places(None, folder) == (f"sqlite:///{folder}/journal.db", f"sqlite:///{folder}/incidents.db")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgres_keeps_both_in_one_database(scheme: str, tmp_path: Path) -> None:
    """Every usual spelling of the URL leads to the driver that is installed; the password survives."""
    url = "postgresql+psycopg://rca:p%40ss@db.example:5433/incidents"

    assert places(f"{scheme}://rca:p%40ss@db.example:5433/incidents", tmp_path) == (url, url)


@pytest.mark.parametrize(
    "url", ["mysql://host/db", "sqlite:///x.db", "postgresql+asyncpg://host/db", "nonsense"]
)
def test_another_database_is_refused(url: str, tmp_path: Path) -> None:
    """The setting at fault is named."""
    with pytest.raises(InputError) as caught:
        places(url, tmp_path)

    assert caught.value.field == "live.database_url"


def test_the_state_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    """A journal holds what senders say: nobody else on the machine may read it."""
    open_engine(places(None, tmp_path / "deep" / "state").journal_url)

    assert (tmp_path / "deep" / "state").stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file where the folder should be is an error about the setting."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken/state cannot be made") as caught:
        open_engine(places(None, tmp_path / "taken" / "state").journal_url)

    assert caught.value.field == "state_dir"


def test_a_folder_with_odd_characters_works(tmp_path: Path) -> None:
    """Spaces, percent signs and question marks in a path are just characters."""
    engine = open_engine(places(None, tmp_path / "50% of (a) #1?x=y").journal_url)
    migrate(engine, "journal")

    assert Journal(engine).append([draft()]) == 1
    assert (tmp_path / "50% of (a) #1?x=y" / "journal.db").is_file()


@pytest.mark.parametrize(("pragma", "expected"), [("journal_mode", "wal"), ("synchronous", 2)])
def test_every_sqlite_connection_commits_durably(sqlite: Database, pragma: str, expected: object) -> None:
    """WAL with synchronous=FULL (2), on the first connection and on others beside it."""
    with sqlite.journal_engine.connect() as one, sqlite.journal_engine.connect() as other:
        found = [c.exec_driver_sql(f"PRAGMA {pragma}").scalar() for c in (one, other)]

    assert found == [expected, expected]


def test_postgres_commits_durably(database: Database) -> None:
    """Whatever the server's default is, a commit waits for the disk."""
    if database.journal_engine.dialect.name == "sqlite":
        return
    with database.journal_engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


@pytest.mark.parametrize(("which", "metadata"), [("journal", JOURNAL), ("incidents", INCIDENTS)])
def test_migrations_lead_to_the_tables_of_today(database: Database, which: Which, metadata: MetaData) -> None:
    """What Alembic would generate from here is nothing."""
    engine = database.journal_engine if which == "journal" else database.incidents_engine

    assert differences(engine, which, metadata) == []


def differences(engine: Engine, which: Which, metadata: MetaData) -> list[Any]:
    """What of *metadata* the database lacks or has otherwise."""
    options = {
        "version_table": version_table(which),
        "include_name": lambda name, kind, _parents: kind != "table" or name in metadata.tables,
        "compare_type": True,
    }
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def test_a_missing_column_would_be_noticed(sqlite: Database) -> None:
    """The comparison above sees a difference when there is one."""
    with sqlite.journal_engine.begin() as connection:
        connection.execute(text("ALTER TABLE quarantine DROP COLUMN reason"))

    assert len(differences(sqlite.journal_engine, "journal", JOURNAL)) == 1


def test_partial_indexes_are_made(database: Database) -> None:
    """Alembic does not compare conditions: the indexes of what is live and unfinished have theirs."""
    with database.incidents_engine.connect() as connection:
        made = {
            index["name"]: next(iter(index["dialect_options"].values()), None)
            for table in ("alerts", "incidents")
            for index in inspect(connection).get_indexes(table)
            if index.get("dialect_options")
        }

    conditions = {name: str(condition) for name, condition in made.items() if isinstance(name, str)}
    assert {*conditions} >= {"alerts_live", "incidents_live", "incidents_unfinished"}
    assert "open" in conditions["incidents_unfinished"]


def test_a_reading_sees_one_state(database: Database) -> None:
    """What is appended in the middle of it is seen by the next one."""
    database.journal.append([draft(1)])
    count = text("SELECT count(*) FROM journal")
    with reading(database.journal_engine) as connection:
        before = connection.execute(count).scalar()
        database.journal.append([draft(2)])
        after = connection.execute(count).scalar()

    assert (before, after, database.journal.head().entries) == (1, 1, 2)


def test_migrating_again_changes_nothing(database: Database) -> None:
    """What is there stays there."""
    database.journal.append([draft()])
    migrate(database.journal_engine, "journal")

    assert database.journal.head().seq == 1


def test_processes_that_start_together_take_turns(database_url: str | None, tmp_path: Path) -> None:
    """Four processes migrate one new database at the same moment, and all of them succeed."""
    command = [sys.executable, "-c", _MIGRATES, database_url or "", str(tmp_path / "state")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    ended = [(process.communicate(timeout=60)[1].decode(), process.returncode) for process in processes]

    assert ended == 4 * [("", 0)]


def test_a_fault_of_ours_is_no_full_disk(database: Database) -> None:
    """A statement that no database could run is raised as what it is: 503 would hide it for ever."""
    with database.journal_engine.begin() as connection:
        connection.execute(text("DROP TABLE quarantine"))
    with pytest.raises(DBAPIError, match="quarantine"):
        database.journal.quarantine()
