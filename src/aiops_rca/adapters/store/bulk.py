"""Many rows in one statement, as fast as the driver goes: SQL is made once, rows go in as plain tuples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

Row = tuple[Any, ...]


def insert(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Add *rows*, whose values stand in the order of *columns*."""
    _run(connection, _insert(connection.dialect, table, columns), rows)


def upsert(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Add *rows*; where the primary key is there already, replace the given columns."""
    _run(connection, _upsert(connection.dialect, table, columns), rows)


def keep_first(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Add those of *rows* whose primary key is not there yet."""
    _run(connection, _keep_first(connection.dialect, table, columns), rows)


def writable(connection: Connection, text: str) -> str:
    """*text* as the database can keep it: PostgreSQL has no character 0."""
    return text if connection.dialect.name == "sqlite" else text.replace("\0", "\ufffd")


def _run(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        rows = [_writable(row) if _holds_zero(row) else row for row in rows]
    connection.exec_driver_sql(statement, list(rows))


def _holds_zero(row: Row) -> bool:
    return any(type(value) is str and "\0" in value for value in row)


def _writable(row: Row) -> Row:
    return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row)


@lru_cache
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    return _compiled(table.insert(), dialect, columns)


@lru_cache
def _upsert(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    keys = [column.name for column in table.primary_key]
    statement = _dialect_insert(dialect, table)
    replaced = {name: statement.excluded[name] for name in columns if name not in keys}
    statement = statement.on_conflict_do_update(index_elements=keys, set_=replaced)
    return _compiled(statement, dialect, columns)


@lru_cache
def _keep_first(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    statement = _dialect_insert(dialect, table).on_conflict_do_nothing()
    return _compiled(statement, dialect, columns)


def _compiled(statement: Any, dialect: Dialect, columns: tuple[str, ...]) -> str:
    """The SQL of *statement*; raises ValueError unless *columns* stand in the table's own order."""
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    if tuple(compiled.positiontup) != columns:
        raise ValueError(f"columns {columns} in the order {compiled.positiontup}")
    return str(compiled)


def _dialect_insert(dialect: Dialect, table: Table) -> Any:
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)
