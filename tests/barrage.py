"""A cheap load generator for webhooks: bodies ready made, raw connections, one request at a time on each.

It shares its cores with what it measures, so it parses no JSON: an answer is a status and a count.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

_STARTS = "@starts@"
_ENDS = "@ends@"
_POD = "@pod@"
_NEVER = "0001-01-01T00:00:00Z"
_METRICS = ("HighLatency", "HighErrorRatio", "CpuThrottled", "MemoryHigh", "RestartLoop")
_ACCEPTED = b'"accepted":'


class Answer(NamedTuple):
    """One answered request: when it was sent (by the generator's clock), seconds it took, its outcome."""

    sent_at: float
    took: float
    status: int
    accepted: int


class Body:
    """One Alertmanager body: by turns all its alerts fire anew, then all of them are resolved.

    With *fresh* it speaks of other pods each time, so that every firing is a signal never seen before.
    """

    def __init__(
        self, alerts: Sequence[dict[str, Any]], url: str, group: str, *, fresh: bool = False
    ) -> None:
        path = urlsplit(url)
        self._head = (
            f"POST {path.path} HTTP/1.1\r\nhost: {path.netloc}\r\ncontent-type: application/json\r\n"
            "user-agent: barrage\r\ncontent-length: "
        ).encode()
        self._firing = _envelope([{**alert, "status": "firing", "endsAt": _NEVER} for alert in alerts], group)
        self._over = _envelope([{**alert, "status": "resolved", "endsAt": _ENDS} for alert in alerts], group)
        self._fresh = fresh
        self._time = 0
        self._since = b""
        self._known = (self._of_now(self._firing), self._of_now(self._over))

    def firing(self, now: bytes) -> bytes:
        """The request that says its alerts fire since *now*."""
        self._since = now
        if self._fresh:
            self._time += 1
            self._known = (self._of_now(self._firing), self._of_now(self._over))
        return self._request(now.join(self._known[0][0]))

    def over(self, now: bytes) -> bytes:
        """The request that says they ended *now*."""
        return self._request(now.join(self._since.join(piece) for piece in self._known[1]))

    def turns(self) -> Iterator[bytes]:
        """Firing, over, firing ... for ever, each at its own time."""
        while True:
            yield self.firing(stamp())
            yield self.over(stamp())

    def _of_now(self, body: bytes) -> list[list[bytes]]:
        """*body* about the pods of this time, in pieces between which the times go."""
        of_now = body.replace(_POD.encode(), b"%06x" % self._time)
        return [piece.split(_STARTS.encode()) for piece in of_now.split(_ENDS.encode())]

    def _request(self, body: bytes) -> bytes:
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


def stamp() -> bytes:
    """The time as senders write it, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z").encode()


def group(service: str, number: int, *, size: int = 25) -> list[dict[str, Any]]:
    """*size* alerts of different signals of *service*; another *number* gives other signals."""
    return [_alert(service, number, n) for n in range(size)]


def _alert(service: str, number: int, n: int) -> dict[str, Any]:
    metric = _METRICS[n % len(_METRICS)]
    pod = f"{service}-{number:04x}{_POD}-{n // len(_METRICS):05x}"
    return {
        "labels": {
            "alertname": metric,
            "cluster": "demo",
            "namespace": "shop",
            "service": service,
            "instance": f"10.{number % 250}.0.{n}:9100",
            "pod": pod,
            "severity": ("warning", "critical")[n % 2],
            "team": "shop",
        },
        "annotations": {
            "summary": f"{metric} on {pod} of {service}",
            "description": f"{metric} has been above its threshold for 2 minutes.",
            "runbook_url": f"https://runbooks.example.com/{service}",
            "value": f"{1 + n / 7:.4f}",
            "threshold": "0.9",
        },
        "startsAt": _STARTS,
        "generatorURL": f"http://prometheus.example.com/graph?g0.expr={metric}&g0.tab=1",
        "fingerprint": f"{number:08x}{n:08x}",
    }


def _envelope(alerts: list[dict[str, Any]], group: str) -> bytes:
    document = {
        "version": "4",
        "receiver": "aiops-rca",
        "status": "firing",
        "groupKey": f'{{}}:{{service="{group}"}}',
        "groupLabels": {"service": group},
        "commonLabels": {"service": group, "team": "shop"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "truncatedAlerts": 0,
        "alerts": alerts,
    }
    return json.dumps(document, separators=(",", ":")).encode()  # compact, as Go writes it


class _Connection(asyncio.Protocol):
    """One connection in a closed loop: the next request leaves when the last was answered.

    It leaves *pace_sec* after the last one at the earliest.
    """

    def __init__(self, requests: Iterator[bytes], told: Callable[[Answer], None], pace_sec: float) -> None:
        self._requests = requests
        self._pace_sec = pace_sec
        self._told = told
        self._sent_at = 0.0
        self._seen = b""
        self._transport: asyncio.Transport | None = None
        self.going = True
        self.idle = asyncio.Event()
        self.idle.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def go(self) -> None:
        """Send the next request, unless it was told to end."""
        if not self.going or self._transport is None:
            return
        self.idle.clear()
        request = next(self._requests)
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, separator, body = self._seen.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._seen = b""
        took = time.perf_counter() - self._sent_at
        self._told(Answer(self._sent_at, took, int(head[9:12]), _accepted(body)))
        self.idle.set()
        if took < self._pace_sec:
            asyncio.get_running_loop().call_later(self._pace_sec - took, self.go)
        else:
            self.go()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.idle.is_set():
            self._told(Answer(self._sent_at, time.perf_counter() - self._sent_at, 0, 0))
        self.going = False
        self.idle.set()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    assert at >= 0, head
    return int(head[at + 17 :].split(b"\r\n", 1)[0])


def _accepted(body: bytes) -> int:
    at = body.find(_ACCEPTED)
    if at < 0:
        return 0
    return int(body[at + len(_ACCEPTED) :].split(b",", 1)[0].split(b"}", 1)[0])


async def barrage(
    url: str, bodies: Sequence[Body], *, connections: int, seconds: float, per_sec: float = 0
) -> list[Answer]:
    """Send *bodies* by turns for *seconds* over so many *connections*, all open before the first request.

    At most *per_sec* bodies a second, 0 = as many as are answered. A body stays with one connection, so
    what it says is said in order. Ends when all is answered.
    """
    place = urlsplit(url)
    assert place.hostname
    assert place.port
    answers: list[Answer] = []
    loop = asyncio.get_running_loop()
    made = []
    pace_sec = connections / per_sec if per_sec else 0.0
    for n in range(connections):
        turns = _in_turn([body.turns() for body in bodies[n::connections]])
        connection = partial(_Connection, turns, answers.append, pace_sec)
        made.append((await loop.create_connection(connection, place.hostname, place.port))[1])
    for protocol in made:
        protocol.go()
    await asyncio.sleep(seconds)
    for protocol in made:
        protocol.going = False
    await asyncio.wait_for(asyncio.gather(*(protocol.idle.wait() for protocol in made)), 60)
    for protocol in made:
        protocol.close()
    return answers


def _in_turn(several: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    while True:
        for one in several:
            yield next(one)
