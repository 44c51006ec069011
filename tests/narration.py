"""A service with a key whose model is a provider on loopback, and incidents to put into words."""

from __future__ import annotations

import itertools
from typing import Any

import httpx

from provider import KEY, Provider
from served import Served

DEADLINE_SEC = 1.5
SETTLE_SEC = 0.3
_NUMBERS = itertools.count(1)


def environment_of(model: Provider, **more: str) -> dict[str, str]:
    """What a service needs to be told to ask *model*: little patience, large budgets."""
    return {
        "ANTHROPIC_API_KEY": KEY,
        "AIOPS_LLM_BASE_URL": model.url,
        "AIOPS_LLM_TIMEOUT_S": str(DEADLINE_SEC),
        "AIOPS_LLM_SETTLE_SEC": str(SETTLE_SEC),
        "AIOPS_LLM_CALLS_PER_MINUTE": "10000",
        "AIOPS_LLM_CALLS_PER_DAY": "10000",
        "AIOPS_LLM_TOKENS_PER_MINUTE": "100000000",
        "AIOPS_LLM_TOKENS_PER_DAY": "100000000",
        **more,
    }


def incident(**labels: str) -> dict[str, Any]:
    """A small incident like no other: another metric gives another question."""
    number = next(_NUMBERS)
    rows = [
        ("redis-cart", f"redis_memory_used_ratio_{number}", 0.99, 0.9, "memory"),
        ("redis-cart", "redis_command_duration_p99_seconds", 0.8, 0.1, "latency"),
        ("cartservice", "request_duration_p99_seconds", 2.5, 0.5, "latency"),
        ("frontend", "request_duration_p99_seconds", 3.1, 1.0, "latency"),
    ]
    alerts = [
        {
            "id": f"{number}-{place}",
            "ts": 1_780_887_600 + 5 * place,
            "severity": "error",
            "service": service,
            "metric": metric,
            "value": value,
            "threshold": threshold,
            "labels": {"kind": kind, **labels},
        }
        for place, (service, metric, value, threshold, kind) in enumerate(rows)
    ]
    return {"alerts": alerts}


def post(service: Served, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to *body*, which must be 200."""
    response = httpx.post(f"{service.url}/incident", json=body, timeout=30)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def figure(service: Served, series: str) -> float:
    """The value of *series* now."""
    text = httpx.get(f"{service.url}/metrics").text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{series} "))


def switch(service: Served, *, enabled: bool | None) -> None:
    """Turn the step on, off, or back to its setting."""
    response = httpx.put(f"{service.url}/admin/llm", json={"enabled": enabled})
    assert response.status_code == 200


def without_words(answer: dict[str, Any], *more: str) -> dict[str, Any]:
    """*answer* without what a narrative may change, and without *more* of its keys."""

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            left_out = {"narrative", "method", "timings_ms", *more}
            return {key: plain(value) for key, value in part.items() if key not in left_out}
        return [plain(one) for one in part] if isinstance(part, list) else part

    found: dict[str, Any] = plain(answer)
    return found
