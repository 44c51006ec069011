"""The lists beside the incidents: maintenance, unmapped services, quarantine and its replay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from livepages import Live, firing, live, now_ms


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Pages and a correlator."""
    with live(tmp_path_factory.mktemp("ledger")) as running:
        yield running


def window(world: Live, *services: str, **more: Any) -> dict[str, Any]:
    """Set up a window over *services* that ends in an hour."""
    body = {"services": services, "until": now_ms() + 3_600_000, "by": "ann", "note": "upgrade", **more}
    answer = world.client.post("/maintenance", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_window_is_in_force_when_it_is_answered(world: Live) -> None:
    """It is listed as the answer showed it, and active."""
    made = window(world, "cart", "redis")

    assert world.client.get("/maintenance").json() == {"items": [made], "next_cursor": None}
    assert (made["services"], made["by"], made["note"]) == (["cart", "redis"], "ann", "upgrade")
    assert made["active"]


def test_a_window_says_which_services_nobody_knows(world: Live) -> None:
    """A misspelt name shows at once; the sign for all services is none."""
    assert window(world, "cart", "crat", "*")["unknown_services"] == ["crat"]


def test_a_window_may_lie_ahead(world: Live) -> None:
    """Until it begins it is not active."""
    made = window(world, "*", starts_at=now_ms() + 60_000)

    assert not made["active"]


def test_maintenance_hides_incidents_until_asked(world: Live) -> None:
    """What a window covers is in no list unless suppressed incidents are asked for."""
    window(world, "cart", starts_at=now_ms() - 600_000)
    world.tell(firing("cart"))
    world.settle()

    assert world.incidents() == []
    (hidden,) = world.incidents(include_suppressed="true")
    assert hidden["suppressed"]


def test_a_window_can_be_ended_early(world: Live) -> None:
    """It is no longer listed, and a second time it is 404."""
    made = window(world, "cart")
    ended = world.client.delete(f"/maintenance/{made['id']}", params={"by": "bob"})
    again = world.client.delete(f"/maintenance/{made['id']}")

    assert (ended.status_code, ended.json()["id"]) == (200, made["id"])
    assert ended.json()["until"] < made["until"]
    assert world.client.get("/maintenance").json()["items"] == []
    assert (again.status_code, again.json()["error"]["code"]) == (404, "not_found")


def test_a_window_that_has_not_begun_can_be_taken_back(world: Live) -> None:
    """As if it had never been."""
    made = window(world, "cart", starts_at=now_ms() + 60_000)

    assert world.client.delete(f"/maintenance/{made['id']}").status_code == 200
    assert world.client.get("/maintenance").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"until": 1, "services": ["a"]}, "until"),
        ({"until": now_ms() - 1000, "starts_at": now_ms() - 9000, "services": ["a"]}, "until"),
        ({"services": ["a"]}, "until"),
        ({"until": "9999-01-01T00:00:00Z"}, "services"),
        ({"until": "9999-01-01T00:00:00Z", "services": []}, "services"),
        ({"until": "9998-01-01T00:00:00Z", "starts_at": "9999-01-01T00:00:00Z", "services": ["a"]}, "until"),
        ({"until": "9999-01-01T00:00:00Z", "starts_at": "x", "services": ["a"]}, "starts_at"),
    ],
    ids=str,
)
def test_a_window_that_makes_no_sense_is_422(world: Live, body: dict[str, Any], field: str) -> None:
    """The field at fault is named."""
    answer = world.client.post("/maintenance", json=body)

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_services_nobody_knows_are_listed_with_counts(world: Live) -> None:
    """The most frequent first, page by page, with the labels of one of their alerts."""
    world.tell(
        firing("mainframe", "a", labels={"dc": "north"}),
        firing("mainframe", "b"),
        firing("fax"),
        firing("cart"),
    )
    world.settle()
    first = world.client.get("/unmapped", params={"limit": 1}).json()
    rest = world.client.get("/unmapped", params={"limit": 1, "cursor": first["next_cursor"]}).json()

    (most,), (least,) = first["items"], rest["items"]
    assert (most["service"], most["count"], most["source"]) == ("mainframe", 2, "generic")
    assert "dc" in most["labels"] or most["labels"] == {}
    assert (least["service"], least["count"], rest["next_cursor"]) == ("fax", 1, None)


