"""`POST /incident`, from body to answer: decode, validate, diagnose in a batch, enrich, report.

The pure work runs inside the adaptive batch (`run_batch`); everything that waits stands outside it,
per request. One item's failure is a value in its task and never touches its neighbours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.diagnosis import FAILED, GRAPH_ONLY, Diagnosis
from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.domain.fingerprint import Ignored
from aiops_rca.domain.release import Release
from aiops_rca.enrich.cleaning import clean
from aiops_rca.ingest.batch import to_alerts
from aiops_rca.pipeline import diagnose
from aiops_rca.report import incident_answer
from aiops_rca.settings import Settings
from aiops_rca.web.serving import Serving
from aiops_rca.wire import DegradedOut, decode_incident, encode

_INLINE_BYTES = 512 * 1024  # a larger body is decoded beside the event loop

log = logging.getLogger("aiops_rca.incident")

Diagnoses = tuple[Diagnosis, ...]
WhileConnected = Callable[[Awaitable[None]], Awaitable[None]]
A = TypeVar("A")
R = TypeVar("R")


class Enrich(Protocol):
    """A step after the batch, per request: may wait, may be cancelled, returns what it improved."""

    def prepare(self, task: Task, diagnoses: Diagnoses) -> bool:
        """Never waits. False when there is nothing to wait for: then it is not called."""
        ...

    async def __call__(self, task: Task, diagnoses: Diagnoses) -> Diagnoses:
        """The diagnoses, improved where it could; the cluster order is kept."""
        ...


class Recorder(Protocol):
    """Where the figures of a diagnosed batch go."""

    def diagnosed(self, clusters: int, phases_ms: dict[str, float]) -> None:
        """Record one answered batch; *phases_ms* in milliseconds by phase."""
        ...


class PhaseClock:
    """Time between marks, in milliseconds by phase; `restart` leaves out a wait."""

    def __init__(self) -> None:
        self.phases_ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, phase: str) -> None:
        """End *phase* now."""
        now = time.perf_counter()
        self.phases_ms[phase] = (now - self._last) * 1000
        self._last = now

    def restart(self) -> None:
        """Begin the next phase now."""
        self._last = time.perf_counter()


@dataclass(slots=True, eq=False)
class Task:
    """One request on its way through the batch; filled in by `run_batch`."""

    alerts: tuple[Alert, ...]
    target: str | None
    release: Release
    versions: Mapping[str, str]
    clock: PhaseClock
    large: bool
    diagnoses: Diagnoses | None = None
    degraded: tuple[DegradedOut, ...] = ()
    method: str = GRAPH_ONLY  # of the diagnoses that the step after the batch has left as they were
    log_fields: dict[str, object] = field(default_factory=dict)


class Incidents:
    """Answers incident requests with whatever `serving()` returns at that moment."""

    def __init__(
        self,
        settings: Settings,
        serving: Callable[[], Serving],
        recorder: Recorder,
    ) -> None:
        self._settings = settings
        self._serving = serving
        self._recorder = recorder
        self.enrich: Enrich | None = None
        self._severities = settings.severities
        self._ignore = Ignored(settings.measuring_labels)
        # One thread: two large requests at once would only halve each other's speed.
        self._large_work = ThreadPoolExecutor(1, thread_name_prefix="large")

    async def accept(self, body: bytes) -> Task:
        """Decode and validate *body*. Raises RcaError with the code of what is wrong."""
        if len(body) <= _INLINE_BYTES:
            return self._read(body)
        return await self._beside(self._read, body)

    async def run_batch(self, tasks: Sequence[Task]) -> None:
        """Diagnose every task; a large one beside the event loop, so that health stays answered."""
        if any(task.large for task in tasks):
            await self._beside(_diagnose_all, tasks)
        else:
            _diagnose_all(tasks)

    async def finish(self, task: Task, while_connected: WhileConnected) -> bytes:
        """The answer's body: enriched where there is an enrichment, encoded, timings last.

        *while_connected* awaits a step and cancels it when the caller hangs up.
        """
        if task.diagnoses is None:
            raise RcaError("the diagnosis failed; see the log", code="internal")
        task.clock.restart()
        if self.enrich is not None and self.enrich.prepare(task, task.diagnoses):
            await while_connected(self._enriched(task, task.diagnoses, self.enrich))
        task.clock("enrich")
        body = await self._beside(_report, task) if task.large else _report(task)
        phases = task.clock.phases_ms
        self._recorder.diagnosed(len(task.diagnoses), phases)
        task.log_fields["phases_ms"] = {name: round(ms, 3) for name, ms in phases.items()}
        return body[:-1] + _timings(phases)

    def _read(self, body: bytes) -> Task:
        clock = PhaseClock()
        request = decode_incident(body)
        limits = self._settings.limits
        if not request.alerts:
            raise InputError("alerts must not be empty", field="alerts", code="empty_batch")
        if len(request.alerts) > limits.max_alerts:
            reason = f"more than {limits.max_alerts} alerts in one batch"
            raise InputError(reason, field="alerts", code="too_large")
        alerts = to_alerts(request.alerts, severities=self._severities, ignore=self._ignore)
        serving = self._serving()
        if serving.release is None:
            raise RcaError("not ready: see /readyz", code="not_ready")
        clock("validate")
        large = len(alerts) > limits.inline_alerts or len(body) > _INLINE_BYTES
        return Task(alerts, request.target, serving.release, serving.versions, clock, large)

    async def _enriched(self, task: Task, diagnoses: Diagnoses, enrich: Enrich) -> None:
        try:
            task.diagnoses = await enrich(task, diagnoses)
        except Exception:  # the diagnosis stands without it: the answer says so, the log says why
            log.exception("enrichment failed")
            task.method = FAILED
            task.degraded = (DegradedOut("enrich", "the enrichment failed; see the log"),)

    async def _beside(self, work: Callable[[A], R], argument: A) -> R:
        """Run *work* in the one thread for large requests: bounded, and the event loop goes on."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._large_work, work, argument)


def _report(task: Task) -> bytes:
    """The answer to a diagnosed *task* as JSON, and what the log is to say of it."""
    answer = incident_answer(
        task.diagnoses or (),
        alerts=task.alerts,
        release=task.release,
        target=task.target,
        versions=task.versions,
        degraded=task.degraded,
        method=task.method,
    )
    service = answer.root_cause.service
    task.log_fields = {
        "cluster_count": len(answer.clusters),
        # a name that only its alerts know may hold anything
        "root_cause": service if service in task.release.graph.nodes else clean(service),
        "confidence": answer.root_cause.confidence,
        "diagnosis_method": answer.root_cause.method,
    }
    body = encode(answer)
    task.clock("serialize")
    return body


def _timings(phases_ms: Mapping[str, float]) -> bytes:
    """The last key of the answer, padded to one width.

    Equal requests get answers of equal length, as load tools (ab) expect of a healthy server.
    """
    total = {"total": sum(phases_ms.values())}
    pairs = (f'"{name}":{ms:10.3f}' for name, ms in [*phases_ms.items(), *total.items()])
    return f',"timings_ms":{{{",".join(pairs)}}}}}'.encode()


def _diagnose_all(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task.clock.restart()
        try:
            task.diagnoses = diagnose(task.alerts, task.release, target=task.target, mark=task.clock)
        except Exception:  # a fault of ours in one item: it answers 500, its neighbours are served
            log.exception("diagnosis failed", extra={"event": {"alerts": len(task.alerts)}})
