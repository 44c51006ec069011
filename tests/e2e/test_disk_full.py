"""No room: a journal at its quota, or a full disk. What was accepted stays, and it goes on by itself."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from aiops_rca.adapters.store import Journal, open_engine, places
from processes import descendants
from served import Served, seed, served
from shown import homes, wait_until_folded
from webhooks import body, wait_for

QUOTA = 400_000
DISK_BYTES = 8 << 20
LEFT_BYTES = 300_000
OF_EACH_BODY = 25
REFUSED_IN_A_ROW = 3


class Place(Protocol):
    """Somewhere to keep state that has no more than *env* or `crowd` leave it, until `make_room`."""

    state: Path
    env: dict[str, str]

    def crowd(self, service: Served) -> None:
        """Leave little room."""
        ...

    def make_room(self, service: Served) -> None:
        """Do what somebody would who is told that there is none."""
        ...


class Quota:
    """The journal may not grow further; old entries go, as they do by themselves after `keep_days`."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.env = {"AIOPS_LIVE_JOURNAL_MAX_BYTES": str(QUOTA)}

    def crowd(self, service: Served) -> None:
        """Nothing: the quota is there from the start."""

    def make_room(self, service: Served) -> None:
        """Prune what is folded."""
        wait_until_folded(service)
        engine = open_engine(places(None, self.state).journal_url)
        journal = Journal(engine)
        assert journal.prune(round(time.time() * 1000) + 1, journal.head().seq) > 0
        engine.dispose()


class SmallDisk:
    """A disk of a few megabytes, filled with something else."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._disk = folder / "disk"
        self._disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self._disk)]
        subprocess.run(mount, check=True, capture_output=True)
        stack.callback(subprocess.run, ["umount", "--lazy", str(self._disk)], check=True)
        self.state = self._disk / "state"
        self.env: dict[str, str] = {}

    def crowd(self, service: Served) -> None:
        """Let something else take the room."""
        del service
        there = os.statvfs(self._disk)
        (self._disk / "ballast").write_bytes(bytes(there.f_bavail * there.f_frsize - LEFT_BYTES))

    def make_room(self, service: Served) -> None:
        """Delete that."""
        del service
        (self._disk / "ballast").unlink()


class FailingWrites:
    """Where nobody may mount: no file of the service may grow beyond a size."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.env: dict[str, str] = {}

    def crowd(self, service: Served) -> None:
        """Let files grow a little, and no more."""
        largest = max(file.stat().st_size for file in self.state.iterdir())
        _limit_files(service, largest + LEFT_BYTES)

    def make_room(self, service: Served) -> None:
        """Lift the limit."""
        _limit_files(service, resource.RLIM_INFINITY)


def _limit_files(service: Served, size: int) -> None:
    for pid in descendants(service.process.pid):
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store that holds the shipped graph and history."""
    folder = tmp_path_factory.mktemp("full")
    seed(folder)
    return folder


@pytest.fixture(params=[pytest.param("quota", marks=pytest.mark.slow), "disk"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place that becomes full."""
    with ExitStack() as stack:
        if request.param == "quota":
            yield Quota(tmp_path)
            return
        try:
            disk: Place = SmallDisk(tmp_path, stack)
        except (OSError, subprocess.CalledProcessError):
            disk = FailingWrites(tmp_path)
        yield disk


@pytest.fixture
def service(home: Path, place: Place) -> Iterator[Served]:
    """The service that keeps its state in *place*."""
    env = {"AIOPS_STATE_DIR": str(place.state), "AIOPS_LOG_LEVEL": "warning"}
    with served(home, env=env | place.env) as running:
        yield running


def bodies() -> Iterator[dict[str, Any]]:
    """Body after body, every alert a signal of its own."""
    since = time.time() - 5
    for number in count():
        told = body(*["cartservice"] * OF_EACH_BODY, since=since)
        for position, alert in enumerate(told["alerts"]):
            alert["labels"]["shard"] = f"{number}-{position}"
        yield told


def shards(told: dict[str, Any]) -> list[str]:
    """The alerts of a body, by name."""
    return [alert["labels"]["shard"] for alert in told["alerts"]]


def name(alert: dict[str, Any]) -> str:
    """The same of an alert as shown."""
    shard: str = alert["labels"]["shard"]
    return shard


def send(service: Served, told: dict[str, Any]) -> httpx.Response:
    """One attempt."""
    return httpx.post(f"{service.url}/webhooks/alertmanager", json=told, timeout=30)


def test_without_room_nothing_is_lost(service: Served, place: Place) -> None:
    """Refused with 503 until there is room, which nobody needs to tell it; what was answered 202 is kept."""
    place.crowd(service)
    kept: list[str] = []
    refused: list[dict[str, Any]] = []
    for told in bodies():
        answer = send(service, told)
        if answer.status_code == 202:
            kept += shards(told)
            continue
        refused.append(told)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "full")
        assert int(answer.headers["retry-after"]) >= 1
        if len(refused) == REFUSED_IN_A_ROW:
            break
    ready = httpx.get(f"{service.url}/readyz", timeout=10)

    assert (ready.status_code, ready.json()["checks"]["journal"]["ok"]) == (503, False)
    assert len(kept) >= OF_EACH_BODY

    place.make_room(service)
    wait_for(lambda: httpx.get(f"{service.url}/readyz", timeout=10).status_code == 200)
    for told in refused:
        assert send(service, told).json() == {"accepted": OF_EACH_BODY, "duplicates": 0, "quarantined": 0}
        kept += shards(told)
    wait_until_folded(service)
    found = homes(service, name)

    assert set(found) == set(kept)
    assert {len(incidents) for incidents in found.values()} == {1}
