"""The correlator beside a real service: hung, fed what it cannot digest, or told what cannot be.

What must not happen is silence: nothing folded, nobody told why.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from aiops_rca.adapters.processes import is_dead
from aiops_rca.adapters.store import migrate, open_engine, places
from served import ROOT, environment, free_port, seed, served
from webhooks import body, get, holder, incidents, pid_of, post, wait_for

BAD_URLS = {"AIOPS_NOTIFY_URLS": "json://127.0.0.1:9 slack://s3cret-token/y"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store that holds the shipped graph and history."""
    folder = tmp_path_factory.mktemp("correlator")
    seed(folder)
    return folder


def ended(*arguments: str, home: Path, state: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """How a command ends, and what it says; its standard input stays open, as a parent would keep it."""
    theirs, ours = os.pipe()
    with os.fdopen(theirs, "rb") as stdin, os.fdopen(ours, "wb"):
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            env=environment(home, {"AIOPS_STATE_DIR": str(state), **env}),
            cwd=ROOT,
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_one_that_hangs_is_noticed_and_replaced(home: Path, tmp_path: Path) -> None:
    """Readiness and metrics say that nobody folds, requests are accepted; soon another one goes on."""
    with served(home, env={"AIOPS_STATE_DIR": str(tmp_path / "state")}) as service:
        since = time.time() - 5
        post(service, "/webhooks/alertmanager", body("frontend", since=since))
        wait_for(lambda: incidents(service))
        hung = holder(service)
        assert "aiops_correlator_up 1.0" in httpx.get(f"{service.url}/metrics").text

        os.kill(pid_of(hung), signal.SIGSTOP)
        post(service, "/webhooks/alertmanager", body("checkoutservice", since=since))

        wait_for(lambda: not get(service, "/readyz")["checks"]["correlator"]["ok"])
        assert "aiops_correlator_up 0.0" in httpx.get(f"{service.url}/metrics").text
        wait_for(lambda: [row["alert_count"] for row in incidents(service)] == [2])
        assert is_dead(hung)
        assert get(service, "/readyz")["status"] == "ready"
        service.wait_for_log("child process hangs")


def test_what_cannot_be_folded_holds_up_nothing(home: Path, tmp_path: Path) -> None:
    """A damaged entry ends in quarantine and in a metric; the correlator goes on, and lives."""
    state = tmp_path / "state"
    with served(home, env={"AIOPS_STATE_DIR": str(state)}) as service:
        before = holder(service)
        row = (time.time_ns() // 1_000_000, "alerts", "alertmanager", 1, 1, b"\xc1damaged")
        with closing(sqlite3.connect(state / "journal.db", timeout=10)) as journal:
            columns = "received_at, kind, source, alerts, total, payload"
            journal.execute(f"INSERT INTO journal ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)  # noqa: S608
            journal.commit()
        post(service, "/webhooks/alertmanager", body("frontend", since=time.time() - 5))

        wait_for(lambda: [row["services"] for row in incidents(service)] == [["frontend"]])
        (piece,) = get(service, "/quarantine")["items"]
        assert piece["reason"].startswith("the fold failed: ")
        assert "payload_base64" in json.loads(piece["body"])
        wait_for(lambda: "aiops_entries_not_folded 1.0" in httpx.get(f"{service.url}/metrics").text)
        assert holder(service) == before


@pytest.mark.parametrize(
    "command",
    [
        ("bentoml", "serve", ".", "--host", "127.0.0.1"),
        ("aiops_rca", "serve"),
        ("aiops_rca", "correlator"),
        ("aiops_rca", "correlator", "--while-stdin"),
    ],
    ids=" ".join,
)
def test_a_bad_url_is_said_at_once(command: tuple[str, ...], home: Path, tmp_path: Path) -> None:
    """Nothing starts that could tell nobody; the setting is named, and what is secret in it is not."""
    port = ("--port", str(free_port())) if "serve" in command else ()

    code, said = ended(*command, *port, home=home, state=tmp_path / "state", env=BAD_URLS)

    assert code != 0
    assert "notify.urls[1]" in said
    assert "s3cret" not in said


def test_last_words_are_lines_of_the_log(home: Path, tmp_path: Path) -> None:
    """What ends a correlator that a service keeps, foreseen or not, is JSON like all the rest of its log."""
    state = tmp_path / "state"
    incidents_db = open_engine(places(None, state).incidents_url)
    migrate(incidents_db, "incidents")
    with incidents_db.begin() as connection:
        connection.execute(text("DROP TABLE standing"))
    incidents_db.dispose()
    beside = ("aiops_rca", "correlator", "--while-stdin")

    refused, foreseen = ended(*beside, home=home, state=state, env=BAD_URLS)
    failed, unforeseen = ended(*beside, home=home, state=state, env={})

    assert (refused, failed) == (2, 1)
    first, last = (json.loads(said.splitlines()[-1]) for said in (foreseen, unforeseen))
    assert (first["msg"], first["field"]) == ("cannot begin", "notify.urls[1]")
    assert (last["msg"], last["level"]) == ("the process ends", "critical")
    assert "no such table" in last["exc"]
    assert all(line.startswith("{") for line in (foreseen + unforeseen).splitlines())
