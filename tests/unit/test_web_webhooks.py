"""Webhooks: a large body holds up nobody, the first time and out of quarantine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence

import pytest
from prometheus_client import CollectorRegistry

from aiops_rca.adapters.live_metrics import LiveMetrics
from aiops_rca.ingest.reader import Reader, Reading
from aiops_rca.live.rows import Draft, Refused
from aiops_rca.settings import Settings
from aiops_rca.web.webhooks import Webhooks

NOW = 1_780_000_000_000
HEADERS = {"content-type": "application/json"}


class Watched(Reader):
    """Notes which thread reads."""

    def __init__(self) -> None:
        super().__init__(Settings(), dict)
        self.threads: list[int] = []

    def read(
        self, source: str | None, body: bytes, headers: Mapping[str, str], received_at: int
    ) -> tuple[str, Reading]:
        """Read as ever."""
        self.threads.append(threading.get_ident())
        return super().read(source, body, headers, received_at)


class Kept:
    """Keeps nothing: what is kept is told by the answer."""

    async def append(self, drafts: Sequence[Draft], refused: Sequence[Refused] = ()) -> int:
        """Count them."""
        return len(drafts) + len(refused)


@pytest.fixture
def reader() -> Watched:
    """Every source there is without settings."""
    return Watched()


@pytest.fixture
def webhooks(reader: Watched) -> Iterator[Webhooks]:
    """Webhooks at a fixed time."""
    made = Webhooks(reader, Kept(), LiveMetrics(CollectorRegistry(), reader.names), now=lambda: NOW)
    yield made
    made.close()


def body(alerts: int) -> bytes:
    """A body of `generic` with so many alerts of about 300 bytes."""
    rows = [
        {"service": "cart", "metric": f"m{n}", "starts_at": NOW, "summary": "x" * 250} for n in range(alerts)
    ]
    return json.dumps({"alerts": rows}).encode()


@pytest.mark.parametrize("way", ["receive", "again"])
@pytest.mark.parametrize(("alerts", "beside"), [(2, False), (1500, True)])
def test_a_large_body_is_read_beside_the_loop(
    webhooks: Webhooks, reader: Watched, way: str, alerts: int, *, beside: bool
) -> None:
    """A small one is not worth a thread; what lies in quarantine is treated alike."""
    receipt = asyncio.run(getattr(webhooks, way)("generic", HEADERS, body(alerts)))

    assert receipt.outcome.accepted == alerts
    assert [thread != threading.get_ident() for thread in reader.threads] == [beside]