def test_quarantine_shows_what_was_wrong(world: Live) -> None:
    """The newest first, page by page, with reason, source and the beginning of the body."""
    for body in (b"{first", b"{second", b"x" * 5000):
        world.client.post("/webhooks/generic", content=body)
    first = world.client.get("/quarantine", params={"limit": 2}).json()
    rest = world.client.get("/quarantine", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    newest = first["items"][0]

    assert [len(first["items"]), len(rest["items"])] == [2, 1]
    assert (newest["size"], newest["body"]) == (5000, "x" * 2000)
    assert rest["items"][0]["body"] == "{first"
    assert newest["source"] == "generic"
    assert newest["reason"]
    assert newest["replayed_at"] is None


def test_quarantine_shows_no_credentials(world: Live) -> None:
    """The key of a sender's integration is hidden, and kept for the replay."""
    body = {"event_action": "trigger", "routing_key": "s3cret", "payload": {}}
    world.client.post("/webhooks/pagerduty", json=body)
    (piece,) = world.client.get("/quarantine").json()["items"]
    kept = world.journal.quarantined(piece["id"])

    assert "s3cret" not in piece["body"]
    assert '"event_action":"trigger"' in piece["body"]
    assert b"s3cret" in (kept.body if kept else b"")


def test_hostile_bytes_in_quarantine_can_be_shown(world: Live) -> None:
    """Bytes that are no text are replaced, not an error."""
    world.client.post("/webhooks", content=b"\xff\x00\xfe")
    (piece,) = world.client.get("/quarantine").json()["items"]

    assert (piece["size"], piece["source"]) == (3, "unknown")


def refused(world: Live, source: str, body: object) -> int:
    """Send a body that cannot be read; its number in quarantine."""
    answer = world.client.post(f"/webhooks/{source}", content=json.dumps(body).encode())
    assert answer.json()["quarantined"] == 1
    number: int = world.client.get("/quarantine").json()["items"][0]["id"]
    return number


def test_what_can_be_read_by_now_is_replayed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With a mapping that understands the body it goes in, once."""
    folder = tmp_path_factory.mktemp("replay")
    source: dict[str, Any] = {"adapter": "generic"}
    with live(folder, settings={"sources": {"shop": source}}) as running:
        number = refused(running, "shop", {"what": {"svc": "cart", "check": "latency"}})
    source["mapping"] = {"service": "what.svc", "metric": "what.check"}
    with live(folder, settings={"sources": {"shop": source}}) as running:
        answer = running.client.post(f"/quarantine/{number}/replay")
        running.settle()
        (item,) = running.incidents()
        (piece,) = running.client.get("/quarantine").json()["items"]
        again = running.client.post(f"/quarantine/{number}/replay")

    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert (item["services"], item["sources"]) == (["cart"], ["shop"])
    assert piece["replayed_at"] is not None
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")


def test_what_still_cannot_be_read_stays(world: Live) -> None:
    """422 with the reason, and no second piece in quarantine."""
    number = refused(world, "alertmanager", {"alerts": [{"labels": 7}]})
    answer = world.client.post(f"/quarantine/{number}/replay")
    (piece,) = world.client.get("/quarantine").json()["items"]

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
    assert piece["replayed_at"] is None


@pytest.mark.parametrize(("number", "status"), [("99", 404), ("0", 422), ("x", 422), (str(2**63), 422)])
def test_a_piece_that_never_was(world: Live, number: str, status: int) -> None:
    """404 for a number nobody has, 422 for what is none."""
    assert world.client.post(f"/quarantine/{number}/replay").status_code == status
