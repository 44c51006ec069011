"""Webhooks over a real socket into a real journal: what is answered, kept, refused and counted."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiops_rca.live.entry import decode_events
from livepages import Live, firing, live

SETTINGS = {
    "sources": {
        "team": {"adapter": "alertmanager", "tokens": ["old", "new"]},
        "shop": {"adapter": "generic", "secrets": ["s1", "s2"]},
    },
    "limits": {"max_body_bytes": 200_000, "max_alerts": 500},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Pages with default settings; no correlator, so the journal holds all there is."""
    with live(tmp_path_factory.mktemp("plain"), folding=False) as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Pages with guarded sources and small limits."""
    with live(tmp_path_factory.mktemp("strict"), settings=SETTINGS, folding=False) as running:
        yield running


def alertmanager(*names: str, **more: object) -> dict[str, Any]:
    """A body of Alertmanager with one firing alert per name."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": name, "service": "cart", "severity": "critical"},
            "annotations": {},
            "startsAt": "2026-06-08T03:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
        for name in names
    ]
    return {"version": "4", "status": "firing", "receiver": "r", "groupKey": "g", "alerts": alerts, **more}


def journaled(running: Live) -> int:
    """How many alerts lie in the journal."""
    return running.journal.head().alerts


def metric(running: Live, series: str) -> float:
    """The value of *series* now; 0 before it exists."""
    lines = running.client.get("/metrics").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"{series} ")), 0.0)


def test_what_is_accepted_is_in_the_journal(plain: Live) -> None:
    """When 202 comes, the events are on disk with the source's name."""
    answer = plain.client.post("/webhooks/alertmanager", json=alertmanager("kept-1", "kept-2"))
    (entry,) = plain.journal.recent(1)

    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "duplicates": 0, "quarantined": 0}
    assert entry.source == "alertmanager"
    assert [event.metric for event in decode_events(entry.payload)] == ["kept-1", "kept-2"]


def test_without_a_name_the_source_is_found(plain: Live) -> None:
    """`POST /webhooks` reads the body of a known sender as that sender's."""
    answer = plain.client.post("/webhooks", json=alertmanager("found"))

    assert answer.json()["accepted"] == 1
    assert plain.journal.recent(1)[0].source == "alertmanager"


def test_re_delivery_changes_nothing(plain: Live) -> None:
    """The same bytes again are 202, all duplicates, and nothing is written."""
    body = json.dumps(alertmanager("again-1", "again-2"))
    plain.client.post("/webhooks/alertmanager", content=body)
    before = plain.journal.head()
    answer = plain.client.post("/webhooks/alertmanager", content=body)

    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "duplicates": 2, "quarantined": 0})
    assert plain.journal.head() == before


def test_equal_bodies_at_once_are_accepted_once(plain: Live) -> None:
    """Of 20 equal bodies sent together one is accepted and 19 are duplicates; all are 202."""
    body = json.dumps(alertmanager("at once"))
    answers: list[httpx.Response] = []
    before = journaled(plain)

    def send() -> None:
        answers.append(httpx.post(f"{plain.url}/webhooks/alertmanager", content=body))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == 1
    assert sum(answer.json()["duplicates"] for answer in answers) == 19
    assert journaled(plain) == before + 1


def test_no_alerts_is_no_news(plain: Live) -> None:
    """`alerts: []` is 200 and leaves no trace."""
    before = plain.journal.head()
    answer = plain.client.post("/webhooks/alertmanager", json=alertmanager())

    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "duplicates": 0, "quarantined": 0})
    assert plain.journal.head() == before


def test_one_bad_alert_loses_no_other(plain: Live) -> None:
    """An alert that cannot be read is kept in quarantine, its neighbours go in."""
    body = alertmanager("good-1", "good-2")
    body["alerts"].insert(1, {"status": "firing", "labels": "not a map"})
    answer = plain.client.post("/webhooks/alertmanager", json=body)
    (piece,) = plain.journal.quarantine(limit=1)

    assert answer.json() == {"accepted": 2, "duplicates": 0, "quarantined": 1}
    assert b"not a map" in piece.body
    assert piece.source == "alertmanager"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/webhooks", b'{"nobody": "knows this"}'),
        ("/webhooks", b"{broken"),
        ("/webhooks", b"\xff\xfe"),
        ("/webhooks", b""),
        ("/webhooks/pagerduty", b'{"alertType": "of another sender"}'),
    ],
    ids=["unknown", "no JSON", "no text", "empty", "of another sender"],
)
def test_a_body_nobody_recognises_is_kept_whole(plain: Live, path: str, body: bytes) -> None:
    """It is 202, counted, and lies in quarantine byte for byte."""
    answer = plain.client.post(path, content=body)
    (piece,) = plain.journal.quarantine(limit=1)

    assert (answer.status_code, answer.json()["quarantined"]) == (202, 1)
    assert (plain.journal.quarantined(piece.id) or piece).body == body


