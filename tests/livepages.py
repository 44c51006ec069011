"""The pages of the stream on a real socket, with a real journal, store and correlator; no BentoML around it.

For tests of what the pages answer; `served.py` runs the whole service.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from prometheus_client import CollectorRegistry, generate_latest

from aiops_rca.adapters.live_metrics import LiveMetrics
from aiops_rca.adapters.metrics import Metrics
from aiops_rca.adapters.store import (
    Committer,
    IncidentStore,
    Journal,
    Switches,
    migrate,
    open_engine,
    places,
)
from aiops_rca.bootstrap.rules import rules_of
from aiops_rca.correlator.diagnosing import Diagnosing
from aiops_rca.correlator.loop import Correlator, Terms
from aiops_rca.domain.release import Release
from aiops_rca.edge.app import Edge
from aiops_rca.ingest.reader import Reader
from aiops_rca.narrator.allowance import Allowance
from aiops_rca.settings import Settings
from aiops_rca.web.admin import AdminPages
from aiops_rca.web.app import build_app, methods_of
from aiops_rca.web.commands import Desk
from aiops_rca.web.incident import Incidents
from aiops_rca.web.live import LivePages
from aiops_rca.web.pulse import Pulse
from aiops_rca.web.serving import Serving
from aiops_rca.web.stream import Streams
from aiops_rca.web.webhooks import Webhooks
from builders import graph, release
from served import free_port

MAP = release(graph("frontend -> cart", "cart -> redis", "frontend -> ads", kinds={"redis": "cache"}))
START_SEC = 10


def now_ms() -> int:
    """The time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass
