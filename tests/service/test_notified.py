"""From a webhook of the running service to a person who is told."""

from __future__ import annotations

from pathlib import Path

import httpx

from barrage import Body, group, stamp
from receiver import receiving
from served import seed, served


def test_a_webhook_ends_in_a_message(tmp_path: Path) -> None:
    """An incident and its end are told with the diagnosis; the URL's secrets are nowhere in the log."""
    seed(tmp_path)
    with receiving() as receiver:
        env = {
            "AIOPS_STATE_DIR": str(tmp_path / "state"),
            "AIOPS_NOTIFY_URLS": receiver.url("/path-s3cret", user="me:pass-s3cret@"),
            "AIOPS_NOTIFY_SETTLE_SEC": "0.3",
            "AIOPS_NOTIFY_BASE_URL": "https://rca.example",
            "AIOPS_LOG_LEVEL": "debug",
        }
        with served(tmp_path, env=env) as service:
            url = f"{service.url}/webhooks/alertmanager"
            body = Body(group("redis-cart", 1), url, "redis-cart")
            for request, told in ((body.firing, 1), (body.over, 2)):
                sent = httpx.post(url, content=request(stamp()).partition(b"\r\n\r\n")[2])
                messages = receiver.wait(told, seconds=20)
                assert (sent.status_code, len(messages)) == (202, told)
            incident = httpx.get(f"{service.url}/incidents").json()["items"][0]["id"]
            log = service.log.read_text()

    assert [(m["title"], m["type"]) for m in messages] == [
        ("CRITICAL: incident opened: redis-cart is the probable cause", "failure"),
        ("CRITICAL: incident resolved: redis-cart is the probable cause", "success"),
    ]
    assert messages[0]["message"].endswith(f"\nhttps://rca.example/incidents/{incident}")
    assert "s3cret" not in log
