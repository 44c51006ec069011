"""A storm of webhooks: alerts accepted durably and folded a second, and how soon incidents are diagnosed.

    python3 run.py bench storm [--json]

First 64 connections send Alertmanager bodies of 25 alerts as fast as they are answered, in rounds, and the
correlator catches up after each; once about few signals that flap, once about ever new ones. Then 10,000
alerts a second come for longer than they are held, and at last storms of 300 alerts in 12 groups.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import uvloop

from aiops_rca.adapters.store import IncidentReader, open_engine
from aiops_rca.live.rows import Wanted
from barrage import Answer, Body, barrage, group, stamp
from served import Served, seed, served

CONNECTIONS = 64
BODIES = 256
ROUNDS = 3
ROUND_SEC = 5.0
WARM_SEC = 1.0
STORMS = 5
SUSTAINED_SEC = 40.0
SUSTAINED_PER_SEC = 10_000
PATIENCE_SEC = 300.0
SHAPES = {
    "flapping": "the same 6,400 signals fire and resolve again and again",
    "fresh": "every signal fires once and resolves",
}
SERVICES = (
    "frontend cartservice redis-cart productcatalogservice recommendationservice adservice"
    " currencyservice checkoutservice paymentservice shippingservice emailservice frontend-external"
).split()


def main() -> None:
    """Measure and print a table, or JSON with --json."""
    with tempfile.TemporaryDirectory() as folder:
        figures = {name: _throughput(Path(folder), name) for name in SHAPES}
        figures["sustained"] = _sustained(Path(folder))
        figures["storm_of_300"] = _storms(Path(folder))
    print(json.dumps(figures) if "--json" in sys.argv else _table(figures))


@contextmanager
def _service(folder: Path, name: str, **settings: str) -> Iterator[tuple[Served, IncidentReader]]:
    """A service with a state of its own, and the incidents of that state."""
    home = folder / name
    state = home / "state"
    home.mkdir()
    seed(home)
    with served(home, env={"AIOPS_STATE_DIR": str(state), **settings}) as service:
        engine = open_engine(f"sqlite:///{state / 'incidents.db'}")
        incidents = IncidentReader(engine)
        try:
            _until(lambda: bool(incidents.standing().holder), "no correlator")
            yield service, incidents
        finally:
            engine.dispose()


def _held(seconds: int) -> dict[str, str]:
    """The settings with which alerts are held, and belong together, for so long."""
    return {"AIOPS_LIVE_HOLD_SEC": str(seconds), "AIOPS_GAP_SEC": str(seconds)}


def _throughput(folder: Path, shape: str) -> dict[str, Any]:
    with _service(folder, shape) as (service, incidents):
        url, bodies = _bodies(service, fresh=shape == "fresh")
        uvloop.run(barrage(url, bodies, connections=CONNECTIONS, seconds=WARM_SEC))
        _drained(service.url)
        with _watched(service.process.pid) as memory:
            rounds = [_round(url, bodies, incidents, service.url) for _ in range(ROUNDS)]
    figures: dict[str, Any] = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
    figures["not_202"] = sum(r["not_202"] for r in rounds)
    return {**figures, "accepted_total": sum(r["accepted"] for r in rounds), "rss_mb": memory}


def _bodies(service: Served, *, fresh: bool) -> tuple[str, list[Body]]:
    url = f"{service.url}/webhooks/alertmanager"
    named = zip(range(BODIES), cycle(SERVICES), strict=False)
    return url, [Body(group(name, n), url, name, fresh=fresh) for n, name in named]


def _round(url: str, bodies: list[Body], incidents: IncidentReader, base: str) -> dict[str, float]:
    """Load for a while, then wait until all of it is folded."""
    before = incidents.standing()
    began = time.perf_counter()
    answers = uvloop.run(barrage(url, bodies, connections=CONNECTIONS, seconds=ROUND_SEC))
    loaded = time.perf_counter() - began
    meanwhile = incidents.standing().events - before.events
    _drained(base)
    folded_in = time.perf_counter() - began
    accepted = sum(answer.accepted for answer in answers)
    lost = accepted - (incidents.standing().events - before.events)
    assert lost == 0, f"{lost} accepted alerts were not folded"
    return {
        **_waits(answers),
        "accepted": accepted,
        "accepted_per_s": round(accepted / loaded),
        "folded_under_load_per_s": round(meanwhile / loaded),
        "folded_per_s": round(accepted / folded_in),
        "folded_alone_per_s": round((accepted - meanwhile) / max(0.001, folded_in - loaded)),
        "not_202": sum(answer.status != httpx.codes.ACCEPTED for answer in answers),
    }


def _sustained(folder: Path) -> dict[str, Any]:
    """A steady stream of ever new signals that are held for five seconds: does it keep up, does it grow?"""
    with _service(folder, "sustained", **_held(5)) as (service, incidents):
        url, bodies = _bodies(service, fresh=True)
        with _watched(service.process.pid) as memory:
            steady = barrage(
                url, bodies, connections=CONNECTIONS, seconds=SUSTAINED_SEC, per_sec=SUSTAINED_PER_SEC / 25
            )
            answers = uvloop.run(steady)
            behind = _lag(service.url)
            _drained(service.url)
        accepted = sum(answer.accepted for answer in answers)
        lost = accepted - incidents.standing().events
    assert lost == 0, f"{lost} accepted alerts were not folded"
    figures = {"accepted_per_s": round(accepted / SUSTAINED_SEC), "behind_at_the_end": behind}
    return {**_waits(answers), **figures, "rss_mb": memory}


def _waits(answers: list[Answer]) -> dict[str, float]:
    cuts = statistics.quantiles([answer.took * 1000 for answer in answers], n=1000, method="inclusive")
    return {"p50_ms": round(cuts[499], 2), "p99_ms": round(cuts[989], 2), "p999_ms": round(cuts[998], 2)}


def _drained(base: str) -> None:
    """Wait until the journal's last entry is folded."""
    _until(lambda: _lag(base) == 0, "the correlator does not catch up")


