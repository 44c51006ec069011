"""The stream's part of one worker: receives webhooks, shows incidents, keeps a correlator running."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

import aiops_rca
from aiops_rca.adapters import processes
from aiops_rca.adapters.live_metrics import LiveMetrics
from aiops_rca.adapters.store import Committer, IncidentReader, Journal, Switches
from aiops_rca.adapters.supervise import Supervised
from aiops_rca.bootstrap.clock import now_ms
from aiops_rca.bootstrap.places import Databases
from aiops_rca.bootstrap.releases import Tags
from aiops_rca.domain.errors import RcaError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.ingest.reader import Reader
from aiops_rca.narrator.allowance import LOOK_SEC, Allowance
from aiops_rca.settings import CONFIG_VARIABLE, Settings
from aiops_rca.web.admin import AdminPages
from aiops_rca.web.commands import Desk
from aiops_rca.web.live import LivePages
from aiops_rca.web.pulse import Pulse
from aiops_rca.web.serving import Serving
from aiops_rca.web.stream import Streams, close_on_signal
from aiops_rca.web.webhooks import Receipt, Webhooks

_REMEMBERED = 100_000  # alerts of the journal that a new worker knows as told
_RETRY_SEC = 1.0
_NO_NODES: Mapping[str, object] = {}

log = logging.getLogger("aiops_rca.stream")


class Stream:
    """Cheap to build; `open` does what can fail, and what fails is tried again until it works."""

    def __init__(
        self,
        root: Path,
        settings: Settings,
        current: Callable[[], Serving],
        registry: CollectorRegistry,
        *,
        packed: bool,
    ) -> None:
        self._root, self._settings, self._current = root, settings, current
        self._closing = threading.Event()
        self._child: Supervised | None = None
        self._looking: asyncio.Task[None] | None = None
        self._databases = Databases(root, settings, packed=packed)
        self._journal = Journal(self._databases.journal)
        self._incidents = incidents = IncidentReader(self._databases.incidents)
        reader = Reader(settings, self._nodes)
        self.metrics = LiveMetrics(registry, reader.names, urls=len(settings.notify.urls))
        live = settings.live
        self._committer = Committer(
            self._journal, max_pending_alerts=live.max_pending_alerts, observe=self.metrics.committed
        )
        self._webhooks = Webhooks(reader, self._committer, self.metrics, now=now_ms)
        self.pulse = Pulse(
            *(self._journal, incidents, self._committer),
            now=now_ms,
            record=self.metrics.record,
            child_gone=self._is_child_gone,
        )
        switches, llm = Switches(self._databases.incidents), settings.llm
        self.allowance = Allowance(settings.use_llm, switches, confident_from=llm.skip_from)
        self._beside = ThreadPoolExecutor(
            1, thread_name_prefix="switch"
        )  # a database that hangs holds up no more
        self._streams = Streams(incidents, most=live.max_streams, count=self.metrics.streaming)
        self.pages = LivePages(
            incidents=incidents,
            shelf=self._journal,
            webhooks=self._webhooks,
            desk=Desk(self._committer, incidents, now_ms),
            streams=self._streams,
            pulse=self.pulse,
            graph=self._graph,
            admin=AdminPages(self.allowance, llm, now=now_ms, beside=self._beside),
        )

    def open(self) -> None:
        """Make the databases ready and remember what was told last; those out of reach are waited for."""
        try:
            self._databases.prepare()
            self._webhooks.warm(self._journal.recent(_REMEMBERED))
            self.allowance.look()
        except RcaError as error:
            log.warning("waiting for the database", extra={"event": {"reason": error.message}})
            threading.Thread(target=self._keep_trying, name="open", daemon=True).start()

    def start(self, tags: Tags) -> None:
        """Keep a correlator running beside this worker, where the settings want one, and look at the switch.

        Called from the event loop.
        """
        self._looking = asyncio.create_task(self._keep_looking())
        wanted = self._settings.live.correlator
        beside = wanted == "beside" or (wanted == "auto" and self._databases.embedded)
        if beside and self._current().release is not None:
            self._child = Supervised("correlator", self._command(), self._environ(tags), alive=self._is_led)
            self._child.start()
        close_on_signal(self._streams.close)

    async def close(self) -> None:
        """Keep what was promised, then end everything."""
        self._closing.set()
        if self._looking is not None:
            self._looking.cancel()
        self._beside.shutdown(wait=False, cancel_futures=True)
        self._streams.close()
        await self._committer.close()
        self._webhooks.close()
        if self._child is not None:
            await asyncio.to_thread(self._child.stop)
        self._databases.close()

    def expect(self, source: str | None) -> str:
        """See `Webhooks.expect`."""
        return self._webhooks.expect(source)

    async def receive(self, source: str | None, headers: Mapping[str, str], body: bytes) -> Receipt:
        """See `Webhooks.receive`; RcaError "not_ready" without a graph that says which service is meant."""
        if self._current().release is None:
            raise RcaError("not ready: see /readyz", code="not_ready")
        return await self._webhooks.receive(source, headers, body)

    def _is_led(self) -> bool:
        """Whether somebody holds the lease, and is not dead; also where that cannot be told."""
        try:
            standing = self._incidents.standing()
        except (RcaError, SQLAlchemyError):
            return True
        return standing.lease_until > now_ms() and not processes.is_dead(standing.holder)

    def _is_child_gone(self) -> bool:
        return self._child is not None and self._child.pid is None

    def _graph(self) -> ServiceGraph | None:
        release = self._current().release
        return release.graph if release else None

    def _nodes(self) -> Collection[str]:
        graph = self._graph()
        return graph.nodes if graph else _NO_NODES

    async def _keep_looking(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SEC)
            await loop.run_in_executor(self._beside, self.allowance.look_again)

    def _keep_trying(self) -> None:
        while not self._closing.wait(_RETRY_SEC):
            try:
                self._databases.prepare()
            except RcaError:
                continue
            log.info("the database can be used now")
            return

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "aiops_rca", "correlator"),
            *("--project", str(self._root), "--while-stdin"),
        ]

    def _environ(self, tags: Tags) -> dict[str, str]:
        """Ours, so that the child has the same settings and artifacts, and its figures are among ours."""
        environ = dict(os.environ)
        if environ.get(CONFIG_VARIABLE):
            environ[CONFIG_VARIABLE] = str(Path(environ[CONFIG_VARIABLE]).resolve())
        environ["AIOPS_STATE_DIR"] = str(self._databases.folder.resolve())
        given = {"AIOPS_GRAPH_TAG": tags.graph, "AIOPS_HISTORY_TAG": tags.history}
        environ |= {name: tag for name, tag in given.items() if tag}
        program = str(Path(aiops_rca.__file__).resolve().parents[1])  # in a bento nothing is installed
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (program, environ.get("PYTHONPATH"))))
        return environ
