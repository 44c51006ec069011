"""Webhooks in, incidents out, over real HTTP: whatever is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiops_rca.adapters.processes import is_dead
from served import Served, command, seed, served

PATIENCE_SEC = 30.0
SERVICES = ("frontend", "checkoutservice", "cartservice", "redis-cart")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store that holds the shipped graph and history."""
    folder = tmp_path_factory.mktemp("stream")
    seed(folder)
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where one test keeps its journal and incidents."""
    return tmp_path / "state"


@pytest.fixture
def service(home: Path, state: Path) -> Iterator[Served]:
    """The service with a state of its own."""
    with served(home, env={"AIOPS_STATE_DIR": str(state)}) as running:
        yield running


def body(*services: str, since: float, resolved: bool = False, kind: str = "Latency") -> dict[str, Any]:
    """What Alertmanager sends about *services*; they fire since *since* (epoch seconds)."""
    starts = _rfc3339(since)
    alerts = [
        {
            "status": "resolved" if resolved else "firing",
            "labels": {"alertname": f"{kind}High", "service": service, "severity": "critical"},
            "annotations": {"summary": f"{service} is slow"},
            "startsAt": starts,
            "endsAt": _rfc3339(time.time()) if resolved else "0001-01-01T00:00:00Z",
            "generatorURL": "",
        }
        for service in services
    ]
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "rca", "alerts": alerts}


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def post(service: Served, path: str, document: Mapping[str, Any]) -> httpx.Response:
    """POST *document*; while no worker listens, as after a kill, again."""
    found: list[httpx.Response] = []

    def accepted() -> bool:
        try:
            found.append(httpx.post(service.url + path, json=document, timeout=10))
        except httpx.TransportError:
            return False
        return found[-1].status_code < 500

    wait_for(accepted)
    return found[-1]


def get(service: Served, path: str) -> Any:
    """GET *path* as JSON."""
    return httpx.get(service.url + path, timeout=10).raise_for_status().json()


def incidents(service: Served) -> list[dict[str, Any]]:
    """Every incident, newest first; none while no worker listens."""
    try:
        found: list[dict[str, Any]] = get(service, "/incidents")["items"]
    except httpx.HTTPError:
        return []
    return found


def wait_for(holds: Callable[[], object]) -> None:
    """Return when *holds* does."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not holds():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.05)


def holder(service: Served, *, other_than: str = "") -> str:
    """The process that has the correlator's lease, once there is one that is not *other_than*."""
    found: list[str] = []

    def held() -> bool:  # what /readyz says may be a second old
        detail: str = get(service, "/readyz")["checks"]["correlator"]["detail"]
        found.append(detail.partition("held by ")[2])
        return found[-1] not in {"", other_than}

    wait_for(held)
    return found[-1]


def pid_of(name: str) -> int:
    """The process id in the name of a holder."""
    return int(name.split(":")[-2])


