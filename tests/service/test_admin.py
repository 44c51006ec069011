"""The switch of the language model in the running service."""

from __future__ import annotations

import re

import httpx

from aiops_rca.adapters.store import Switches, open_engine, places
from aiops_rca.domain.switch import Switch
from served import Served
from webhooks import wait_for

REFUSED = re.compile(r'^aiops_rejected_total{code="403"} (\S+)$', re.MULTILINE)


def refused(client: httpx.Client) -> float:
    """How many requests have been forbidden so far."""
    (found,) = REFUSED.findall(client.get("/metrics").text)
    return float(found)


def test_the_switch_can_be_turned_and_given_back(client: httpx.Client) -> None:
    """What PUT answers is what GET shows."""
    before = client.put("/admin/llm", json={"enabled": None}).json()  # others may have turned it
    off = client.put("/admin/llm", json={"enabled": False, "by": "ann"}).json()
    shown = client.get("/admin/llm").json()
    back = client.put("/admin/llm", json={"enabled": None}).json()

    assert (before["enabled"], before["decided_by"]) == (True, "setting")
    assert (off["enabled"], off["decided_by"], off["by"], off["degraded"]) == (False, "switch", "ann", [])
    assert (shown, back) == (off, before)


def test_a_worker_hears_within_seconds_what_another_process_switched(
    service: Served, client: httpx.Client
) -> None:
    """It looks into the database every two seconds; the switch kept there is the newest one."""
    engine = open_engine(places(None, service.log.parent / "state").incidents_url)
    Switches(engine).set_switch("llm", Switch(enabled=False, at=1, by="another process"))
    engine.dispose()
    wait_for(lambda: client.get("/admin/llm").json()["by"] == "another process")

    assert not client.get("/admin/llm").json()["enabled"]
    assert client.put("/admin/llm", json={"enabled": None}).json()["decided_by"] == "setting"


def test_through_a_proxy_nobody_may_turn_it(client: httpx.Client) -> None:
    """403 in the one error shape, and counted."""
    before = refused(client)
    shown = client.get("/admin/llm").json()
    proxied = {"x-forwarded-for": "203.0.113.9, 127.0.0.1"}
    answer = client.put("/admin/llm", json={"enabled": not shown["enabled"]}, headers=proxied)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert client.get("/admin/llm").json() == shown
    assert refused(client) == before + 1


def test_other_methods_are_not_allowed(client: httpx.Client) -> None:
    """The two that there are, are named."""
    answer = client.post("/admin/llm", json={"enabled": False})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


def test_another_name_for_this_machine_is_refused(service: Served) -> None:
    """As a page in a browser would use that has had its own name point here."""
    answer = httpx.get(f"{service.url}/admin/llm", headers={"host": "rebound.example"})

    assert answer.status_code == 403
