"""Readiness and figures of the stream, and the document that describes its pages."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from livepages import Live, firing, live


def figures(world: Live) -> dict[str, float]:
    """The samples of the metrics page by series."""
    rows = (line.rpartition(" ") for line in world.client.get("/metrics").text.splitlines())
    return {series: float(value) for series, _, value in rows if series and not series.startswith("#")}


def test_readiness_says_how_the_stream_is_doing(tmp_path: Path) -> None:
    """Journal and correlator are checks of their own, with lag and holder in words."""
    with live(tmp_path) as world:
        world.tell(firing("cart"))
        world.settle()
        answer = world.client.get("/readyz")
        checks = answer.json()["checks"]

    assert answer.status_code == 200
    assert checks["journal"] == {"ok": True, "detail": "writable; 0 in quarantine"}
    assert checks["correlator"] == {"ok": True, "detail": "0 alerts, 0.0 s behind; held by test"}


def test_a_correlator_that_lags_does_not_unready(tmp_path: Path) -> None:
    """Accepting goes on without it; the detail says how far behind it is."""
    with live(tmp_path, folding=False) as world:
        world.tell(firing("cart"), firing("redis"))
        answer = world.client.get("/readyz")
        sample = figures(world)

    assert answer.status_code == 200
    assert re.fullmatch(
        r"2 alerts, \d+\.\d s behind; nobody holds the lease", answer.json()["checks"]["correlator"]["detail"]
    )
    assert sample["aiops_journal_lag_alerts"] == 2
    assert sample["aiops_correlator_lag_seconds"] >= 0


def test_a_correlator_that_cannot_go_on_does_not_unready(tmp_path: Path) -> None:
    """Its check fails, readiness does not: what comes in is kept."""
    with live(tmp_path, folding=False) as world:
        with closing(sqlite3.connect(tmp_path / "incidents.db")) as database:
            database.execute("UPDATE standing SET seq = 99")
            database.commit()
        answer = world.client.get("/readyz")
        sample = figures(world)

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["checks"]["correlator"]["ok"] is False
    assert "remove incidents.db" in answer.json()["checks"]["correlator"]["detail"]
    assert sample["aiops_correlator_up"] == 0


def test_a_full_disk_is_not_ready_for_a_while(tmp_path: Path) -> None:
    """After a failed commit readiness says why; later it lets webhooks find out whether there is room."""
    with live(tmp_path, folding=False, max_bytes=100_000) as world:
        body = {"alerts": [firing("cart", f"metric {n}") for n in range(2000)]}
        refused = world.client.post("/webhooks/generic", json=body)
        full = world.client.get("/readyz")
        world.until(lambda: world.client.get("/readyz").status_code == 200)
        counts = world.tell(firing("redis"))

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "full")
    assert full.status_code == 503
    assert "full" in full.json()["checks"]["journal"]["detail"]
    assert counts["accepted"] == 1


def test_the_figures_of_the_incidents(tmp_path: Path) -> None:
    """Open incidents by status, their age, what was folded and what lies in quarantine."""
    with live(tmp_path) as world:
        world.tell(firing("island-1"), firing("island-2"), firing("island-3"))
        world.client.post("/webhooks", content=b"{")
        world.settle()
        world.client.post(f"/incidents/{world.incidents()[0]['id']}/ack")
        sample = figures(world)

    assert sample['aiops_incidents_open{status="open"}'] == 2
    assert sample['aiops_incidents_open{status="acknowledged"}'] == 1
    assert sample['aiops_incidents_open{status="suppressed"}'] == 0
    assert 100 < sample["aiops_incident_oldest_open_seconds"] < 200
    assert sample["aiops_events_folded"] == 3
    assert sample["aiops_quarantine_entries"] == 1
    assert sample["aiops_journal_lag_alerts"] == 0
    assert sample['aiops_notifications{state="waiting"}'] == 0


def test_no_page_adds_a_series(tmp_path: Path) -> None:
    """Ids and names in paths and bodies never become labels."""
    with live(tmp_path) as world:
        world.client.get("/incidents/x")
        world.client.post("/webhooks/x", json={})
        before = set(figures(world))
        for number in range(50):
            world.client.get(f"/incidents/{number}/alerts")
            world.client.post(f"/webhooks/made-up-{number}", json={})
        after = set(figures(world))

    assert after == before


def test_every_refusal_has_the_one_shape(tmp_path: Path) -> None:
    """Code, message, field and the request's id."""
    with live(tmp_path) as world:
        answer = world.client.get("/incidents/x", headers={"x-request-id": "mine"})

    assert set(answer.json()["error"]) == {"code", "message", "field", "request_id"}
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"] == "mine"
