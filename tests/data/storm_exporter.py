"""The demo shop's metrics over HTTP: real histograms and counters, drawn from the scenario.

Each scrape moves the shop forward to the present in steps of half a second. Draws are seeded, so two runs
differ only by when they are scraped.
"""

from __future__ import annotations

import math
import random
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

from data import storm_scenario as scenario
from data.storm_scenario import Operation

STEP = 0.5
SPREAD = 0.28  # sigma of the log-normal request durations
BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25),
    *(0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
DISK_NODE = "batch-node-2"


class Histogram:
    """Request durations in cumulative buckets, and how many of the requests failed."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0
        self.failed = 0

    def add(self, seconds: float, *, failed: bool) -> None:
        """Count one request."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        self.failed += failed


class Shop:
    """The running shop. *now* gives seconds since the storm began; it never goes back."""

    def __init__(self, now: Callable[[], float], seed: int = 7) -> None:
        self._now = now
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._t = 0.0
        self._evicted = 0.0
        self._requests: dict[tuple[Operation, str], Histogram] = {}

    def scrape(self) -> str:
        """Move to the present and return every metric in the text exposition format."""
        with self._lock:
            while self._t + STEP <= self._now():
                self._t += STEP
                self._advance(self._t)
            return "\n".join((*self._request_lines(), *self._resource_lines(), ""))

    def _advance(self, t: float) -> None:
        self._evicted += scenario.evictions(t) * STEP
        for operation, rate in scenario.demand(t).items():
            pods = scenario.pods(operation.service)
            median, risk = scenario.latency(operation, t), scenario.failure(operation, t)
            for pod in pods:
                histogram = self._requests.setdefault((operation, pod), Histogram())
                for _ in range(self._arrivals(rate * STEP / len(pods))):
                    seconds = self._random.lognormvariate(math.log(median), SPREAD)
                    histogram.add(seconds, failed=self._random.random() < risk)

    def _arrivals(self, expected: float) -> int:
        whole = int(expected)
        return whole + (self._random.random() < expected - whole)

    def _request_lines(self) -> Iterator[str]:
        for family in ("request", "redis_command"):
            yield f"# HELP {family}_duration_seconds Time to answer."
            yield f"# TYPE {family}_duration_seconds histogram"
            for labels, histogram in self._of(family):
                yield from _histogram_lines(f"{family}_duration_seconds", labels, histogram)
            yield f"# HELP {family}_failures_total Requests that failed."
            yield f"# TYPE {family}_failures_total counter"
            for labels, histogram in self._of(family):
                yield f"{family}_failures_total{{{labels}}} {histogram.failed}"

    def _of(self, family: str) -> Iterator[tuple[str, Histogram]]:
        for (operation, pod), histogram in self._requests.items():
            if (operation.service == scenario.ROOT) == (family == "redis_command"):
                labels = _labels(service=operation.service, pod=pod, operation=operation.name)
                yield labels, histogram

    def _resource_lines(self) -> Iterator[str]:
        t = self._t
        yield "# TYPE container_cpu_usage_ratio gauge"
        yield "# TYPE container_memory_usage_ratio gauge"
        yield "# TYPE container_restarts_total counter"
        for service in sorted(scenario.PODS.keys() - {"frontend-external"}):
            for n, pod in enumerate(scenario.pods(service)):
                labels = _labels(service=service, pod=pod)
                cpu, memory = scenario.cpu(service, n, t), scenario.memory(service, n, t)
                yield f"container_cpu_usage_ratio{{{labels}}} {self._noisy(cpu)}"
                yield f"container_memory_usage_ratio{{{labels}}} {self._noisy(memory)}"
                yield f"container_restarts_total{{{labels}}} {scenario.restarts(service, t)}"
        labels = _labels(service=scenario.ROOT, pod=scenario.pods(scenario.ROOT)[0])
        yield f"redis_memory_used_ratio{{{labels}}} {scenario.redis_memory(t):.4f}"
        yield f"redis_evicted_keys_total{{{labels}}} {self._evicted:.0f}"
        yield f"redis_connected_clients{{{labels}}} {90 + 400 * scenario.backlog(t):.0f}"
        labels = _labels(service=DISK_NODE, mountpoint="/var/lib/containerd")
        yield f"node_filesystem_used_ratio{{{labels}}} {scenario.disk(t):.4f}"

    def _noisy(self, value: float) -> str:
        return f"{min(1.0, value * self._random.uniform(0.99, 1.01)):.4f}"


def handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    """Return the request handler that answers every GET with the metrics of *shop*."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = shop.scrape().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: one line per second is no news."""

    return Metrics


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def _histogram_lines(name: str, labels: str, histogram: Histogram) -> Iterator[str]:
    seen = 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), histogram.buckets, strict=True):
        seen += count
        yield f'{name}_bucket{{{labels},le="{bound}"}} {seen}'
    yield f"{name}_sum{{{labels}}} {histogram.total:.4f}"
    yield f"{name}_count{{{labels}}} {seen}"