def _until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SEC
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def _lag(base: str) -> float:
    text = httpx.get(f"{base}/metrics", timeout=30).text
    found = re.search(r"^aiops_journal_lag_alerts(?:\{[^}]*\})? (\S+)$", text, re.MULTILINE)
    assert found, "no aiops_journal_lag_alerts in /metrics"
    return float(found[1])


@contextmanager
def _watched(root: int) -> Iterator[dict[str, list[float]]]:
    """Resident memory in MB of the worker and the correlator: at the start, then every second."""
    found: dict[str, list[float]] = {"worker": [], "correlator": []}
    stop = threading.Event()

    def watch() -> None:
        while True:
            sizes = _sizes(root)
            for name, size in sizes.items():
                found[name].append(size)
            if stop.wait(1.0):
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def _sizes(root: int) -> dict[str, float]:
    """MB of the correlator, and of the largest other process below *root*."""
    sizes = {"worker": 0.0, "correlator": 0.0}
    for pid in _below(root):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:  # it has just ended
            continue
        size = re.search(r"VmRSS:\s+(\d+) kB", status)
        name = "correlator" if b"correlator" in command else "worker"
        sizes[name] = max(sizes[name], round(int(size[1]) / 1024, 1) if size else 0.0)
    return sizes


def _below(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def _storms(folder: Path) -> dict[str, Any]:
    """Storms one after the other; each ends, and its incidents with it, before the next begins."""
    with _service(folder, "storms", **_held(1)) as (service, incidents):
        url = f"{service.url}/webhooks/alertmanager"
        waits: list[float] = []
        for number in range(STORMS):
            waits += _storm(url, number, incidents)
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    return {
        "groups": len(waits),
        "p50_s": round(cuts[49], 3),
        "p95_s": round(cuts[94], 3),
        "max_s": round(max(waits), 3),
    }


def _storm(url: str, number: int, incidents: IncidentReader) -> list[float]:
    """Seconds from each group's webhook to a diagnosis that knows its service."""
    bodies = {name: Body(group(name, number), url, name) for name in SERVICES}
    began = round(time.time() * 1000)
    sent: dict[str, float] = {}
    with httpx.Client(timeout=30) as client:
        for name, body in bodies.items():
            sent[name] = time.perf_counter()
            _post(client, url, body.firing(stamp()))
        waits = _diagnosed(sent, incidents, began)
        for body in bodies.values():
            _post(client, url, body.over(stamp()))
    time.sleep(2.5)  # past the hold: the next storm is another incident
    return waits


def _post(client: httpx.Client, url: str, request: bytes) -> None:
    body = request.partition(b"\r\n\r\n")[2]
    answer = client.post(url, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text


def _diagnosed(sent: dict[str, float], incidents: IncidentReader, since: int) -> list[float]:
    joined: dict[str, int] = {}  # service -> the incident's count of changes when it was first seen there
    waits: dict[str, float] = {}
    deadline = time.monotonic() + 60
    while len(waits) < len(sent):
        assert time.monotonic() < deadline, f"not diagnosed: {sorted(set(sent) - set(waits))}"
        for row in incidents.incidents(Wanted(opened_from=since - 1000), before=None, limit=50):
            for name in row.record.services:
                seen = joined.setdefault(name, row.record.changes)
                if name not in waits and row.diagnosis and row.diagnosis.changes >= seen:
                    waits[name] = time.perf_counter() - sent[name]
        time.sleep(0.01)
    return list(waits.values())


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{CONNECTIONS} connections, bodies of 25 alerts, median of {ROUNDS} rounds of {ROUND_SEC:g} s"]
    for shape, meaning in SHAPES.items():
        lines += [f"{shape}: {meaning}", *_rows(figures[shape])]
    lines.append(f"{SUSTAINED_PER_SEC} alerts a second for {SUSTAINED_SEC:g} s, held for 5 s")
    lines += _rows(figures["sustained"])
    lines.append(f"webhook to diagnosis, {STORMS} storms of 300 alerts in 12 groups")
    return "\n".join([*lines, *_rows(figures["storm_of_300"])])


def _rows(figures: dict[str, Any]) -> list[str]:
    memory = figures.get("rss_mb", {})
    lines = [f"  {name:<32}{value:>12g}" for name, value in figures.items() if name != "rss_mb"]
    for name, sizes in memory.items():
        half = sizes[len(sizes) // 2]
        lines.append(f"  MB of the {name:<22}{sizes[0]:>12g}, half way {half:g}, at last {sizes[-1]:g}")
    return lines


if __name__ == "__main__":
    main()
