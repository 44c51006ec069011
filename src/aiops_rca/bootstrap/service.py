"""One worker of the service, put together: settings, artifacts, metrics, pages, the stream and the edge."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from prometheus_client import REGISTRY

from aiops_rca import __version__
from aiops_rca.adapters import artifacts, log
from aiops_rca.adapters.live_metrics import LiveMetrics
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.adapters.metrics import Metrics
from aiops_rca.adapters.notify import targets
from aiops_rca.bootstrap.narration import Narration
from aiops_rca.bootstrap.releases import NO_TAGS, assemble, warm_up
from aiops_rca.bootstrap.stream import Stream
from aiops_rca.edge.app import ALONE, BATCHED, TASK, App, Edge
from aiops_rca.settings import Settings, load_settings
from aiops_rca.web.app import build_app, methods_of
from aiops_rca.web.enriching import Enriching
from aiops_rca.web.incident import Incidents, Task
from aiops_rca.web.serving import NOTHING, Serving
from aiops_rca.web.stream import close_on_signal

__all__ = ["ALONE", "BATCHED", "TASK", "Application", "Task"]


class Application:
    """One process of the service. Cheap to build; `load` does everything that can fail, but for settings.

    *root* is the folder that holds `configs/`. Raises InputError for settings that cannot be used, also
    by the correlator: where nobody looks, it would only fail and fail again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings: Settings = load_settings(root / "configs" / "aiops_rca.yaml")
        targets(self.settings.notify)
        log.set_up(self.settings.log.level)
        self.metrics = Metrics(REGISTRY)
        self._llm_metrics = LlmMetrics(REGISTRY, "worker")
        self._narration: Narration | None = None
        self._enriching: Enriching | None = None
        self.serving = NOTHING
        self._tags = NO_TAGS
        self._bento_tag = artifacts.bento_tag(root)
        self.incidents = Incidents(self.settings, self.current, self.metrics)

    @cached_property
    def stream(self) -> Stream:
        """Made when it is first needed, in a worker: what merely imports the service makes no folder."""
        packed = self._bento_tag is not None
        return Stream(self.root, self.settings, self.current, REGISTRY, packed=packed)

    def current(self) -> Serving:
        """What answers right now."""
        return self.serving

    def load(self) -> None:
        """Load every artifact and put the release into service; what is missing shows in `/readyz`."""
        serving, self._tags = assemble(self.root, self.settings, self._bento_tag)
        if serving.release is not None:
            warm_up(serving.release)
        self.serving = serving
        self.stream.open()
        llm = self.settings.llm
        self._narration = Narration(llm, self.stream.allowance, self._llm_metrics)
        narrator = self._narration.narrator
        self._enriching = Enriching(narrator, most=llm.max_clusters, seconds=llm.timeout_s)
        self.incidents.enrich = self.incidents.enrich or self._enriching

    def start(self) -> None:
        """Begin to serve; called from the event loop.

        What start-up allocated is frozen: collections then cost a sixth (p99 83 -> 14 ms).
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        self.stream.start(self._tags)
        if self._enriching is not None:  # who waits for words gets the answer without them
            close_on_signal(self._enriching.close)

    async def close(self) -> None:
        """End what `load` and `start` began."""
        if self._narration is not None:
            await self._narration.close()
        await self.stream.close()

    def edge(self, inner: App) -> Edge:
        """Wrap *inner*, the service's own ASGI application."""
        stream = self.stream
        pages = build_app(
            self.settings, self.current, stream.pages, version=__version__, bento_tag=self._bento_tag
        )
        return Edge(
            inner=inner,
            web=pages,
            methods_of=methods_of(pages),
            handler=self.incidents,
            observer=Observer(self.metrics, stream.metrics),
            limits=self.settings.limits,
            receiver=stream,
            before_scrape=stream.pulse.refresh,
        )

    async def diagnose(self, tasks: Sequence[Task]) -> list[Task]:
        """Diagnose a batch; each task carries its own outcome."""
        await self.incidents.run_batch(tasks)
        return list(tasks)


class Observer:
    """Where the edge's figures go: those of requests, and those of webhooks."""

    def __init__(self, metrics: Metrics, live: LiveMetrics) -> None:
        self.answered = metrics.answered
        self.read_process = metrics.read_process
        self.webhook = live.webhook
