"""A real Alertmanager before the real service: what it tells becomes incidents, whatever is in the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alertmanager import STRANGER, Alertmanager, alertmanager, labels
from served import Served, free_port, seed, served
from shown import alerts_of, every_incident, figure, homes
from webhooks import wait_for

STORM = ("frontend", "checkoutservice", "cartservice", "redis-cart")
APART = "invoicing"  # not in the graph, so near nothing
OLD_AND_NEW = {"AIOPS_SOURCES_ALERTMANAGER_TOKENS": "the-old-one the-new-one"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store that holds the shipped graph and history."""
    folder = tmp_path_factory.mktemp("alertmanager")
    seed(folder)
    return folder


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[Served]:
    """The service; of two tokens either one opens it, as while they are changed."""
    with served(home, env=OLD_AND_NEW) as running:
        yield running


@pytest.fixture(scope="module")
def sender(service: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """An Alertmanager with the right token and, for the team `stranger`, a wrong one."""
    with alertmanager(tmp_path_factory.mktemp("sender"), service.url, token="the-new-one") as running:
        yield running


def about(service: Served, *services: str) -> list[dict[str, Any]]:
    """The incidents that hold nothing but *services*."""
    return [row for row in every_incident(service) if set(row["services"]) <= set(services)]


def test_an_alert_fires_and_is_resolved(service: Served, sender: Alertmanager) -> None:
    """The incident opens when Alertmanager says so, and is over at the end that it names."""
    since = round(time.time()) - 20
    sender.tell(labels(APART, 1), since=since)
    wait_for(lambda: [row["status"] for row in about(service, APART)] == ["open"])

    sender.tell(labels(APART, 1), since=since, until=since + 15)

    wait_for(lambda: [row["status"] for row in about(service, APART)] == ["resolved"])
    (shown,) = about(service, APART)
    (alert,) = alerts_of(service, shown["id"])
    assert (alert["source"], alert["ended"]) == ("alertmanager", "resolved")
    assert seconds_between(shown["opened_at"], shown["resolved_at"]) == 15


def seconds_between(one: str, other: str) -> float:
    """From one time as shown to another."""
    first, second = (time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S") for text in (one, other))
    return time.mktime(second) - time.mktime(first)


def test_a_storm_arrives_whole(service: Served, sender: Alertmanager) -> None:
    """Of 2,000 alerts told at once, in many bodies, each is in one incident, and nothing else is."""
    bodies = webhooks(service, 202)
    told = [
        {**label, "number": f"{shard}-{label['number']}"}
        for shard in range(10)
        for each in STORM
        for label in labels(each, 50, shard=str(shard))
    ]
    sender.tell(told, since=time.time() - 5)

    wait_for(lambda: sum(row["alert_count"] for row in about(service, *STORM)) == len(told) == 2000)
    assert webhooks(service, 202) - bodies >= 40
    shown = about(service, *STORM)
    assert [row["services"] for row in shown] == [sorted(STORM)]
    named = [(a["service"], a["labels"]["number"]) for a in alerts_of(service, shown[0]["id"])]
    assert sorted(named) == sorted((label["service"], label["number"]) for label in told)


def test_a_wrong_token_lets_nobody_in(service: Served, sender: Alertmanager) -> None:
    """It is answered 401, which is counted here and there, and no incident comes of it."""
    sender.tell(labels("adservice", 1, team=STRANGER), since=time.time() - 5)

    wait_for(lambda: webhooks(service, 401))
    wait_for(sender.failed)
    assert about(service, "adservice") == []
    bare = httpx.post(f"{service.url}/webhooks/alertmanager", json={"version": "4", "alerts": []})
    assert (bare.status_code, bare.json()["error"]["code"]) == (401, "unauthorized")


def webhooks(service: Served, status: int) -> float:
    """How many webhooks of Alertmanager were answered with *status*."""
    sample = f'aiops_webhook_requests_total{{source="alertmanager",status="{status}"}}'
    return figure(f"{service.url}/metrics", sample)


def test_what_could_not_be_taken_comes_again(home: Path, tmp_path: Path) -> None:
    """Answered 503 while the journal is full, then with nobody there at all, Alertmanager loses nothing."""
    port = free_port()
    env = {
        "AIOPS_SOURCES_ALERTMANAGER_TOKENS": "token",
        "AIOPS_STATE_DIR": str(tmp_path / "state"),
        "AIOPS_LOG_LEVEL": "warning",
    }
    first, second = ([f"{half}-{n}" for n in range(200)] for half in ("first", "second"))
    with alertmanager(tmp_path / "sender", f"http://127.0.0.1:{port}", token="token") as sender:
        with served(home, port=port, env=env | {"AIOPS_LIVE_JOURNAL_MAX_BYTES": "131072"}) as full:
            sender.tell(told(first), since=time.time() - 5)
            wait_for(lambda: webhooks(full, 503) > 1)
            taken = set(homes(full, shard))
            assert taken < set(first)
        sender.tell(told(second), since=time.time() - 5)
        before = sender.failed()
        wait_for(lambda: sender.failed() > before)
        with served(home, port=port, env=env) as service:
            wait_for(lambda: len(homes(service, shard)) == len(first + second))

            found = homes(service, shard)
            assert set(found) == {*first, *second}
            assert {len(incidents) for incidents in found.values()} == {1}


def told(shards: list[str]) -> list[dict[str, str]]:
    """The labels of one alert for each shard, and so of one body each."""
    return [label for name in shards for label in labels("cartservice", 1, shard=name, text="x" * 500)]


def shard(alert: dict[str, Any]) -> str:
    """What tells such alerts apart."""
    name: str = alert["labels"]["shard"]
    return name
