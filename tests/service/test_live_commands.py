"""What people ask of incidents: done through the journal, refused where it makes no sense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from aiops_rca.live.entry import COMMAND, decode_command
from livepages import Live, firing, live, now_ms


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Pages and a correlator."""
    with live(tmp_path_factory.mktemp("commands")) as running:
        yield running


def opened(world: Live, *services: str) -> str:
    """Open one incident over *services*; its id."""
    world.tell(*(firing(service, at=at) for at, service in enumerate(services)))
    world.settle()
    found: str = world.incidents(service=services[0])[0]["id"]
    return found


def do(world: Live, incident: str, what: str, **body: Any) -> Any:
    """Ask for *what*; the answer."""
    return world.client.post(f"/incidents/{incident}/{what}", json=body)


def test_acknowledging_says_who(world: Live) -> None:
    """The answer is the incident as it is afterwards; the timeline has the name and the note."""
    incident = opened(world, "cart")
    answer = do(world, incident, "ack", by="ann", note="on it")
    lines = world.client.get(f"/incidents/{incident}/timeline").json()["items"]

    assert answer.status_code == 200
    assert answer.json()["status"] == "acknowledged"
    assert answer.json()["acknowledged"]["by"] == "ann"
    assert ("acknowledged", "on it", "ann") in [(x["kind"], x["text"], x["by"]) for x in lines]


def test_a_name_and_a_body_can_be_left_out(world: Live) -> None:
    """Until there are keys, nobody needs one."""
    answer = world.client.post(f"/incidents/{opened(world, 'cart')}/ack")

    assert answer.json()["acknowledged"]["by"] == "anonymous"


def test_a_command_is_kept_in_the_journal(world: Live) -> None:
    """A replay of the journal repeats it."""
    incident = opened(world, "cart")
    do(world, incident, "ack", by="ann")
    (entry,) = world.journal.recent(1)
    command = decode_command(entry.payload)

    assert entry.kind == COMMAND
    assert (command.kind, command.incident, command.by) == ("ack", incident, "ann")


def test_resolving_ends_every_alert(world: Live) -> None:
    """The incident is over though its alerts never said so."""
    incident = opened(world, "cart", "redis")
    answer = do(world, incident, "resolve", by="ann")
    alerts = world.client.get(f"/incidents/{incident}/alerts").json()["items"]

    assert (answer.json()["status"], answer.json()["resolved_by"]) == ("resolved", "ann")
    assert [alert["ended"] for alert in alerts] == ["by hand", "by hand"]


def test_snoozing_has_an_end(world: Live) -> None:
    """The end comes back as RFC 3339."""
    until = (now_ms() // 1000 + 3600) * 1000
    answer = do(world, opened(world, "cart"), "snooze", until=until)

    assert answer.status_code == 200
    assert answer.json()["snoozed_until"].endswith(".000Z")


def test_splitting_makes_an_incident_of_its_own(world: Live) -> None:
    """The alerts that leave are in the new incident, which names the old one; the rest stays."""
    incident = opened(world, "cart", "redis")
    alerts = world.client.get(f"/incidents/{incident}/alerts").json()["items"]
    answer = do(world, incident, "split", alert_ids=[alerts[1]["id"]], by="ann")
    (part,) = world.incidents(service="redis")

    assert answer.json()["services"] == ["cart"]
    assert answer.json()["split_into"] == part["id"]
    assert (part["split_from"], part["alert_count"]) == (incident, 1)


def test_feedback_waits_for_the_history(world: Live) -> None:
    """It is listed as pending with author and time."""
    incident = opened(world, "cart")
    answer = do(world, incident, "feedback", root_cause="redis", resolution="restart", wrong=True, by="bob")
    (kept,) = world.client.get("/history/pending").json()["items"]

    assert answer.status_code == 200
    assert (kept["incident"], kept["by"], kept["root_cause"]) == (incident, "bob", "redis")
    assert (kept["resolution"], kept["wrong"], kept["note"]) == ("restart", True, None)


def test_feedback_is_taken_after_the_end(world: Live) -> None:
    """People know the cause when it is over."""
    incident = opened(world, "cart")
    do(world, incident, "resolve")

    assert do(world, incident, "feedback", root_cause="redis").status_code == 200


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("snooze", {}, "until"),
        ("snooze", {"until": "soon"}, "until"),
        ("snooze", {"until": 1}, "until"),
        ("merge", {}, "into"),
        ("merge", {"into": "inc-none"}, "into"),
        ("split", {"alert_ids": []}, "alert_ids"),
        ("split", {"alert_ids": ["none"]}, "alert_ids"),
        ("feedback", {}, "body"),
        ("feedback", {"wrong": "yes"}, "wrong"),
        ("ack", {"by": 7}, "by"),
        ("ack", {"by": "a\0b"}, "by"),
        ("ack", {"note": "x" * 5000}, "note"),
    ],
    ids=str,
)
def test_a_bad_request_is_422_and_names_the_field(
    world: Live, what: str, body: dict[str, Any], field: str
) -> None:
    """Nothing is put into the journal."""
    incident = opened(world, "cart")
    before = world.journal.head()
    answer = do(world, incident, what, **body)

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert world.journal.head() == before


