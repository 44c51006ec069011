"""Worker, correlator and all of the service killed in a storm: nothing is lost, nothing is there twice.

The storm is told by a sender that repeats each body until it has its 202, as Alertmanager does. What must
come of it is known beforehand, whatever the order of arrival: see `Storm`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import LONG
from processes import correlator, kill, kill_all, worker
from served import Served, command, free_port, seed, served
from shown import every_incident, homes, wait_until_folded
from webhooks import body, holder

OF_EACH_BODY = 25
KILLS_IN_A_STORM = 20  # of 10,000 alerts
STORMS = 10 if LONG else 1
CHAIN = ("adservice", "emailservice", "redis-cart", "cartservice")  # only the last one is near the others
APART = "legacy-batch"  # in no graph, so near nothing
EPOCH_SEC = 300  # further than any two alerts that belong together
HOLD_SEC = 86_400  # nothing of the storm is too late to count
EPOCH_ALERTS = 500


class Storm:
    """*epochs* outbreaks, each of which must become two incidents: the chain's, and one far from it.

    The bridge in the chain may come last, which merges what began as three. What is apart is resolved.
    """

    def __init__(self, epochs: int, before: float, chance: random.Random) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.groups: list[frozenset[str]] = []
        for epoch in range(epochs):
            since = before - (epoch + 1) * EPOCH_SEC
            for services, resolved in ((CHAIN, False), ((APART,), True)):
                firing = list(_bodies(services, epoch, since, len(services)))
                self.groups.append(frozenset(_name(alert) for one in firing for alert in one["alerts"]))
                self.bodies += firing
                if resolved:
                    self.bodies += [_resolved(one, since) for one in firing]
        chance.shuffle(self.bodies)


def _bodies(services: Sequence[str], epoch: int, since: float, share: int) -> Iterator[dict[str, Any]]:
    for service in services:
        for number in range(EPOCH_ALERTS * share // len(services) // (len(CHAIN) + 1) // OF_EACH_BODY):
            told = body(*[service] * OF_EACH_BODY, since=since)
            for position, alert in enumerate(told["alerts"]):
                alert["labels"] |= {"epoch": f"{since:.0f}-{epoch}", "shard": f"{number}-{position}"}
            yield told


def _resolved(told: dict[str, Any], since: float) -> dict[str, Any]:
    ends = body(APART, since=since + 60)["alerts"][0]["startsAt"]
    return {**told, "alerts": [{**a, "status": "resolved", "endsAt": ends} for a in told["alerts"]]}


def _name(alert: dict[str, Any]) -> str:
    """What tells an alert from all others, as sent and as shown."""
    labels = alert["labels"]
    service = alert.get("service") or labels["service"]
    return f"{service} {labels['epoch']} {labels['shard']}"


class Ordeal:
    """A service that is killed and started again on one state, and a sender that does not give up."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self._home, self._stack = home, stack
        self._port = free_port()
        self.state = home / "kept"
        self.service = self._serve()

    def _serve(self) -> Served:
        env = {
            "AIOPS_STATE_DIR": str(self.state),
            "AIOPS_LIVE_HOLD_SEC": str(HOLD_SEC),
            "AIOPS_LOG_LEVEL": "warning",
        }
        return self._stack.enter_context(served(self._home, env=env, port=self._port))

    def kill(self, what: str) -> None:
        """Kill one or all of the service's processes; what nobody starts again, start again."""
        if what == "service":
            kill_all(self.service)
            self.service = self._serve()
        else:
            kill({"worker": worker, "correlator": correlator}[what](self.service))

    def deliver(self, told: dict[str, Any]) -> None:
        """Send *told* until it is accepted; what was kept but not answered is a duplicate then."""
        url = f"http://127.0.0.1:{self._port}/webhooks/alertmanager"
        deadline = time.monotonic() + 120
        while True:
            assert time.monotonic() < deadline, "never accepted"
            try:
                answer = httpx.post(url, json=told, timeout=10)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if answer.status_code < 500:
                break
        assert (answer.status_code, sum(answer.json().values())) == (202, OF_EACH_BODY)

    def endure(self, storm: Storm, kills: Sequence[str], chance: random.Random) -> None:
        """Send all of *storm* while at random moments each of *kills* happens."""
        with ThreadPoolExecutor(4) as senders:
            for turn, what in enumerate(kills):
                holder(self.service)  # else most kills would meet a correlator that has not begun
                sent = [senders.submit(self.deliver, told) for told in storm.bodies[turn :: len(kills)]]
                time.sleep(chance.uniform(0, 0.4))
                self.kill(what)
                for one in sent:
                    one.result()


def _check(service: Served, storms: Sequence[Storm]) -> None:
    """Every alert is in one incident, with those it belongs to; what is over is known to be over."""
    wait_until_folded(service)
    found = homes(service, _name)
    assert {len(incidents) for incidents in found.values()} == {1}
    together: dict[str, set[str]] = {}
    for alert, (id,) in found.items():
        together.setdefault(id, set()).add(alert)
    assert set(map(frozenset, together.values())) == {group for storm in storms for group in storm.groups}
    for incident in every_incident(service):
        assert incident["status"] == ("resolved" if incident["services"] == [APART] else "open")


@pytest.fixture
def ordeal(tmp_path: Path) -> Iterator[Ordeal]:
    """A service to be tried."""
    seed(tmp_path)
    with ExitStack() as stack:
        yield Ordeal(tmp_path, stack)


def test_kills_in_a_storm_lose_nothing(ordeal: Ordeal) -> None:
    """Two ends of the correlator and one of everything, in 2,000 alerts."""
    chance = random.Random(20261121)
    storm = Storm(4, time.time(), chance)

    ordeal.endure(storm, ("correlator", "service", "correlator"), chance)

    assert sum(map(len, storm.groups)) == 2000
    _check(ordeal.service, [storm])


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_many_kills_lose_nothing(tmp_path: Path, ordeal: Ordeal) -> None:
    """Twenty in each storm of 10,000 alerts, of every kind; and a replay of the journal finds the same."""
    chance = random.Random(20261120)
    began = time.time()
    storms = []
    for turn in range(STORMS):
        storm = Storm(20, began - turn * 20 * EPOCH_SEC, chance)
        assert sum(map(len, storm.groups)) == 10_000
        kills = ["correlator"] * 13 + ["service"] * 5 + ["worker"] * 2
        assert len(kills) == KILLS_IN_A_STORM
        chance.shuffle(kills)
        ordeal.endure(storm, kills, chance)
        storms.append(storm)

    _check(ordeal.service, storms)
    shown = homes(ordeal.service, _id)
    assert shown == _replayed(tmp_path, ordeal.state)


def _id(alert: dict[str, Any]) -> str:
    name: str = alert["id"]
    return name


def _replayed(home: Path, state: Path) -> dict[str, list[str]]:
    """The incidents of each alert, as a replay of the journal finds them."""
    env = {"AIOPS_LIVE_HOLD_SEC": str(HOLD_SEC)}
    found: dict[str, list[str]] = {}
    for line in command("replay", "--journal", str(state), home=home, env=env).splitlines():
        incident = json.loads(line)
        for alert in incident["alerts"]:
            found.setdefault(alert["id"], []).append(incident["id"])
    return found
