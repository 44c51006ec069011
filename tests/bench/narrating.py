"""What a language model costs in latency: with faults, while it is down, where nobody is asked; and memory.

    python3 run.py bench narrating [--json]

The service as shipped but for its budgets, and a provider on loopback that takes as long as a small model
does: lognormal, median 2.7 s. With one network and one machine for all, only the waiting is real.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

import provider as providers
from provider import KEY, Exchange, Provider, Step
from served import Served, seed, served

INCIDENTS = 400
AT_ONCE = 32
MEDIAN_SEC, SPREAD = 2.7, 0.35
# of 100 answers: 4 never come, 5 are "overloaded", 2 "too many requests, come back in 100 s", 2 are cut off
FAULTS: Sequence[tuple[int, Step]] = (
    (4, providers.hang(60)),
    (5, providers.err(529)),
    (2, providers.err(429, {"retry-after": "100"})),
    (2, providers.truncated()),
)
QUIET = 500
FLAT = 10_000
LARGE = {
    "AIOPS_LLM_CALLS_PER_MINUTE": "1000000",
    "AIOPS_LLM_CALLS_PER_DAY": "1000000",
    "AIOPS_LLM_TOKENS_PER_MINUTE": "1000000000",
    "AIOPS_LLM_TOKENS_PER_DAY": "1000000000",
    "AIOPS_LLM_MAX_IN_FLIGHT": "64",
}


def main() -> None:
    """Measure and print a table, or JSON with --json."""
    with tempfile.TemporaryDirectory() as folder, Provider() as model:
        home = Path(folder)
        seed(home)
        env = {**LARGE, "ANTHROPIC_API_KEY": KEY, "AIOPS_LLM_BASE_URL": model.url}
        with served(home) as keyless, served(home, env=env) as service:
            figures = {
                "13 % faults": asyncio.run(_with_faults(service, model)),
                "nobody asked": asyncio.run(_unasked(service, keyless, model)),
                "provider down": asyncio.run(_down(service, keyless, model)),
            }
        with served(home, env=env) as service:
            figures["memory"] = asyncio.run(_memory(service, model))
    print(json.dumps(figures) if "--json" in sys.argv else _table(figures))


def _chaos(seed: int) -> Step:
    """A provider as on a bad day; the same day for the same *seed*."""
    chance = random.Random(seed)

    def step(exchange: Exchange) -> None:
        drawn = chance.uniform(0, 100)
        for share, fault in FAULTS:
            if drawn < share:
                return fault(exchange)
            drawn -= share
        seconds = chance.lognormvariate(0, SPREAD) * MEDIAN_SEC
        return providers.hang(seconds)(exchange)

    return step


def incident(number: int) -> dict[str, Any]:
    """An incident like no other."""
    rows = (
        ("redis-cart", f"redis_memory_used_ratio_{number}", 0.99, 0.9),
        ("redis-cart", "redis_command_duration_p99_seconds", 0.8, 0.1),
        ("cartservice", "request_duration_p99_seconds", 2.5, 0.5),
        ("frontend", "request_duration_p99_seconds", 3.1, 1.0),
    )
    return {
        "alerts": [
            {
                "id": f"{number}-{place}",
                "ts": 1_780_887_600 + 5 * place,
                "service": service,
                "metric": metric,
                "severity": "error",
                "value": value,
                "threshold": threshold,
            }
            for place, (service, metric, value, threshold) in enumerate(rows)
        ]
    }


async def _ask(client: httpx.AsyncClient, number: int) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    response = await client.post("/incident", json=incident(number))
    response.raise_for_status()
    return time.perf_counter() - began, response.json()


async def _ask_all(url: str, numbers: Sequence[int], at_once: int) -> list[tuple[float, dict[str, Any]]]:
    gate = asyncio.Semaphore(at_once)
    limits = httpx.Limits(max_connections=at_once)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def one(number: int) -> tuple[float, dict[str, Any]]:
            async with gate:
                return await _ask(client, number)

        return await asyncio.gather(*(one(number) for number in numbers))


async def _with_faults(service: Served, model: Provider) -> dict[str, float]:
    model.default = _chaos(7)
    found = await _ask_all(service.url, range(INCIDENTS), AT_ONCE)
    reasons = Counter(part["reason"].split(":")[0] for _, a in found for part in a["degraded"])
    methods = Counter(answer["root_cause"]["method"] for _, answer in found)
    right = sum(answer["root_cause"]["service"] == "redis-cart" for _, answer in found)
    return {
        **_quantiles([seconds for seconds, _ in found]),
        "answered": right,
        "with narrative": methods["graph+llm"],
        "requests": len(model.requests),
        **{f"failed: {reason}": count for reason, count in sorted(reasons.items())},
    }


async def _unasked(service: Served, keyless: Served, model: Provider) -> dict[str, float]:
    """The same question in turn: without a key, switched off, and known already, while 30 others wait."""
    model.default = providers.ok()
    await _ask_all(service.url, [10_000], 1)
    model.default = providers.hang(6.0)
    waiting = asyncio.create_task(_ask_all(service.url, range(20_000, 20_030), 30))
    await asyncio.sleep(0.5)
    known, none = await _in_turn(service.url, keyless.url, [10_000] * QUIET)
    await waiting
    await asyncio.to_thread(_switch, service, enabled=False)
    off, _ = await _in_turn(service.url, keyless.url, range(30_000, 30_000 + QUIET))
    await asyncio.to_thread(_switch, service, enabled=None)
    return {
        **_milliseconds("no key", none),
        **_milliseconds("answer known, 30 others waiting", known),
        **_milliseconds("switched off", off),
    }


def _switch(service: Served, *, enabled: bool | None) -> None:
    httpx.put(f"{service.url}/admin/llm", json={"enabled": enabled}).raise_for_status()


async def _in_turn(first: str, second: str, numbers: Sequence[int]) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    async with (
        httpx.AsyncClient(base_url=first, timeout=60) as one,
        httpx.AsyncClient(base_url=second, timeout=60) as other,
    ):
        for number in numbers:
            times[0].append((await _ask(one, number))[0])
            times[1].append((await _ask(other, number))[0])
    return times


async def _down(service: Served, keyless: Served, model: Provider) -> dict[str, float]:
    """Nobody answers: what the first ones wait, what the others do, and how often it is tried."""
    model.default = providers.hang(60)
    first = await _ask_all(service.url, range(40_000, 40_008), 8)
    before, began = len(model.requests), time.monotonic()
    later: list[float] = []
    plain: list[float] = []
    while time.monotonic() - began < 150:
        number = 50_000 + len(later)
        mine, theirs = await _in_turn(service.url, keyless.url, [number])
        later, plain = [*later, *mine], [*plain, *theirs]
        await asyncio.sleep(0.02)
    minutes = (time.monotonic() - began) / 60
    return {
        "first 8, longest s": round(max(seconds for seconds, _ in first), 2),
        "then incidents": len(later),
        **_milliseconds("then", later),
        **_milliseconds("no key", plain),
        "probes a minute": round((len(model.requests) - before) / minutes, 2),
    }


async def _memory(service: Served, model: Provider) -> dict[str, float]:
    """Resident memory of the worker while ever new incidents are put into words."""
    model.default = providers.ok()
    found: dict[str, float] = {}
    for start in range(0, FLAT, 2000):
        await _ask_all(service.url, range(100_000 + start, 100_000 + start + 2000), 16)
        text = (await httpx.AsyncClient().get(f"{service.url}/metrics")).text
        line = next(line for line in text.splitlines() if line.startswith("aiops_process_resident"))
        found[f"MB after {start + 2000}"] = round(float(line.split()[-1]) / 1e6, 1)
    return found


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    names = {"p50 s": cuts[49], "p95 s": cuts[94], "p99 s": cuts[98], "longest s": max(seconds)}
    return {name: round(value, 2) for name, value in names.items()}


def _milliseconds(name: str, seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"{name}, p50 ms": round(cuts[49] * 1000, 2), f"{name}, p99 ms": round(cuts[98] * 1000, 2)}


def _table(figures: dict[str, dict[str, float]]) -> str:
    lines: list[str] = []
    for title, rows in figures.items():
        lines.append(title)
        lines += [f"  {name:<44}{value:>10g}" for name, value in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
