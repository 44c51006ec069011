"""Bring a database to the tables of today, from nothing or from any earlier version."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from aiops_rca.adapters.store.engine import is_sqlite, writing

Which = Literal["journal", "incidents"]
_ONE_AT_A_TIME = 0x61696F70_6D696772  # PostgreSQL's advisory lock of everyone who migrates
_FOLDER = Path(__file__).resolve().parent / "migrations"


def migrate(engine: Engine, which: Which) -> None:
    """Run the migrations of *which* that the database has not seen; processes that start together take turns.

    Raises RcaError "full" when the database cannot be used now.
    """
    with writing(engine) as connection:
        if not is_sqlite(engine):
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        command.upgrade(_config(connection, which), "head")


def version_table(which: Which) -> str:
    """Where the version of *which* is noted; both may live in one database."""
    return f"alembic_version_{which}"


def _config(connection: Connection, which: Which) -> Config:
    """What would otherwise stand in an ini file. `%` opens a variable in its values, also in a path."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(_FOLDER / which).replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=version_table(which))
    return config
