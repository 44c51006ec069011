"""Incidents as users see them over HTTP: told in any order, taken in hand, listened to, replayed."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

import recorded
from served import ROOT, Served, command, seed, served
from shown import alerts_of, every_incident, wait_until_folded
from webhooks import body, get, post, rfc3339, wait_for

Shown = dict[str, Any]

# Names, what only says how often or in which order something was heard of, and when it was heard of last.
HISTORY = {"id", "event_count", "reopened"}
HISTORY_OF_ALERT = {"joined_because", "seen_at"}


class World(NamedTuple):
    """A running service, where it keeps its state, and the recorded storm that it was told first."""

    service: Served
    home: Path
    state: Path
    bodies: list[recorded.Body]
    storm: list[Shown]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The service after the recorded storm, told as it was recorded."""
    home = tmp_path_factory.mktemp("contract")
    seed(home)
    state = home / "kept"
    bodies = recorded.recorded(until=time.time() - 5)
    with served(home, env={"AIOPS_STATE_DIR": str(state)}) as service:
        recorded.send(service, bodies)
        yield World(service, home, state, bodies, lasting(service))


def lasting(service: Served) -> list[Shown]:
    """All of the incidents that must not depend on how the news of them came, when all of them are over."""
    wait_until_folded(service)
    wait_for(lambda: all(map(is_final, every_incident(service))))
    found = []
    for incident in every_incident(service):
        alerts = [without(alert, HISTORY_OF_ALERT) for alert in alerts_of(service, incident["id"])]
        alerts.sort(key=lambda alert: str(alert["id"]))
        found.append({**without(incident, HISTORY), "alerts": alerts})
    return found


def is_final(incident: Shown) -> bool:
    """Whether it is over and its cause was looked for once more."""
    return incident["status"] == "resolved" and incident["root_cause"] is not None


def without(shown: Shown, keys: set[str]) -> Shown:
    """*shown* but for *keys*."""
    return {key: value for key, value in shown.items() if key not in keys}


def open_one(world: World, *services: str) -> str:
    """Open an incident; the id of the one that the first of *services* is in."""
    answer = post(world.service, "/webhooks/alertmanager", body(*services, since=time.time() - 5))
    assert answer.json()["accepted"] == len(services)
    found: list[Shown] = []

    def is_open() -> bool:
        found[:] = get(world.service, f"/incidents?include_suppressed=true&service={services[0]}")["items"]
        return bool(found)

    wait_for(is_open)
    id: str = found[0]["id"]
    return id


def test_the_order_of_news_changes_nothing(world: World) -> None:
    """Shuffled, told twice, in other bodies and by four at once, the storm ends in the same incidents."""
    told = recorded.disordered(world.bodies, random.Random(20261120))
    with served(world.home) as other:
        recorded.send(other, told, senders=4)

        assert lasting(other) == world.storm


def test_an_incident_and_a_batch_name_the_same_cause(world: World) -> None:
    """What the storm's webhooks are diagnosed as is what `POST /incident` says of the same alerts."""
    batch = json.loads((ROOT / "tests" / "data" / "storm.json").read_text(encoding="utf-8"))
    said = post(world.service, "/incident", batch).json()
    largest = max(world.storm, key=lambda incident: incident["alert_count"])

    assert largest["root_cause"]["service"] == said["root_cause"]["service"] == "redis-cart"


def test_a_merged_incident_leads_on(world: World) -> None:
    """It says what it is part of, sends readers on with 301 and whoever asks for something with 308."""
    into, gone = open_one(world, "merge-1"), open_one(world, "merge-2")
    done = post(world.service, f"/incidents/{gone}/merge", {"into": into, "by": "ana"})
    assert (done.status_code, done.json()["merged_into"]) == (200, into)

    read = httpx.get(f"{world.service.url}/incidents/{gone}")
    assert (read.status_code, read.headers["location"]) == (301, f"/incidents/{into}")
    assert (read.json()["id"], read.json()["status"], read.json()["merged_into"]) == (gone, "merged", into)
    below = httpx.get(f"{world.service.url}/incidents/{gone}/alerts?limit=1")
    assert (below.status_code, below.headers["location"]) == (301, f"/incidents/{into}/alerts?limit=1")
    asked = post(world.service, f"/incidents/{gone}/ack", {"by": "ben"})
    assert (asked.status_code, asked.headers["location"]) == (308, f"/incidents/{into}/ack")

    url = f"{world.service.url}/incidents/{gone}/ack"
    followed = httpx.post(url, json={"by": "ben"}, follow_redirects=True).json()
    assert (followed["id"], followed["acknowledged"]["by"]) == (into, "ben")
    assert (followed["alert_count"], followed["services"]) == (2, ["merge-1", "merge-2"])


def test_alerts_taken_out_make_an_incident_of_their_own(world: World) -> None:
    """It knows where it came from, and the next alert does not bring the two together again."""
    since = time.time() - 5
    id = open_one(world, "split-1")
    post(world.service, "/webhooks/alertmanager", body("split-1", since=since, kind="Errors"))
    wait_for(lambda: len(alerts_of(world.service, id)) == 2)
    errors = next(a for a in alerts_of(world.service, id) if a["labels"]["alertname"] == "ErrorsHigh")

    done = post(world.service, f"/incidents/{id}/split", {"alert_ids": [errors["id"]], "by": "ana"})

    assert (done.status_code, done.json()["alert_count"]) == (200, 1)
    both = get(world.service, "/incidents?service=split-1")["items"]
    (other,) = [incident for incident in both if incident["id"] != id]
    assert (len(both), other["split_from"]) == (2, id)
    assert [alert["id"] for alert in alerts_of(world.service, other["id"])] == [errors["id"]]


