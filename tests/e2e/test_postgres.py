"""The whole on PostgreSQL: several services append to one journal, a correlator apart folds it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from postgres import Postgres
from served import ROOT, environment, seed, served
from webhooks import body, get, incidents, post, wait_for


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty database on a real server."""
    try:
        server = Postgres()
    except FileNotFoundError:
        pytest.skip("PostgreSQL is not installed")
    yield server.database()
    server.remove()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store that holds the shipped graph and history."""
    folder = tmp_path_factory.mktemp("postgres")
    seed(folder)
    return folder


@contextmanager
def correlating(home: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A correlator process of its own."""
    command = [sys.executable, "-m", "aiops_rca", "correlator", "--project", str(ROOT)]
    env = environment(home, {"AIOPS_LIVE_DATABASE_URL": url})
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_two_services_and_a_correlator_share_one_database(home: Path, url: str) -> None:
    """What either accepts is in one incident, both show it, and a correlator that dies is replaced."""
    since = time.time() - 5
    env = {"AIOPS_LIVE_DATABASE_URL": url}
    with served(home, env=env) as one, served(home, env=env) as other:
        post(one, "/webhooks/alertmanager", body("frontend", since=since))
        post(other, "/webhooks/alertmanager", body("cartservice", "redis-cart", since=since))
        assert incidents(one) == []  # nobody folds yet: on PostgreSQL no correlator stands beside a service
        with correlating(home, url):
            wait_for(lambda: [row for row in incidents(one) if row["alert_count"] == 3 and row["root_cause"]])
            (shown,) = incidents(one)
            assert [row["id"] for row in incidents(other)] == [shown["id"]]
            acknowledged = post(other, f"/incidents/{shown['id']}/ack", {"by": "ana"})
            assert (acknowledged.status_code, acknowledged.json()["status"]) == (200, "acknowledged")
        again = post(other, "/webhooks/alertmanager", body("frontend", since=since, resolved=True))
        assert again.json()["accepted"] == 1
        with correlating(home, url):  # the one before was killed: its lease is taken over at once
            wait_for(lambda: [row["open_alerts"] for row in incidents(one)] == [2])
            assert get(one, "/readyz")["checks"]["journal"]["ok"]


def test_the_password_of_the_database_is_never_shown(home: Path, url: str) -> None:
    """Neither the settings page nor the log tells the secret in the URL."""
    secret = "tiger-in-the-tank"  # noqa: S105 - made up
    with_password = url.replace("rca@", f"rca:{secret}@")
    with served(home, env={"AIOPS_LIVE_DATABASE_URL": with_password}) as service:
        with suppress(AssertionError):
            post(service, "/webhooks/alertmanager", {"alerts": "?"})
        shown = str(get(service, "/config"))
        log = service.log.read_text()

    assert "database_url" in shown
    assert secret not in shown + log