class Live:
    """Running pages: a client of them, and what they stand on."""

    client: httpx.Client
    url: str
    journal: Journal
    store: IncidentStore
    streams: Streams
    correlator: Correlator
    on_loop: Callable[[Callable[[], None]], None]
    allowance: Allowance
    stop: threading.Event = field(default_factory=threading.Event)

    def tell(self, *alerts: dict[str, Any], source: str = "generic") -> dict[str, int]:
        """Send *alerts* in one body; the counts of the answer."""
        answer = self.client.post(f"/webhooks/{source}", json={"alerts": alerts})
        assert answer.status_code == 202, answer.text
        counts: dict[str, int] = answer.json()
        return counts

    def settle(self) -> None:
        """Wait until everything in the journal is folded."""
        self.until(lambda: self.store.standing().seq >= self.journal.head().seq)

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until *holds* says so."""
        deadline = time.monotonic() + START_SEC
        while not holds():
            assert time.monotonic() < deadline, "it did not come to pass in time"
            time.sleep(0.01)

    def incidents(self, **asked: str) -> list[dict[str, Any]]:
        """The incidents as listed."""
        items: list[dict[str, Any]] = self.client.get("/incidents", params=asked).json()["items"]
        return items


def firing(service: str, metric: str = "latency", *, at: int = 0, **more: object) -> dict[str, Any]:
    """An alert of `generic` that began *at* seconds after two minutes ago."""
    started = now_ms() // 1000 - 120 + at
    return {"service": service, "metric": metric, "severity": "error", "starts_at": started, **more}


@contextmanager
def live(
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    folding: bool = True,
    heartbeat_sec: float = 15.0,
    wait_sec: float = 3.0,
    max_bytes: int | None = None,
) -> Iterator[Live]:
    """Run the pages on databases in *folder* until the block ends; *folding* runs a correlator too."""
    rel = MAP
    chosen = Settings.model_validate(settings or {})
    where = places(None, folder)
    journal_engine = open_engine(where.journal_url, max_bytes=max_bytes)
    store_engine = open_engine(where.incidents_url)
    migrate(journal_engine, "journal")
    migrate(store_engine, "incidents")
    journal, store = Journal(journal_engine), IncidentStore(store_engine)
    registry = CollectorRegistry()
    reader = Reader(chosen, lambda: rel.graph.nodes)
    metrics = Metrics(registry)
    figures = LiveMetrics(registry, reader.names)
    committer = Committer(
        journal, max_pending_alerts=chosen.live.max_pending_alerts, observe=figures.committed
    )
    webhooks = Webhooks(reader, committer, figures, now=now_ms)
    webhooks.warm(journal.recent(1000))
    streams = Streams(
        store,
        most=chosen.live.max_streams,
        count=figures.streaming,
        poll_sec=0.02,
        heartbeat_sec=heartbeat_sec,
    )
    pulse = Pulse(journal, store, committer, now=now_ms, record=figures.record, fresh_sec=0, remember_sec=0.3)
    desk = Desk(committer, store, now_ms, wait_sec)
    allowance = Allowance(chosen.use_llm, Switches(store_engine), confident_from=chosen.llm.skip_from)
    allowance.look()
    beside = ThreadPoolExecutor(1)
    admin = AdminPages(allowance, chosen.llm, now=now_ms, beside=beside)
    pages = LivePages(store, journal, webhooks, desk, streams, pulse, lambda: rel.graph, admin)
    serving = Serving(rel, {}, {}, None)
    app = build_app(chosen, lambda: serving, pages, version="test", bento_tag=None)
    edge = Edge(
        inner=partial(_metrics_page, registry),
        web=app,
        methods_of=methods_of(app),
        handler=Incidents(chosen, lambda: serving, metrics),
        observer=_Observer(metrics, figures),
        limits=chosen.limits,
        receiver=webhooks,
        before_scrape=pulse.refresh,
    )
    correlator = _correlator(chosen, rel, journal, store)
    serve = _Server(edge)
    with serve.listening() as url, httpx.Client(base_url=url, timeout=30) as client:
        running = Live(client, url, journal, store, streams, correlator, serve.call, allowance)
        folder_thread = threading.Thread(target=correlator.run, args=(running.stop,))
        if folding:
            folder_thread.start()
        try:
            yield running
        finally:
            running.stop.set()
            if folding:
                folder_thread.join()
            webhooks.close()
            beside.shutdown()
    journal_engine.dispose()
    store_engine.dispose()


class _Observer:
    """What the edge reports to: both books of figures."""

    def __init__(self, metrics: Metrics, figures: LiveMetrics) -> None:
        self.answered, self.read_process = metrics.answered, metrics.read_process
        self.webhook = figures.webhook


def _correlator(settings: Settings, rel: Release, journal: Journal, store: IncidentStore) -> Correlator:
    diagnosing = Diagnosing(
        rel,
        {"release": rel.id},
        growth=settings.live.rediagnose_growth,
        kept_alerts=lambda incident, limit: store.alerts(incident, limit=limit),
        clock=time.perf_counter,
    )
    terms = Terms(
        holder="test",
        is_dead=lambda _: False,
        poll_ms=10,
        keep_ms=10**12,
        targets=0,
        settle_ms=0,
        occasions=frozenset(),
    )
    return Correlator(journal, store, rules_of(settings, rel), diagnosing, terms, now=now_ms)


async def _metrics_page(registry: CollectorRegistry, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": generate_latest(registry)})


class _Server:
    """An application on a port of its own, in a thread of its own."""

    def __init__(self, app: Any) -> None:
        self._app, self._loop = app, asyncio.new_event_loop()

    def call(self, work: Callable[[], None]) -> None:
        """Do *work* on the server's event loop."""
        self._loop.call_soon_threadsafe(work)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Serve until the block ends; the address."""
        port = free_port()
        quiet: dict[str, Any] = {"lifespan": "off", "ws": "none", "log_level": "critical"}
        config = uvicorn.Config(self._app, host="127.0.0.1", port=port, timeout_graceful_shutdown=5, **quiet)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=self._loop.run_until_complete, args=(server.serve(),))
        thread.start()
        deadline = time.monotonic() + START_SEC
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
            self._loop.close()
