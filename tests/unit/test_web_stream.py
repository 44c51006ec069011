"""`/stream` when something fails: its look into the store, or the listener's reading."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.types import Message

from aiops_rca.adapters.store import places
from aiops_rca.domain.errors import RcaError
from aiops_rca.web.stream import StreamPages, Streams
from stored import Database, opened


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A store without incidents."""
    made = opened(places(None, tmp_path))
    yield made
    made.close()


def rename(database: Database, old: str, new: str) -> None:
    """Give a table of the store another name: what reads it finds a fault that is not the database's."""
    with database.incidents_engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_a_look_that_fails_ends_the_streams(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; who listens is let go, and hears again when it comes again."""
    streams = Streams(database.store, most=1, count=lambda _: None, poll_sec=0.01, heartbeat_sec=0.1)

    async def listen() -> list[bytes]:
        with streams.seat():
            first = streams.told(0)
            await anext(first)
            rename(database, "incidents", "elsewhere")
            assert [chunk async for chunk in first if chunk != b": alive\n\n"] == []
        rename(database, "elsewhere", "incidents")
        with streams.seat():
            second = streams.told(0)
            return [await anext(second) for _ in range(4)]

    async def within() -> list[bytes]:
        async with asyncio.timeout(10):
            return await listen()

    heard = asyncio.run(within())

    (record,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert record.exc_info
    assert heard[1:] == [b": alive\n\n"] * 3


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_who_never_reads_loses_its_seat(database: Database, taken: int) -> None:
    """However many messages went through before: the next one may take the place."""
    counts: list[int] = []
    streams = Streams(database.store, most=1, count=counts.append, heartbeat_sec=0.01, send_sec=0.05)
    sent: list[Message] = []

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if len(sent) == taken:
            with pytest.raises(RcaError, match="too many"), streams.seat():
                pass
            await never()
        sent.append(message)

    async def listen() -> None:
        answer = await StreamPages(streams).stream(None)
        async with asyncio.timeout(10):
            await answer({"type": "http"}, never, send)

    asyncio.run(listen())

    assert (counts, len(sent)) == ([1, 0], taken)
