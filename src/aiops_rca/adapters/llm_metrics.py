"""The figures of the language model step, on the registry of `Metrics`; one instance per process.

Every label value is there from the start, as 0, and none is ever added: an unknown one is a KeyError. A call
is counted once, by the process that made it, however many answers it served.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops_rca.domain.narrative import Usage
from aiops_rca.enrich.answer import DROPS
from aiops_rca.enrich.asking import FAILURES, SKIPS

BREAKER = {"closed": 0, "probing": 1, "open": 2}
HITS = ("stored", "shared")
MOVED = ("true", "false")
_SECONDS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 30.0, 60.0, 120.0)


class LlmMetrics:
    """*process* says whose breaker it is: `worker` or `correlator`."""

    def __init__(self, registry: CollectorRegistry, process: str) -> None:
        self._count_outcomes(registry)
        self._count_calls(registry)
        self._state = Gauge(
            "aiops_llm_breaker_state",
            "Whether the provider is asked: 0 yes, 1 one request tries whether it answers again, 2 no",
            ["process"],
            multiprocess_mode="mostrecent",
            registry=registry,
        ).labels(process)
        self._state.set(0)

    def failed(self, reason: str) -> None:
        """Count a step that was to give a narrative and did not; *reason* is one of FAILURES."""
        self._failures[reason].inc()

    def skipped(self, reason: str, count: int = 1) -> None:
        """Count steps that were not taken; *reason* is one of SKIPS."""
        self._skips[reason].inc(count)

    def narrated(self, *, moved: bool) -> None:
        """Count a narrative; *moved*: its vote changed the named root cause."""
        self._narratives[str(moved).lower()].inc()

    def requested(self) -> None:
        """Count a request that goes out, second attempts and probes included."""
        self._requests.inc()

    def took(self, seconds: float) -> None:
        """Record how long a request was under way, whatever came of it."""
        self._latency.observe(seconds)

    def tokens(self, usage: Usage, usd: float | None) -> None:
        """Count what one answered request took; *usd* is None where the model's price is not known."""
        for label, number in _kinds(usage):
            self._tokens[label].inc(number)
        if usd:
            self._cost.inc(usd)

    def hit(self, kind: str) -> None:
        """Count a question that needed no call of its own; *kind* is one of HITS."""
        self._hits[kind].inc()

    def breaker(self, state: str) -> None:
        """Set the state of this process's breaker: a key of BREAKER."""
        self._state.set(BREAKER[state])

    def dropped(self, what: str, count: int) -> None:
        """Count parts of answers that did not check out; *what* is one of DROPS."""
        self._dropped[what].inc(count)

    def _count_outcomes(self, registry: CollectorRegistry) -> None:
        self._failures = _counter(registry, "failures", "Failed language model steps", "reason", FAILURES)
        self._skips = _counter(
            registry, "skips", "Diagnoses that no language model was asked about", "reason", SKIPS
        )
        self._narratives = _counter(
            registry, "narratives", "Narratives by whether they moved the root cause", "moved", MOVED
        )
        self._dropped = _counter(
            registry, "dropped", "Parts of answers that did not check out", "what", DROPS
        )

    def _count_calls(self, registry: CollectorRegistry) -> None:
        self._requests = Counter("aiops_llm_requests", "Requests to the provider", registry=registry)
        self._latency = Histogram(
            "aiops_llm_latency_seconds",
            "Time from a request to the provider to its answer or failure",
            buckets=_SECONDS,
            registry=registry,
        )
        kinds = tuple(label for label, _ in _kinds(Usage()))
        self._tokens = _counter(registry, "tokens", "Tokens taken, as the provider says", "type", kinds)
        self._cost = Counter(
            "aiops_llm_cost_usd", "What the tokens cost by the list price, in US dollars", registry=registry
        )
        self._hits = _counter(
            registry, "cache_hits", "Questions answered without a call of their own", "kind", HITS
        )


def _kinds(usage: Usage) -> tuple[tuple[str, int], ...]:
    return (
        ("input", usage.input),
        ("output", usage.output),
        ("cache_read", usage.cache_read),
        ("cache_write", usage.cache_write),
    )


def _counter(
    registry: CollectorRegistry, name: str, what: str, label: str, values: tuple[str, ...]
) -> dict[str, Counter]:
    """A counter with one label: what counts each of its *values*."""
    counter = Counter(f"aiops_llm_{name}", what, [label], registry=registry)
    return {value: counter.labels(value) for value in values}
