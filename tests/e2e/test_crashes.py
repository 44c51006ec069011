"""Worker and correlator killed again and again in a storm: nothing is lost, nothing is there twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aiops_rca.adapters.processes import is_dead
from aiops_rca.adapters.store import IncidentReader, open_engine, places
from aiops_rca.live.rows import Wanted
from conftest import LONG
from served import Served, command, seed, served
from webhooks import body, get, holder, parent_of, pid_of, post, wait_for

ALERTS = 10_000
OF_EACH_BODY = 25
KILLS = 200 if LONG else 20
WORKERS_KILLED = 0.1 if LONG else 0.2  # a worker is away for ten seconds, a correlator for one
SERVICES = ("frontend", "checkoutservice", "cartservice", "redis-cart", "adservice")


def storm(since: float) -> Iterator[dict[str, Any]]:
    """Bodies of a storm, every alert a signal of its own."""
    for number in range(ALERTS // OF_EACH_BODY):
        told = body(*SERVICES * (OF_EACH_BODY // len(SERVICES)), since=since)
        for position, alert in enumerate(told["alerts"]):
            alert["labels"]["shard"] = f"{number}-{position}"
        yield told


@pytest.mark.slow
@pytest.mark.timeout(1700)
def test_nothing_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    """Every accepted alert is in exactly one incident, as a replay of the journal has it."""
    chance = random.Random(20261120)
    seed(tmp_path)
    state = tmp_path / "state"
    env = {"AIOPS_STATE_DIR": str(state), "AIOPS_LOG_LEVEL": "warning"}
    bodies = list(storm(time.time() - 60))
    with served(tmp_path, env=env) as service, ThreadPoolExecutor(4) as senders:
        for turn in range(KILLS):
            sent = [senders.submit(_deliver, service, told) for told in bodies[turn::KILLS]]
            time.sleep(chance.uniform(0, 0.5))
            _kill(service, worker=chance.random() < WORKERS_KILLED)
            for one in sent:
                one.result()
        wait_for(lambda: "0 alerts, " in get(service, "/readyz")["checks"]["correlator"]["detail"])
        holder(service)

    shown = _shown(state)
    replayed = _replayed(tmp_path, state)
    counts = Counter(alert for alerts in shown.values() for alert in alerts)
    assert set(counts.values()) == {1}
    assert len(counts) == ALERTS
    assert shown == replayed


def _deliver(service: Served, told: dict[str, Any]) -> None:
    """Send *told* until it is accepted, as a sender does; what was kept but not answered is a duplicate."""
    answer = post(service, "/webhooks/alertmanager", told)
    assert answer.status_code == 202
    assert sum(answer.json().values()) == OF_EACH_BODY


def _kill(service: Served, *, worker: bool) -> None:
    correlator = holder(service)
    victim = pid_of(correlator)
    os.kill(parent_of(victim) if worker else victim, signal.SIGKILL)
    wait_for(lambda: is_dead(correlator))


def _shown(state: Path) -> dict[str, frozenset[str]]:
    """The alerts of each incident, as stored."""
    engine = open_engine(places(None, state).incidents_url)
    reader = IncidentReader(engine)
    rows = reader.incidents(Wanted(suppressed=None), limit=ALERTS)
    found = {
        row.record.id: frozenset(alert.id for alert in reader.alerts(row.record.id, limit=2 * ALERTS))
        for row in rows
        if row.record.merged_into is None
    }
    for row in rows:
        if row.record.merged_into is None:
            assert row.record.alert_count == len(found[row.record.id])
    engine.dispose()
    return found


def _replayed(home: Path, state: Path) -> dict[str, frozenset[str]]:
    """The same, as a replay of the journal finds it."""
    lines = command("replay", "--journal", str(state), home=home).splitlines()
    documents = [json.loads(line) for line in lines]
    return {d["id"]: frozenset(alert["id"] for alert in d["alerts"]) for d in documents}
