"""The step after the batch: which clusters it asks about, and how it ends when the service does."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from aiops_rca.domain.diagnosis import WITH_LLM, Diagnosis
from aiops_rca.domain.release import Release
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.pipeline import diagnose
from aiops_rca.web.enriching import Enriching
from aiops_rca.web.incident import PhaseClock, Task
from builders import alert, chain, release

SHOP = release(chain("web", "cart", "db"))


class Narrator:
    """Answers once *open* is set; *reason* closes it, *refused* are clusters not worth a call."""

    def __init__(self, *, reason: str | None = None, refused: frozenset[str] = frozenset()) -> None:
        self.reason, self.refused = reason, refused
        self.open = asyncio.Event()
        self.asked: list[str] = []
        self.cancelled = 0
        self.skips: Counter[str] = Counter()

    def closed(self) -> str | None:
        """Why nobody at all is asked."""
        return self.reason

    def refusal(self, diagnosis: Diagnosis) -> str | None:
        """Why nobody is asked about this one."""
        return "confident" if diagnosis.cluster.services[0] in self.refused else None

    def skipped(self, reason: str, count: int = 1) -> None:
        """Count."""
        self.skips[reason] += count

    async def narrate(
        self,
        diagnosis: Diagnosis,
        release: Release,  # noqa: ARG002 - as `Narrates`
        *,
        target: str | None,  # noqa: ARG002 - as `Narrates`
        deadline: float | None,  # noqa: ARG002 - as `Narrates`
    ) -> Outcome:
        """Wait, then answer."""
        self.asked.append(diagnosis.cluster.services[0])
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Outcome(replace(diagnosis, method=WITH_LLM), "said once")


def _task(*services: str) -> Task:
    """One request whose clusters are one alert each, hours apart."""
    alerts = tuple(alert(service, at=place * 7200) for place, service in enumerate(services))
    task = Task(alerts, None, SHOP, {}, PhaseClock(), large=False)
    task.diagnoses = diagnose(alerts, SHOP)
    return task


def _methods(task: Task) -> list[str]:
    return [diagnosis.method for diagnosis in task.diagnoses or ()]


async def _enriched(narrator: Narrator, task: Task, most: int = 2) -> bool:
    """Take the step as the service does; whether there was anything to wait for."""
    step = Enriching(narrator, most=most, seconds=8)
    waits = step.prepare(task, task.diagnoses or ())
    if waits:
        task.diagnoses = await step(task, task.diagnoses or ())
    return waits


@pytest.mark.parametrize(
    ("reason", "method"), [("no_key", "graph-only-no-key"), ("flag_off", "graph-only-flag-off")]
)
def test_where_nobody_is_asked_nothing_is_waited_for(reason: str, method: str) -> None:
    """The request goes on at once, and says why."""

    async def run() -> None:
        narrator, task = Narrator(reason=reason), _task("web", "cart", "db")

        assert not await _enriched(narrator, task)
        assert task.method == method
        assert narrator.skips == {reason: 3}

    asyncio.run(run())


def test_an_answer_without_a_firing_alert_asks_nobody() -> None:
    """There is nothing to put into words."""

    async def run() -> None:
        narrator, task = Narrator(), _task()

        assert not await _enriched(narrator, task)
        assert task.method == "graph-only-skipped"
        assert narrator.skips == {"empty": 1}

    asyncio.run(run())


def test_the_first_clusters_are_asked_about_at_once_and_in_order() -> None:
    """Those beyond say that nobody was asked; what is to be said of all is said once."""

    async def run() -> None:
        narrator, task = Narrator(), _task("web", "cart", "db")
        narrator.open.set()
        assert await _enriched(narrator, task)

        assert _methods(task) == ["graph+llm", "graph+llm", "graph-only"]
        assert task.method == "graph-only-skipped"
        assert [part.reason for part in task.degraded] == ["said once"]
        assert narrator.skips == {"too_many": 1}

    asyncio.run(run())


def test_where_all_are_refused_nothing_is_waited_for() -> None:
    """Each says why by its own method."""

    async def run() -> None:
        narrator, task = Narrator(refused=frozenset({"web", "cart"})), _task("web", "cart")

        assert not await _enriched(narrator, task)
        assert _methods(task) == ["graph-only-confident"] * 2
        assert narrator.asked == []

    asyncio.run(run())


def test_the_end_of_the_service_gives_the_graphs_answer() -> None:
    """Who waits when the service is asked to end has the answer without words now, as has who comes later."""

    async def run() -> None:
        narrator, task, late = Narrator(), _task("web", "cart"), _task("db")
        step = Enriching(narrator, most=2, seconds=8)
        assert step.prepare(task, task.diagnoses or ())
        waiting = asyncio.create_task(step(task, task.diagnoses or ()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        step.close()
        task.diagnoses = await waiting

        assert _methods(task) == ["graph-only-skipped"] * 2
        assert [part.reason for part in task.degraded] == ["busy: the service is about to end"]
        assert narrator.cancelled == 2
        assert not step.prepare(late, late.diagnoses or ())
        assert late.method == "graph-only-skipped"

    asyncio.run(run())


def test_a_caller_that_hangs_up_ends_its_calls() -> None:
    """Cancelling the step cancels what it waits for."""

    async def run() -> None:
        narrator, task = Narrator(), _task("web")
        step = Enriching(narrator, most=2, seconds=8)
        step.prepare(task, task.diagnoses or ())
        waiting = asyncio.create_task(step(task, task.diagnoses or ()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert narrator.cancelled == 1

    asyncio.run(run())