def parent_of(pid: int) -> int:
    """The process that started *pid*: of a correlator beside it, the worker."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def test_a_webhook_becomes_a_diagnosed_incident(service: Served) -> None:
    """Kept, folded, diagnosed and shown; told again it is a duplicate; resolved it is over."""
    since = time.time() - 5
    first = post(service, "/webhooks/alertmanager", body(*SERVICES, since=since))
    again = post(service, "/webhooks/alertmanager", body(*SERVICES, since=since))

    assert (first.status_code, first.json()) == (202, {"accepted": 4, "duplicates": 0, "quarantined": 0})
    assert again.json() == {"accepted": 0, "duplicates": 4, "quarantined": 0}
    wait_for(lambda: [row for row in incidents(service) if row["root_cause"]])
    (shown,) = incidents(service)
    assert (shown["status"], shown["alert_count"]) == ("open", 4)
    assert shown["services"] == sorted(SERVICES)
    assert shown["root_cause"]["service"] in SERVICES
    detail = get(service, f"/incidents/{shown['id']}")
    assert detail["diagnosis"]["number"] == 1
    assert detail["diagnosis"]["versions"]["graph"] == "online-boutique-1"

    post(service, "/webhooks/alertmanager", body(*SERVICES, since=since, resolved=True))
    wait_for(lambda: [row["status"] for row in incidents(service)] == ["resolved"])


def test_a_killed_correlator_is_replaced(service: Served) -> None:
    """The next one goes on at once, knows what was open, and misses nothing."""
    since = time.time() - 5
    post(service, "/webhooks/alertmanager", body("frontend", since=since))
    wait_for(lambda: incidents(service))
    killed = holder(service)

    os.kill(pid_of(killed), signal.SIGKILL)
    post(service, "/webhooks/alertmanager", body("checkoutservice", since=since))

    wait_for(lambda: [row["alert_count"] for row in incidents(service)] == [2])
    assert is_dead(killed)
    assert not is_dead(holder(service, other_than=killed))


def test_a_killed_worker_takes_its_correlator_along(service: Served) -> None:
    """What was accepted is still there; the new worker has a correlator of its own and knows duplicates."""
    since = time.time() - 5
    post(service, "/webhooks/alertmanager", body("frontend", since=since))
    wait_for(lambda: incidents(service))
    before = holder(service)

    os.kill(parent_of(pid_of(before)), signal.SIGKILL)
    wait_for(lambda: is_dead(before))
    answer = post(service, "/webhooks/alertmanager", body("frontend", "checkoutservice", since=since))

    assert answer.json() == {"accepted": 1, "duplicates": 1, "quarantined": 0}
    wait_for(lambda: [row["alert_count"] for row in incidents(service)] == [2])
    assert not is_dead(holder(service, other_than=before))


def test_a_restart_goes_on(home: Path, state: Path) -> None:
    """After a clean end another service shows the same incident and lets it end; the processes are gone."""
    since = time.time() - 5
    env = {"AIOPS_STATE_DIR": str(state)}
    with served(home, env=env) as service:
        post(service, "/webhooks/alertmanager", body("frontend", since=since))
        wait_for(lambda: incidents(service))
        (before,) = incidents(service)
        correlator = holder(service)
        service.process.terminate()
        service.process.wait(20)
        assert is_dead(correlator)
    with served(home, env=env) as service:
        assert [row["id"] for row in incidents(service)] == [before["id"]]
        post(service, "/webhooks/alertmanager", body("frontend", since=since, resolved=True))
        wait_for(lambda: [row["status"] for row in incidents(service)] == ["resolved"])


def test_what_people_ask_is_done(service: Served) -> None:
    """A command goes through the journal; its answer shows the incident as it is after it."""
    post(service, "/webhooks/alertmanager", body("frontend", since=time.time() - 5))
    wait_for(lambda: incidents(service))
    (shown,) = incidents(service)

    answer = post(service, f"/incidents/{shown['id']}/ack", {"by": "ana"})

    assert answer.status_code == 200
    assert answer.json()["acknowledged"]["by"] == "ana"
    assert [row["status"] for row in incidents(service)] == ["acknowledged"]


def test_a_journal_replayed_gives_the_same_bytes(home: Path, service: Served, state: Path) -> None:
    """`aiops-rca replay` finds what the service shows, again and again the same."""
    since = time.time() - 5
    post(service, "/webhooks/alertmanager", body(*SERVICES, since=since))
    wait_for(lambda: [row for row in incidents(service) if row["root_cause"]])
    (shown,) = incidents(service)

    said = command("replay", "--journal", str(state), home=home)

    assert command("replay", "--journal", str(state / "journal.db"), home=home) == said
    (replayed,) = map(json.loads, said.splitlines())
    for key in ("id", "status", "opened_at", "services", "alert_count", "signal_count", "max_severity"):
        assert replayed[key] == shown[key]
    assert replayed["diagnosis"]["root_cause"]["service"] == shown["root_cause"]["service"]
    assert {alert["service"] for alert in replayed["alerts"]} == set(SERVICES)
    assert command("replay", "--journal", str(state), "--until", str(since - 60), home=home) == ""
