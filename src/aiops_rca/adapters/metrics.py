"""Every metric of the service on one registry, with label sets that cannot grow.

Process figures are gauges of our own: the built-in ones vanish in the multiprocess mode that the
service shell switches on. They are read when somebody scrapes.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops_rca.wire import CLIENT_GONE

PHASES = ("validate", "correlate", "rank", "recall", "enrich", "serialize")
_REJECTED = ("400", "401", "403", "404", "405", "408", "409", "413", "415", "422")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PHASE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class Metrics:
    """The service's own figures; one instance per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "aiops_incident_requests",
            "Incident requests by outcome; error means the service failed (5xx)",
            ["status"],
            registry=registry,
        )
        self.rejected = Counter(
            "aiops_rejected", "Requests refused as sent (4xx)", ["code"], registry=registry
        )
        self.latency = Histogram(
            "aiops_incident_latency_seconds",
            "Time from the first byte of an incident request to its answer",
            buckets=_SECONDS,
            registry=registry,
        )
        self.clusters = Histogram(
            "aiops_clusters_per_request",
            "Clusters found in one batch of alerts",
            buckets=(0, 1, 2, 3, 5, 10, 20, 50, 100, 500),
            registry=registry,
        )
        self.phase = Histogram(
            "aiops_phase_seconds",
            "Time spent in each phase of an incident request",
            ["phase"],
            buckets=_PHASE_SECONDS,
            registry=registry,
        )
        self.cpu = _process_gauge("cpu_seconds", "User and system CPU time", registry)
        self.memory = _process_gauge("resident_memory_bytes", "Resident memory", registry)
        self._phases = {name: self.phase.labels(name) for name in PHASES}
        self._outcomes = {name: self.requests.labels(name) for name in ("success", "error")}
        self._codes = {code: self.rejected.labels(code) for code in _REJECTED}

    def answered(self, status: int, seconds: float, *, incident: bool) -> None:
        """Count one finished request; only incident requests count as success or error.

        Callers that hung up (499) or vanished before any answer (0) count as neither.
        """
        if status in (0, CLIENT_GONE):
            return
        if 400 <= status < 500:
            self._codes.get(str(status), self._codes["400"]).inc()
        elif incident:
            self._outcomes["error" if status >= 500 else "success"].inc()
            self.latency.observe(seconds)

    def diagnosed(self, clusters: int, phases_ms: Mapping[str, float]) -> None:
        """Record what one diagnosed batch took; *phases_ms* in milliseconds by phase."""
        self.clusters.observe(clusters)
        for name, ms in phases_ms.items():
            self._phases[name].observe(ms / 1000)

    def read_process(self) -> None:
        """Set the process gauges to what the operating system says now."""
        self.cpu.set(time.process_time())
        self.memory.set(_resident_bytes())


def _process_gauge(name: str, what: str, registry: CollectorRegistry) -> Gauge:
    text = f"{what} of the service process"
    return Gauge(f"aiops_process_{name}", text, multiprocess_mode="livesum", registry=registry)


def _resident_bytes() -> int:
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux: the peak is the nearest figure the standard library knows
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
