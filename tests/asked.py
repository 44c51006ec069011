"""A question to a provider, and a desk to ask it from with the real client, for tests."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from aiops_rca.adapters.llm.provider import Provider as Asker
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.domain.narrative import Usage
from aiops_rca.enrich.asking import PARSE_ERROR, NotAskedError, Reply, Request, StepError
from aiops_rca.settings import Llm
from provider import KEY

PROMPT = "cart is slow since +15 s"  # part of each question: it must not be logged
TOKENS = 500
USD_PER_TOKEN = 0.001
ANSWERED = "answered"


class Clock:
    """A clock that moves by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.seconds


def settings(url: str, **changes: Any) -> Llm:
    """Settings for the provider at *url*, with a short time for each question."""
    return Llm.model_validate({"base_url": url, "api_key": SecretStr(KEY), "timeout_s": 2.0, **changes})


def question(about: str = "a storm", *, tokens: int = TOKENS) -> Request:
    """A question in the form that the API wants; another text is another question."""
    document = {
        "candidates": [{"id": "C1", "name": "cart"}, {"id": "C2", "name": "redis"}],
        "evidence": [{"id": "E1", "about": "C1", "text": PROMPT}, {"id": "E2", "about": "C2", "text": about}],
        "actions": [{"id": "A1", "title": "Restart it"}],
    }
    content = json.dumps(document, sort_keys=True)
    body = {
        "model": "claude-haiku-4-5",
        "max_tokens": 256,
        "messages": [{"role": "user", "content": content}],
    }
    return Request(body, hashlib.sha256(content.encode()).hexdigest(), tokens)


def finished(reply: Reply) -> None:
    """Accept an answer that the model ended by itself."""
    if reply.stop_reason != "end_turn":
        raise StepError(PARSE_ERROR, "not ended")


class Desk:
    """An asker, and what its metrics say of the time since it was made."""

    def __init__(self, llm: Llm, clock: Callable[[], float] | None = None) -> None:
        self.llm = llm
        self.registry = CollectorRegistry()
        self.metrics = LlmMetrics(self.registry, "worker")
        more = {} if clock is None else {"clock": clock}
        self.asker = Asker(llm, self.metrics, _cost, **more)
        self._before = self._figures()

    async def reply(
        self, about: str = "a storm", *, seconds: float | None = None, tokens: int = TOKENS
    ) -> Reply:
        """What `ask` returns or raises; *seconds* is another time than the settings say."""
        deadline = asyncio.get_running_loop().time() + (self.llm.timeout_s if seconds is None else seconds)
        return await self.asker.ask(question(about, tokens=tokens), finished, deadline=deadline)

    async def ask(self, about: str = "a storm", *, seconds: float | None = None, tokens: int = TOKENS) -> str:
        """How asking ends: ANSWERED or the reason why not."""
        try:
            await self.reply(about, seconds=seconds, tokens=tokens)
        except (StepError, NotAskedError) as error:
            return error.reason
        return ANSWERED

    def figure(self, name: str, **labels: str) -> float:
        """By how much the metric *name* has grown; gauges too."""
        key = (f"aiops_llm_{name}", tuple(sorted(labels.items())))
        return self._figures()[key] - self._before.get(key, 0.0)

    def _figures(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
        }


@asynccontextmanager
async def desk(url: str, *, clock: Callable[[], float] | None = None, **changes: Any) -> AsyncIterator[Desk]:
    """A desk for the provider at *url* until the block ends."""
    made = Desk(settings(url, **changes), clock)
    try:
        yield made
    finally:
        await made.asker.close()


def inherited() -> dict[str, str]:
    """The environment without proxies, and with the way to this folder's parts, for another process."""
    here = str(Path(__file__).resolve().parent)
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "PYTHONPATH": os.pathsep.join([here, kept.get("PYTHONPATH", "")])}


def _cost(usage: Usage) -> float | None:
    return usage.total * USD_PER_TOKEN