def test_what_is_asked_of_an_incident_shows(world: World) -> None:
    """Acknowledged, snoozed, ended by hand, and then it is too late to acknowledge it; its timeline tells."""
    id = open_one(world, "asked-1")
    path = f"/incidents/{id}"
    until = rfc3339(round(time.time()) + 600)

    assert post(world.service, f"{path}/ack", {"by": "ana"}).json()["status"] == "acknowledged"
    snoozed = post(world.service, f"{path}/snooze", {"by": "ana", "until": until}).json()["snoozed_until"]
    ended = post(world.service, f"{path}/resolve", {"by": "ben", "note": "restarted"}).json()
    late = post(world.service, f"{path}/ack", {"by": "ana"})

    assert snoozed.startswith(until.removesuffix("Z"))
    assert (ended["status"], ended["resolved_by"], ended["open_alerts"]) == ("resolved", "ben", 0)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")
    lines = get(world.service, f"{path}/timeline")["items"]
    assert [(line["kind"], line["by"]) for line in lines if line["by"]] == [
        ("acknowledged", "ana"),
        ("snoozed", "ana"),
        ("resolved by hand", "ben"),
    ]
    assert "restarted" in {line["text"] for line in lines}


def test_feedback_waits_to_be_taken_into_the_history(world: World) -> None:
    """Who said what of which incident, and when."""
    id = open_one(world, "feedback-1")
    said = {"root_cause": "feedback-1", "resolution": "rolled back", "wrong": False, "by": "ana"}
    assert post(world.service, f"/incidents/{id}/feedback", said).status_code == 200

    pending = get(world.service, "/history/pending")["items"]
    (found,) = [line for line in pending if line["incident"] == id]

    assert {key: found[key] for key in said} == said
    assert abs(seconds(found["at"]) - time.time()) < 60


def seconds(shown: str) -> float:
    """A time as shown, as epoch seconds."""
    return time.mktime(time.strptime(shown[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone


def test_maintenance_keeps_incidents_quiet_until_it_ends(world: World) -> None:
    """What fires in the window is not listed unless asked for; once the window ends it is."""
    window = {"services": ["window-1"], "starts_at": time.time() - 60, "until": time.time() + 600}
    made = post(world.service, "/maintenance", {**window, "by": "ana"})
    assert made.status_code == 201
    id = open_one(world, "window-1")

    assert get(world.service, "/incidents?service=window-1")["items"] == []
    assert get(world.service, f"/incidents/{id}")["suppressed"] is True
    url = f"{world.service.url}/maintenance/{made.json()['id']}"
    assert httpx.delete(url, params={"by": "ana"}).status_code == 200
    wait_for(lambda: get(world.service, "/incidents?service=window-1")["items"])
    assert get(world.service, f"/incidents/{id}")["suppressed"] is False


def test_a_listener_goes_on_where_it_left_off(world: World) -> None:
    """Last-Event-ID brings what was missed, in order and nothing twice; later events follow."""
    with listening(world.service) as lines:
        first = open_one(world, "listened-1")
        seen = next(event for event in lines if event.item["id"] == first)
    missed = open_one(world, "listened-2")

    with listening(world.service, seen.number) as lines:
        told = [next(event for event in lines if event.item["id"] == missed)]
        last = open_one(world, "listened-3")
        told.append(next(event for event in lines if event.item["id"] == last))

    numbers = [seen.number, *(event.number for event in told)]
    assert numbers == sorted(set(numbers))
    assert told[0].item["services"] == ["listened-2"]


class Event(NamedTuple):
    """One event of the stream."""

    number: int
    item: Shown


@contextmanager
def listening(service: Served, last: int | None = None) -> Iterator[Iterator[Event]]:
    """The events of a stream, from behind the event *last* on."""
    headers = {} if last is None else {"last-event-id": str(last)}
    with httpx.stream("GET", f"{service.url}/stream", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        yield _events(lines)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    number = 0
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "id":
            number = int(value)
        elif field == "data":
            yield Event(number, json.loads(value))


def test_a_replay_agrees_with_what_is_shown(world: World) -> None:
    """`aiops-rca replay` prints the same bytes each time: every incident as shown, with its alerts."""
    open_one(world, "replayed-1")
    post(world.service, "/incidents/" + open_one(world, "replayed-2") + "/ack", {"by": "ana"})
    wait_until_folded(world.service)
    shown = {incident["id"]: without(incident, {"root_cause"}) for incident in every_incident(world.service)}
    alerts = {id: {alert["id"] for alert in alerts_of(world.service, id)} for id in shown}

    said = command("replay", "--journal", str(world.state), home=world.home)

    assert command("replay", "--journal", str(world.state), home=world.home) == said
    replayed = {document["id"]: document for document in map(json.loads, said.splitlines())}
    assert {id: without(one, {"alerts", "diagnosis"}) for id, one in replayed.items()} == shown
    assert {id: {alert["id"] for alert in one["alerts"]} for id, one in replayed.items()} == alerts