def test_what_cannot_be_read_is_quarantined_once(plain: Live) -> None:
    """Told again, wherever it then stands in a body, it is a duplicate; from another source it is not."""
    bad = {"status": "firing", "labels": "never a map"}
    body = alertmanager("beside-1")
    body["alerts"].append(bad)
    moved = alertmanager("beside-1")
    moved["alerts"].insert(0, bad)
    before = plain.journal.quarantine_count().entries
    answers = [plain.client.post("/webhooks/alertmanager", json=each).json() for each in (body, body, moved)]
    grafana = plain.client.post("/webhooks/grafana", json=body).json()

    assert answers[0] == {"accepted": 1, "duplicates": 0, "quarantined": 1}
    assert answers[1] == answers[2] == {"accepted": 0, "duplicates": 2, "quarantined": 0}
    assert grafana["quarantined"] == 1
    assert plain.journal.quarantine_count().entries == before + 2


def test_events_that_differ_in_their_headers_are_two(plain: Live) -> None:
    """The same unreadable bytes may belong to another event."""
    answers = [
        plain.client.post("/webhooks/cloudevents", content=b"{", headers={"ce-type": "x", "ce-id": id}).json()
        for id in ("1", "1", "2")
    ]

    assert [answer["quarantined"] for answer in answers] == [1, 0, 1]


def test_quarantine_keeps_no_credentials(plain: Live) -> None:
    """Of the headers only those that help to read the body are kept."""
    headers = {"authorization": "Bearer secret", "x-aiops-token": "secret", "ce-id": "7", "user-agent": "s/1"}
    plain.client.post("/webhooks", content=b"{", headers=headers)
    (piece,) = plain.journal.quarantine(limit=1)

    assert piece.headers == {"ce-id": "7", "user-agent": "s/1"}


def test_a_source_nobody_knows_is_404(plain: Live) -> None:
    """The answer names those there are; more than a name is no source either."""
    answer = plain.client.post("/webhooks/nagios", json={})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "alertmanager" in answer.json()["error"]["message"]
    assert plain.client.post("/webhooks/alertmanager/x", json={}).status_code == 404


