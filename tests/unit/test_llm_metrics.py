"""The figures of the language model step: there from the start, bounded, right over several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.enrich.answer import DROPS
from aiops_rca.enrich.asking import FAILURES, SKIPS

LABELS = {
    "failures": ("reason", FAILURES),
    "skips": ("reason", SKIPS),
    "narratives": ("moved", ("true", "false")),
    "tokens": ("type", ("input", "output", "cache_read", "cache_write")),
    "cache_hits": ("kind", ("stored", "shared")),
    "dropped": ("what", DROPS),
}
# One process of a service: counts something, then ends, as a worker or its correlator does.
PROCESS = """
import sys
from prometheus_client import CollectorRegistry
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.domain.narrative import Usage
metrics = LlmMetrics(CollectorRegistry(), sys.argv[1])
if sys.argv[1] == "correlator":
    metrics.failed("timeout")
    metrics.skipped("unchanged", 3)
    metrics.narrated(moved=True)
    metrics.requested()
    metrics.took(2.5)
    metrics.tokens(Usage(1000, 200, 30, 4), 0.25)
    metrics.tokens(Usage(1, 0, 0, 0), None)
    metrics.hit("stored")
    metrics.dropped("surplus", 2)
    metrics.breaker("open")
"""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> CollectorRegistry:
    """What a scrape says after a worker that did nothing and a correlator that did something."""
    folder = tmp_path_factory.mktemp("figures")
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    running = [
        subprocess.Popen([sys.executable, "-c", PROCESS, process], env=environment)
        for process in ("worker", "correlator")
    ]
    assert [process.wait(30) for process in running] == [0, 0]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return registry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """One figure."""
    return registry.get_sample_value(f"aiops_llm_{name}", labels)


@pytest.mark.parametrize("name", LABELS)
def test_every_label_is_there_from_the_start(scraped: CollectorRegistry, name: str) -> None:
    """What never happened stands at 0, so that a rate of it can be asked for."""
    label, values = LABELS[name]

    assert [value(scraped, f"{name}_total", **{label: of}) for of in values].count(None) == 0


def test_processes_add_up(scraped: CollectorRegistry) -> None:
    """What either process counts is in the figures of the service."""
    seen = {
        "failures": value(scraped, "failures_total", reason="timeout"),
        "skips": value(scraped, "skips_total", reason="unchanged"),
        "narratives": value(scraped, "narratives_total", moved="true"),
        "requests": value(scraped, "requests_total"),
        "latency": value(scraped, "latency_seconds_sum"),
        "input": value(scraped, "tokens_total", type="input"),
        "cache_write": value(scraped, "tokens_total", type="cache_write"),
        "usd": value(scraped, "cost_usd_total"),
        "hits": value(scraped, "cache_hits_total", kind="stored"),
        "dropped": value(scraped, "dropped_total", what="surplus"),
    }

    assert seen == {
        "failures": 1,
        "skips": 3,
        "narratives": 1,
        "requests": 1,
        "latency": 2.5,
        "input": 1001,
        "cache_write": 4,
        "usd": 0.25,
        "hits": 1,
        "dropped": 2,
    }


def test_each_process_has_its_breaker(scraped: CollectorRegistry) -> None:
    """Its state stands under the name of the process, without a process id."""
    states = [value(scraped, "breaker_state", process=process) for process in ("worker", "correlator")]

    assert states == [0, 2]


@pytest.mark.parametrize(
    "count",
    [
        lambda metrics: metrics.failed("sk-ant-something"),
        lambda metrics: metrics.skipped("another"),
        lambda metrics: metrics.hit("lucky"),
        lambda metrics: metrics.dropped("a word of the model", 1),
        lambda metrics: metrics.breaker("ajar"),
    ],
)
def test_no_label_is_ever_added(count: Callable[[LlmMetrics], None]) -> None:
    """A word that is no label of the metric is an error, not another time series."""
    with pytest.raises(KeyError):
        count(LlmMetrics(CollectorRegistry(), "worker"))
