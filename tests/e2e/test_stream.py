"""Webhooks in, incidents out, over real HTTP: whatever is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aiops_rca.adapters.processes import is_dead
from served import Served, bentoml, command, environment, seed, served
from webhooks import body, get, holder, incidents, parent_of, pid_of, post, wait_for

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
    assert holder(service) != killed


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
    assert holder(service) != before


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


def test_listeners_do_not_hold_up_the_end(service: Served) -> None:
    """A service with somebody at `/stream` ends when it is told to, and the stream with it, in order."""
    with httpx.stream("GET", f"{service.url}/stream", timeout=10) as stream:
        lines = stream.iter_lines()
        assert stream.status_code == 200
        assert next(lines).startswith("retry:")
        began = time.monotonic()

        service.process.terminate()

        for _ in lines:  # to its end: one that is cut off raises
            pass
        service.process.wait(20)
        assert time.monotonic() - began < 4


def test_a_database_out_of_reach_is_waited_for(home: Path, state: Path) -> None:
    """Until it can be used nothing is accepted and nobody is sent here; then it goes on by itself."""
    (state / "journal.db").mkdir(parents=True)
    told = body("frontend", since=time.time() - 5)
    with served(home, env={"AIOPS_STATE_DIR": str(state)}, ready=False) as service:
        wait_for(lambda: httpx.get(f"{service.url}/version").json()["graph_version"])
        ready = httpx.get(f"{service.url}/readyz")
        refused = httpx.post(f"{service.url}/webhooks/alertmanager", json=told)
        assert (ready.status_code, refused.status_code) == (503, 503)
        assert not ready.json()["checks"]["journal"]["ok"]
        assert int(refused.headers["retry-after"]) > 0

        (state / "journal.db").rmdir()

        answer = post(service, "/webhooks/alertmanager", told)
        assert answer.json() == {"accepted": 1, "duplicates": 0, "quarantined": 0}
        wait_for(lambda: incidents(service))
        wait_for(lambda: httpx.get(f"{service.url}/readyz").status_code == 200)


@pytest.fixture(scope="module")
def packed(home: Path) -> Path:
    """A store with a bento of the project; where its program lies."""
    bentoml(home, "build", "--version", "v1")
    return home / "bentos" / "aiops_rca" / "v1" / "src"


def test_a_bento_keeps_its_state_under_its_home(home: Path, packed: Path) -> None:
    """A served bento does the same; nothing is written where its program lies."""
    env = {"AIOPS_STATE_DIR": "kept"}
    with served(home, target=("aiops_rca:v1",), cwd=home, env=env) as service:
        post(service, "/webhooks/alertmanager", body("frontend", since=time.time() - 5))
        wait_for(lambda: [row for row in incidents(service) if row["root_cause"]])
        (shown,) = incidents(service)
        detail = get(service, f"/incidents/{shown['id']}")

        assert detail["diagnosis"]["versions"]["bento"] == "aiops_rca:v1"
        assert (service.log.parent / "kept" / "journal.db").is_file()
    assert not list(packed.rglob("*.db"))


def test_a_correlator_may_stand_apart(home: Path, packed: Path, state: Path) -> None:
    """`aiops-rca correlator` in a bento finds what that pins, folds, and ends when told to."""
    apart = {"AIOPS_STATE_DIR": str(state), "AIOPS_LIVE_CORRELATOR": "apart"}
    with served(home, target=("aiops_rca:v1",), cwd=home, env=apart) as service:
        accepted = post(service, "/webhooks/alertmanager", body("frontend", since=time.time() - 5))
        assert accepted.status_code == 202
        assert incidents(service) == []
        correlator = subprocess.Popen(
            [sys.executable, "-m", "aiops_rca", "correlator", "--project", str(packed)],
            env=environment(home, apart),
        )
        try:
            wait_for(lambda: [row for row in incidents(service) if row["root_cause"]])
            assert pid_of(holder(service)) == correlator.pid
        finally:
            correlator.send_signal(signal.SIGTERM)

        assert correlator.wait(20) == 0