def test_only_post(plain: Live) -> None:
    """Other methods are 405 and told what to use."""
    answer = plain.client.get("/webhooks/alertmanager")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_the_content_type_does_not_matter(plain: Live, kind: str) -> None:
    """Senders lie about it."""
    body = json.dumps(alertmanager(f"typed {kind}"))
    answer = plain.client.post("/webhooks/alertmanager", content=body, headers={"content-type": kind})

    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_packed_body_is_unpacked(plain: Live, name: str, pack: Any) -> None:
    """Gzip and deflate are accepted."""
    body = pack(json.dumps(alertmanager(f"packed {name}")).encode())
    answer = plain.client.post("/webhooks/alertmanager", content=body, headers={"content-encoding": name})

    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("br", b"x", 415),
        ("gzip", b"not gzip", 422),
        ("gzip", gzip.compress(b'{"alerts":[]}')[:-9], 422),
        ("gzip", gzip.compress(b" " * 300_000), 413),
    ],
    ids=["unknown packing", "not packed", "cut off", "too large unpacked"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(
    strict: Live, encoding: str, body: bytes, status: int
) -> None:
    """Each has its own refusal in the one error shape."""
    answer = strict.client.post("/webhooks", content=body, headers={"content-encoding": encoding})

    assert answer.status_code == status
    assert answer.json()["error"]["field"] in {"body", "content-encoding"}


def test_too_large_is_413_and_counted(strict: Live) -> None:
    """Too many bytes are refused, and a metric says so."""
    before = metric(strict, "aiops_webhook_too_large_total")
    answer = strict.client.post("/webhooks/generic", content=b" " * 200_001)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert metric(strict, "aiops_webhook_too_large_total") == before + 1


def test_too_many_alerts_are_kept_whole(strict: Live) -> None:
    """A body with more alerts than allowed lies in quarantine as it came."""
    body = json.dumps({"alerts": [firing("cart", f"m{n}") for n in range(501)]}).encode()
    answer = strict.client.post("/webhooks/generic", content=body)
    (piece,) = strict.journal.quarantine(limit=1)

    assert answer.json() == {"accepted": 0, "duplicates": 0, "quarantined": 1}
    assert piece.size == len(body)


def test_a_large_body_is_read_beside_the_loop(plain: Live) -> None:
    """10,000 alerts in one body are accepted, and health is answered meanwhile."""
    body = json.dumps({"alerts": [firing("cart", f"m{n}") for n in range(10_000)]})
    answers: list[httpx.Response] = []
    sender = threading.Thread(
        target=lambda: answers.append(httpx.post(f"{plain.url}/webhooks/generic", content=body, timeout=30))
    )
    sender.start()
    slowest = 0.0
    while sender.is_alive():
        slowest = max(slowest, plain.client.get("/healthz").elapsed.total_seconds())
    sender.join()

    assert answers[0].json()["accepted"] == 10_000
    assert slowest < 2


@pytest.mark.parametrize("token", ["old", "new"])
def test_any_of_several_tokens_opens(strict: Live, token: str) -> None:
    """During a rotation the old and the new token are good."""
    answer = strict.client.post(
        "/webhooks/team", json=alertmanager(f"by {token}"), headers={"authorization": f"Bearer {token}"}
    )

    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_without_the_token_nothing_is_kept(strict: Live, headers: dict[str, str]) -> None:
    """401, and neither the journal nor quarantine has grown."""
    before = strict.journal.head(), strict.journal.quarantine_count()
    answer = strict.client.post("/webhooks/team", json=alertmanager("no"), headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert (strict.journal.head(), strict.journal.quarantine_count()) == before


@pytest.mark.parametrize("secret", ["s1", "s2"])
def test_a_signature_by_any_secret_opens(strict: Live, secret: str) -> None:
    """The signature is that of the body as it was sent."""
    body = json.dumps({"alerts": [firing("cart", f"signed {secret}")]}).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    good = strict.client.post("/webhooks/shop", content=body, headers=headers)
    bad = strict.client.post("/webhooks/shop", content=body + b" ", headers=headers)

    assert (good.status_code, bad.status_code) == (202, 401)


def test_a_nameless_body_nobody_recognises_needs_some_credential(strict: Live) -> None:
    """Where sources are guarded, quarantine is no open door."""
    refused = strict.client.post("/webhooks", content=b"?")
    taken = strict.client.post("/webhooks", content=b"?", headers={"authorization": "Bearer new"})

    assert (refused.status_code, taken.status_code) == (401, 202)


def test_a_full_disk_is_503_and_loses_nothing(tmp_path: Path) -> None:
    """Nothing of a refused body is kept; it can come again once there is room, and is not a duplicate."""
    with live(tmp_path, folding=False, max_bytes=200_000) as running:
        sent = 0
        for number in range(2000):
            body = json.dumps(alertmanager(*(f"full-{number}-{n}" for n in range(25))))
            answer = running.client.post("/webhooks/alertmanager", content=body)
            if answer.status_code != 202:
                break
            sent += 25
        again = running.client.post("/webhooks/alertmanager", content=body)

        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "full")
        assert answer.headers["retry-after"] == "1"
        assert again.status_code == 503
        assert journaled(running) == sent > 0


def test_a_restart_knows_what_was_told(tmp_path: Path) -> None:
    """Re-delivery across a restart is a duplicate."""
    alert = firing("cart")
    with live(tmp_path, folding=False) as running:
        running.tell(alert)
    with live(tmp_path, folding=False) as running:
        assert running.tell(alert) == {"accepted": 0, "duplicates": 1, "quarantined": 0}


def test_what_became_of_webhooks_is_counted(plain: Live) -> None:
    """Alerts by outcome, requests by status, under the source's name; a made-up name is `unknown`."""
    series = {
        'aiops_webhook_alerts_total{outcome="accepted",source="grafana"}': 1,
        'aiops_webhook_alerts_total{outcome="duplicate",source="grafana"}': 1,
        'aiops_webhook_requests_total{source="grafana",status="202"}': 2,
        'aiops_webhook_requests_total{source="unknown",status="404"}': 1,
        "aiops_webhook_seconds_count": 3,
        "aiops_journal_commit_seconds_count": 1,
        "aiops_journal_commit_alerts_sum": 1,
    }

    def send(name: str) -> None:
        body = alertmanager(name) | {"version": "1", "orgId": 1, "title": "t", "state": "alerting"}
        for _ in range(2):
            plain.client.post("/webhooks/grafana", json=body)
        plain.client.post("/webhooks/made-up", json=body)

    send("so that every series exists")
    before = {name: metric(plain, name) for name in series}
    send("counted")

    assert {name: metric(plain, name) - before[name] for name in series} == series


def test_waiting_is_bounded(tmp_path: Path) -> None:
    """When more alerts wait than may, the answer is 503 at once, never 429."""
    with live(tmp_path, settings={"live": {"max_pending_alerts": 1}}, folding=False) as running:
        answers: list[httpx.Response] = []

        def send(number: int) -> None:
            body = {"alerts": [firing("cart", f"m{number}-{n}") for n in range(200)]}
            answers.append(httpx.post(f"{running.url}/webhooks/generic", json=body))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        accepted = sum(a.json()["accepted"] for a in answers if a.status_code == 202)

        assert {a.status_code for a in answers} == {202, 503}
        assert journaled(running) == accepted
