"""The recorded storm's webhooks as if it had ended just now, told in one way or another."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from served import Served

Body = dict[str, Any]

BODIES = Path(__file__).parent / "data" / "storm-webhooks.jsonl"
_TIME = re.compile(r'"(?:startsAt|endsAt)":"(\d{4}-[^"]+Z)"')
_NEVER = "0001-01-01T00:00:00Z"


def recorded(until: float) -> list[Body]:
    """The bodies in the order they were sent, all times moved so that the last one is *until* (epoch s)."""
    text = BODIES.read_text(encoding="utf-8")
    times = {time for time in _TIME.findall(text) if time != _NEVER}
    moved = until - max(map(_seconds, times))
    text = _TIME.sub(lambda found: _later(found, moved), text)
    bodies = [json.loads(line) for line in text.splitlines()]
    return [*bodies, _end_of(bodies)]


def _end_of(bodies: Sequence[Body]) -> Body:
    """What was not recorded any more: the alerts that still fire end with the recording."""
    told = [alert for body in bodies for alert in body["alerts"]]
    ends = max(alert["endsAt"] for alert in told)
    over = {_firing(alert) for alert in told if alert["status"] == "resolved"}
    left = {_firing(alert): alert for alert in told if _firing(alert) not in over}
    alerts = [{**alert, "status": "resolved", "endsAt": ends} for alert in left.values()]
    return {**bodies[0], "alerts": alerts}


def _firing(alert: dict[str, Any]) -> tuple[str, str]:
    return alert["fingerprint"], alert["startsAt"]


def disordered(bodies: Sequence[Body], chance: random.Random) -> list[Body]:
    """The same alerts, some told twice, cut into other bodies, in any order."""
    alerts = [alert for body in bodies for alert in body["alerts"] for _ in range(chance.randint(1, 2))]
    chance.shuffle(alerts)
    return [{**bodies[0], "alerts": part} for part in _cut(alerts, chance)]


def send(service: Served, bodies: Sequence[Body], *, senders: int = 1) -> None:
    """Tell *bodies*, by several at once if asked to."""

    def post(body: Body) -> None:
        answer = client.post("/webhooks/alertmanager", json=body)
        assert answer.status_code == 202, answer.text

    with httpx.Client(base_url=service.url, timeout=30) as client, ThreadPoolExecutor(senders) as pool:
        list(pool.map(post, bodies))


def _cut(alerts: list[Any], chance: random.Random) -> Iterator[list[Any]]:
    while alerts:
        size = chance.randint(1, 9)
        yield alerts[:size]
        alerts = alerts[size:]


def _later(found: re.Match[str], seconds: float) -> str:
    if found[1] == _NEVER:
        return found[0]
    when = datetime.fromtimestamp(_seconds(found[1]) + seconds, UTC)
    return found[0].replace(found[1], f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
