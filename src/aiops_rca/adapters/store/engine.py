"""Databases: where they lie, how they are opened, and what their failures are called.

SQLite runs in WAL mode, the journal with synchronous=FULL: a commit that returned survives a power cut;
PostgreSQL by its own rules. A failure of the driver is an RcaError: "not_ready" inside `reading`, "full"
inside `writing`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aiops_rca.domain.errors import InputError, RcaError

_WRITES = "aiops_writes"
_WAIT_SEC = 10.0  # for another process's lock
_WAL_KEPT_BYTES = 64 * 1024 * 1024
_CACHE_KIB = 8 * 1024  # of each connection
_POOL: dict[str, Any] = {"pool_size": 5, "max_overflow": 5, "pool_timeout": _WAIT_SEC}
_PSYCOPG = "postgresql+psycopg"
_FAULTS_OF_OURS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
# A server that hangs must fail a commit within seconds: the sender is told 503 and comes again.
_POSTGRES_ARGUMENTS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "tcp_user_timeout": 10_000,
    "options": "-c synchronous_commit=on",
}


class Places(NamedTuple):
    """The URLs of the two databases; on PostgreSQL they are one."""

    journal_url: str
    incidents_url: str


def places(database_url: str | None, state_dir: Path) -> Places:
    """Where journal and incidents are kept: in PostgreSQL where a URL is given, else in *state_dir*."""
    if database_url:
        shared = _postgres_url(database_url).render_as_string(hide_password=False)
        return Places(shared, shared)
    return Places(sqlite_url(state_dir / "journal.db"), sqlite_url(state_dir / "incidents.db"))


def open_engine(url: str, *, max_bytes: int | None = None, derived: bool = False) -> Engine:
    """Open a database; *max_bytes* caps the file of an SQLite one.

    What is *derived* from the journal may lose its last commits in a power cut (never in a crash): they
    are made again from where it stands then, and the disk is left to the journal.
    Nothing is connected yet, only the folder of an SQLite file is made, for its owner alone. Raises
    InputError when it cannot be.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            parsed, paramstyle="format", pool_pre_ping=True, connect_args=_POSTGRES_ARGUMENTS, **_POOL
        )
    _make_folder(Path(parsed.database or "").parent)
    engine = create_engine(parsed, connect_args={"timeout": _WAIT_SEC}, **_POOL)
    event.listen(engine, "connect", lambda connection, _: _prepare(connection, max_bytes, derived=derived))
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One view of the database: what others write meanwhile is not seen, however much is read."""
    with _failing_as("not_ready"), engine.connect() as connection:
        if not is_sqlite(engine):  # whose transactions are like that anyway
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: kept whole on leaving, or not at all."""
    with (
        _failing_as("full"),
        engine.connect() as connection,
        connection.execution_options(**{_WRITES: True}).begin(),
    ):
        yield connection


def is_sqlite(engine: Engine) -> bool:
    """Whether *engine* is the embedded database."""
    return engine.dialect.name == "sqlite"


@contextmanager
def _failing_as(code: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if _is_ours(error):
            raise
        message = f"the database cannot be used now: {_reason(error)}"
        raise RcaError(message, code=code) from error


def _is_ours(error: SQLAlchemyError) -> bool:
    """Whether the statement was wrong, not the database: trying again would never help."""
    if isinstance(error, _FAULTS_OF_OURS):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else None
    return isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR


def _reason(error: SQLAlchemyError) -> str:
    """What went wrong, without what a server's message may tell of hosts and users."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}", field="state_dir") from error


def _prepare(connection: Any, max_bytes: int | None, *, derived: bool) -> None:
    connection.isolation_level = None  # the driver opens no transactions of its own: `_begin` does
    _switch_to_wal(connection)
    connection.execute(f"PRAGMA synchronous={'NORMAL' if derived else 'FULL'}")
    connection.execute(f"PRAGMA journal_size_limit={_WAL_KEPT_BYTES}")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    if max_bytes is not None:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA max_page_count={max_bytes // page_bytes}")


def _switch_to_wal(connection: Any) -> None:
    """Processes that start together get in each other's way here, and SQLite's own waiting does not help."""
    give_up_at = time.monotonic() + _WAIT_SEC
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    # A writer that begins as a reader may find on its first write that another was faster, and fail.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def sqlite_url(path: Path) -> str:
    """The URL of the SQLite file at *path*, whatever characters its name has."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def _postgres_url(text: str) -> URL:
    """Any usual spelling of a PostgreSQL URL, for the driver that is installed."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise InputError("is not a database URL", field="live.database_url") from error
    if url.drivername not in {"postgresql", "postgres", _PSYCOPG}:
        raise InputError("must be a PostgreSQL URL; leave it out for SQLite", field="live.database_url")
    return url.set(drivername=_PSYCOPG)
