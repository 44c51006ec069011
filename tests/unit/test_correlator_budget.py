"""Many live incidents at once and a small budget, with the real client of a provider on loopback."""

from __future__ import annotations

import time

import pytest
from prometheus_client import CollectorRegistry

from aiops_rca.adapters.llm.provider import Provider as Asker
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.enrich.asking import PART
from aiops_rca.narrator.step import Narrator
from asked import settings
from diagnosed import SETTLE, Line
from provider import Provider
from stream import firing

INCIDENTS, CALLS = 40, 20


class Allowed:
    """The switch is on, and nobody has judged anything yet."""

    enabled = True
    record: TrackRecord = NO_RECORD


def test_a_storm_of_incidents_costs_no_more_than_the_budget(caplog: pytest.LogCaptureFixture) -> None:
    """So many are put into words; the others keep the graph's answer, and say which budget was used up."""
    registry = CollectorRegistry()
    metrics = LlmMetrics(registry, "correlator")
    events = [firing(f"s{n}", 0, metric=metric) for n in range(INCIDENTS) for metric in ("x", "y")]
    with Provider() as model:
        llm = settings(model.url, timeout_s=10.0, calls_per_minute=CALLS)
        asker = Asker(llm, metrics, lambda _usage: None)
        narrator = Narrator(asker, Allowed(), metrics, llm)
        line = Line(narrator=narrator, at_once=llm.max_in_flight, closing=asker.close)
        line.tell(*events, at=1)
        assert line.narrating is not None
        line.wait(1 + SETTLE)
        deadline = time.monotonic() + 10
        while line.narrating._calls or line.narrating._waiting:
            assert time.monotonic() < deadline
            assert len(line.narrating._calls) <= llm.max_in_flight
            time.sleep(0.002)
            line.wait(2 + SETTLE)
        line.close()
        requests = len(model.requests)
    shown = line.shown()
    methods = [one.root_cause.method for one in shown]
    left = [one for one in shown if one.narrative is None]

    assert len(line.stream.standing()) == INCIDENTS
    assert requests == CALLS
    assert sorted(methods) == ["graph+llm"] * CALLS + ["graph-only-skipped"] * (INCIDENTS - CALLS)
    assert {piece.reason for one in left for piece in one.degraded if piece.part == PART} == {
        f"calls_per_minute: the budget of {CALLS} calls a minute is used up"
    }
    skips = registry.get_sample_value("aiops_llm_skips_total", {"reason": "calls_per_minute"})
    assert skips == INCIDENTS - CALLS
    assert [entry for entry in caplog.records if entry.levelname in ("WARNING", "ERROR")] == []
