"""`GET /stream`: every change once, in order, resumed without a gap, and never for ever."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from livepages import Live, firing, live


class Event(NamedTuple):
    """One event as a browser would see it."""

    id: int
    name: str
    item: dict[str, Any]


@contextmanager
def listening(world: Live, last: int | None = None) -> Iterator[Iterator[str]]:
    """The lines of a stream, from behind the event *last* on."""
    headers = {} if last is None else {"last-event-id": str(last)}
    with httpx.stream("GET", f"{world.url}/stream", headers=headers, timeout=10) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        assert next(lines).startswith("retry:")
        yield lines


def events(lines: Iterator[str], count: int) -> list[Event]:
    """The next *count* events."""
    found: list[Event] = []
    fields: dict[str, str] = {}
    while len(found) < count:
        line = next(lines)
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            found.append(Event(int(fields["id"]), fields["event"], json.loads(fields["data"])))
            fields = {}
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Live]:
    """Pages and a correlator; two streams at most."""
    with live(tmp_path, settings={"live": {"max_streams": 2}}, heartbeat_sec=0.2) as running:
        yield running


def change(world: Live, service: str) -> str:
    """Open an incident of *service* and wait until it is stored; its id."""
    world.tell(firing(service))
    world.settle()
    found: str = world.incidents(service=service)[0]["id"]
    return found


def test_a_change_is_told_as_it_is_listed(world: Live) -> None:
    """The event holds the incident's item; its id is a number that grows."""
    with listening(world) as lines:
        incident = change(world, "island-1")
        (first,) = events(lines, 1)
        world.client.post(f"/incidents/{incident}/ack", json={"by": "ann"})
        later: list[Event] = [first]
        while later[-1].item["status"] != "acknowledged":
            later += events(lines, 1)

    assert (first.name, first.item["id"], first.item["status"]) == ("incident", incident, "open")
    assert later[-1].item == world.incidents()[0]
    assert [event.id for event in later] == sorted({event.id for event in later})


def test_a_new_listener_hears_of_now_on(world: Live) -> None:
    """What happened before is not repeated to who does not ask for it."""
    change(world, "island-1")
    world.until(lambda: world.incidents()[0]["root_cause"])
    with listening(world) as lines:
        new = change(world, "island-2")
        (first,) = events(lines, 1)

    assert first.item["id"] == new


def test_last_event_id_resumes_without_a_gap(world: Live) -> None:
    """What changed while nobody listened is told first."""
    missed = {change(world, f"island-{n}") for n in range(5)}
    with listening(world, last=0) as lines:
        heard = {event.item["id"] for event in events(lines, 5)}

    assert heard == missed


def test_an_id_from_another_life_is_told_everything(world: Live) -> None:
    """After the incidents were built anew the numbers begin anew too."""
    incident = change(world, "island-1")
    with listening(world, last=10**9) as lines:
        assert events(lines, 1)[0].item["id"] == incident


def test_a_long_absence_is_made_up_for_while_others_listen(world: Live) -> None:
    """Two listeners at different places in the past both get all of theirs."""
    for number in range(6):
        change(world, f"island-{number}")
    world.until(lambda: all(item["root_cause"] for item in world.incidents()))
    rows = world.store.changed(0, 100)
    with listening(world, last=rows[3].revision) as near:
        (first,) = events(near, 1)
        with listening(world, last=0) as far:
            every = events(far, 6)

    assert first.id == rows[4].revision
    assert [event.id for event in every] == [row.revision for row in rows]


def test_silence_is_broken_by_heartbeats(world: Live) -> None:
    """A comment keeps proxies from closing a quiet stream."""
    with listening(world) as lines:
        heard = [line for line in (next(lines) for _ in range(5)) if line]

    assert set(heard) == {": alive"}


def test_streams_are_bounded_and_given_back(world: Live) -> None:
    """One more than allowed is 503; when a listener hangs up there is room again."""
    with listening(world), listening(world):
        refused = httpx.get(f"{world.url}/stream", timeout=5)
        gauge = world.client.get("/metrics").text

    def has_room() -> bool:
        with httpx.stream("GET", f"{world.url}/stream", timeout=5) as response:
            return response.status_code == 200

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert "aiops_streams_open 2.0" in gauge
    world.until(has_room)
    world.until(lambda: "aiops_streams_open 0.0" in world.client.get("/metrics").text)


@pytest.mark.parametrize("last", ["x", "-1", str(2**63)])
def test_an_id_that_is_none_is_422(world: Live, last: str) -> None:
    """In the one error shape."""
    answer = world.client.get("/stream", headers={"last-event-id": last})

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "last-event-id"


def test_closing_ends_every_stream_at_once(world: Live) -> None:
    """A shutdown waits for no listener, and nobody is let in after."""
    ended = threading.Event()

    def listen() -> None:
        with listening(world) as lines:
            for _ in lines:
                pass
        ended.set()

    thread = threading.Thread(target=listen)
    thread.start()
    world.until(lambda: "aiops_streams_open 1.0" in world.client.get("/metrics").text)
    began = time.monotonic()
    world.on_loop(world.streams.close)
    thread.join(5)

    assert ended.is_set()
    assert time.monotonic() - began < 1
    assert world.client.get("/stream").status_code == 503
