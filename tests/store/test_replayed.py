"""`aiops-rca replay --journal`: every usual way to say where a journal lies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiops_rca.adapters.store import places
from aiops_rca.cli.replay import replay
from aiops_rca.domain.errors import InputError
from aiops_rca.live.entry import ALERTS, encode_events
from aiops_rca.live.rows import Draft
from postgres import Postgres
from stored import T0, opened
from stream import firing


def record(url: str | None, folder: Path) -> None:
    """Keep one alert of the service `cart` in a new journal."""
    database = opened(places(url, folder))
    database.journal.append([Draft(T0, ALERTS, "generic", 1, encode_events([firing("cart", 0)]))])
    database.close()


def services(journal: str, folder: Path) -> list[str]:
    """The services of the one incident that a replay of *journal* prints."""
    graph = folder / "graph.json"
    graph.write_text('{"nodes": [{"id": "cart"}], "edges": []}', "utf-8")
    arguments = ["--journal", journal, "--graph", str(graph)]
    printed = CliRunner().invoke(replay, arguments, catch_exceptions=False).output
    found: list[str] = json.loads(printed)["services"]
    return found


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_spelling_of_a_database_url_is_understood(
    postgres: Postgres, tmp_path: Path, scheme: str
) -> None:
    """As in the settings: the driver is the one that is installed."""
    url = postgres.database()
    record(url, tmp_path)

    assert services(url.replace("postgresql+psycopg", scheme), tmp_path) == ["cart"]


@pytest.mark.parametrize("name", ["plain", "what?", "100%20", "a#b@c:d", "with space", "sch://odd"])
@pytest.mark.parametrize("ending", ["", "/journal.db"])
def test_any_path_is_understood(tmp_path: Path, name: str, ending: str) -> None:
    """A folder or file whose name would mean something in a URL."""
    record(None, tmp_path / name)

    assert services(f"{tmp_path}/{name}{ending}", tmp_path) == ["cart"]


def test_a_url_of_a_file_is_understood(tmp_path: Path) -> None:
    """And makes nothing where there is none."""
    record(None, tmp_path)

    assert services(f"sqlite:///{tmp_path}/journal.db", tmp_path) == ["cart"]
    with pytest.raises(InputError, match="no journal here"):
        services(f"sqlite:///{tmp_path}/none/journal.db", tmp_path)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("url", ["mysql://host/name", "://"])
def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path, url: str) -> None:
    """With the option at fault."""
    with pytest.raises(InputError, match=r"^--journal: is neither a path nor a PostgreSQL URL"):
        services(url, tmp_path)