@pytest.mark.parametrize("what", ["ack", "resolve", "snooze"])
def test_what_is_over_cannot_be_changed(world: Live, what: str) -> None:
    """409 says what it is."""
    incident = opened(world, "cart")
    do(world, incident, "resolve")
    answer = do(world, incident, what, until=now_ms() + 60_000)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert "resolved" in answer.json()["error"]["message"]


def test_impossible_merges_and_splits_are_409(world: Live) -> None:
    """An incident is not merged into itself, and does not give all its alerts away."""
    incident = opened(world, "cart")
    (alert,) = world.client.get(f"/incidents/{incident}/alerts").json()["items"]

    assert do(world, incident, "merge", into=incident).status_code == 409
    assert do(world, incident, "split", alert_ids=[alert["id"]]).status_code == 409


@pytest.mark.parametrize("what", ["ack", "resolve", "snooze", "merge", "split", "feedback"])
def test_an_incident_that_never_was_is_404(world: Live, what: str) -> None:
    """For every command with a good body."""
    body = {"until": now_ms() + 60_000, "into": "x", "alert_ids": ["x"], "wrong": True}
    answer = do(world, "inc-none", what, **body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_command_to_a_merged_incident_is_sent_on(world: Live) -> None:
    """308 with the heir's address: a client that follows it acts on the heir."""
    old, heir = opened(world, "island-1"), opened(world, "island-2")
    assert do(world, old, "merge", into=heir, by="ann").json()["merged_into"] == heir
    answer = do(world, old, "ack", by="bob")
    followed = world.client.post(f"/incidents/{old}/ack", json={"by": "bob"}, follow_redirects=True)

    assert (answer.status_code, answer.headers["location"]) == (308, f"/incidents/{heir}/ack")
    assert answer.json()["merged_into"] == heir
    assert (followed.json()["id"], followed.json()["acknowledged"]["by"]) == (heir, "bob")


def test_a_merge_into_a_merged_one_goes_to_its_heir(world: Live) -> None:
    """The end of the chain is what counts."""
    first, second, third = (opened(world, f"island-{n}") for n in range(3))
    do(world, first, "merge", into=second)
    answer = do(world, third, "merge", into=first)

    assert answer.json()["merged_into"] == second


def test_without_a_correlator_the_answer_is_202(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The request is kept; the incident is shown as it was, and done when somebody folds."""
    folder = tmp_path_factory.mktemp("late")
    with live(folder) as running:
        incident = opened(running, "cart")
    with live(folder, folding=False, wait_sec=0.2) as running:
        answer = do(running, incident, "ack", by="ann")
        assert running.correlator.step()
        after = running.incidents()[0]

    assert (answer.status_code, answer.json()["status"]) == (202, "open")
    assert after["status"] == "acknowledged"


def test_a_body_that_is_not_json_is_refused(world: Live) -> None:
    """By its type, and by its content."""
    path = f"/incidents/{opened(world, 'cart')}/ack"
    typed = world.client.post(path, content=b"by=ann", headers={"content-type": "text/plain"})
    broken = world.client.post(path, content=b"{", headers={"content-type": "application/json"})

    assert (typed.status_code, typed.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert (broken.status_code, broken.json()["error"]["field"]) == (422, "body")
