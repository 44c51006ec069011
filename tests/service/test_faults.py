"""What fails inside shows outside, and fails alone."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from served import ROOT, Served, served

ALERT = {"id": "a", "ts": 1780887600, "service": "cartservice", "metric": "latency", "severity": "error"}


@pytest.fixture(scope="module")
def faulty(home: Path) -> Iterator[Served]:
    """The service with planted faults."""
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'service'}"}
    with served(home, target=("faulty:AiopsRca",), env=env) as running:
        yield running


@pytest.fixture(scope="module")
def tight(home: Path) -> Iterator[Served]:
    """The service with little patience and little memory."""
    env = {"AIOPS_LIMITS_REQUEST_TIMEOUT_SEC": "1.5", "AIOPS_LIMITS_MAX_BYTES_IN_FLIGHT": "2000000"}
    with served(home, env=env) as running:
        yield running


def metric(service: Served, series: str) -> float:
    """The value of *series* now."""
    text = httpx.get(f"{service.url}/metrics").text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{series} "))


def test_a_failed_item_leaves_its_batch_alone(faulty: Served) -> None:
    """Of 40 requests that meet, those whose diagnosis fails answer 500, the others their own answer."""

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=faulty.url, timeout=30) as client:
            bodies = [
                {"alerts": [{**ALERT, "id": str(n)}], "target": "explode" if n % 5 == 0 else "frontend"}
                for n in range(40)
            ]
            return await asyncio.gather(*(client.post("/incident", json=body) for body in bodies))

    for number, response in enumerate(asyncio.run(all_at_once())):
        if number % 5 == 0:
            assert response.status_code == 500
            assert response.json()["error"]["code"] == "internal"
            assert "planted" not in response.text
        else:
            assert response.json()["clusters"][0]["alert_ids"] == [str(number)]


def test_a_failure_is_counted_and_logged(faulty: Served) -> None:
    """A 500 is an error of the service in the metric, and the log has the reason."""
    before = metric(faulty, 'aiops_incident_requests_total{status="error"}')
    httpx.post(f"{faulty.url}/incident", json={"alerts": [ALERT], "target": "explode"})

    assert metric(faulty, 'aiops_incident_requests_total{status="error"}') == before + 1
    faulty.wait_for_log("ArithmeticError: planted")


def test_a_failed_enrichment_degrades_the_answer(faulty: Served) -> None:
    """The diagnosis is answered all the same, and says what it lacks."""
    response = httpx.post(f"{faulty.url}/incident", json={"alerts": [ALERT], "target": "stumble"})

    assert response.status_code == 200
    assert "enrich" in [part["part"] for part in response.json()["degraded"]]
    assert response.json()["root_cause"]["service"] == "cartservice"


def open_request(service: Served, length: int, sent: bytes) -> socket.socket:
    """A connection whose body of *length* bytes has only begun."""
    address = urlsplit(service.url)
    connection = socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10)
    head = f"POST /incident HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n"
    connection.sendall(f"{head}content-type: application/json\r\n\r\n".encode() + sent)
    return connection


def test_a_body_that_does_not_come_is_refused(tight: Served) -> None:
    """A caller that stops sending gets 408 in the one error shape."""
    with open_request(tight, 100, b"{") as connection:
        said = b""
        while not said.endswith(b"}}"):
            said += connection.recv(4096)

    assert said.startswith(b"HTTP/1.1 408")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


def test_slow_callers_block_nobody(home: Path) -> None:
    """Connections that send nothing take no place from those that do."""
    with served(home, env={"AIOPS_LIMITS_MAX_IN_FLIGHT": "2"}) as service:
        waiting = [open_request(service, 100, b"{") for _ in range(10)]
        answer = httpx.post(f"{service.url}/incident", json={"alerts": [ALERT]})
        for connection in waiting:
            connection.close()

    assert answer.status_code == 200


def test_bytes_in_flight_are_bounded_while_they_arrive(tight: Served) -> None:
    """Half-sent bodies count; what goes beyond the budget is 503, and they free it when they end."""
    part = b" " * 900_000
    waiting = [open_request(tight, 1_000_000, part) for _ in range(2)]
    time.sleep(0.3)
    body = json.dumps({"alerts": [ALERT]}).encode() + b" " * 500_000
    headers = {"content-type": "application/json"}
    refused = httpx.post(f"{tight.url}/incident", content=body, headers=headers)
    for connection in waiting:
        connection.close()
    time.sleep(0.3)
    answered = httpx.post(f"{tight.url}/incident", content=body, headers=headers)

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert answered.status_code == 200


def test_a_diagnosis_that_takes_too_long_is_ended(home: Path) -> None:
    """Beyond the time limit the answer is 504 in the one error shape, and the service goes on."""
    env = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'service'}",
        "AIOPS_LIMITS_REQUEST_TIMEOUT_SEC": "1",
        "AIOPS_LIMITS_INLINE_ALERTS": "0",
    }
    with served(home, target=("faulty:AiopsRca",), env=env) as service:
        url = f"{service.url}/incident"
        late = httpx.post(url, json={"alerts": [ALERT], "target": "linger"}, timeout=10)
        time.sleep(2.5)
        fine = httpx.post(url, json={"alerts": [ALERT]}, timeout=10)

    assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
    assert fine.status_code == 200


def test_hanging_up_is_no_rejection(tight: Served) -> None:
    """Callers that go away while sending count as neither refused nor answered."""
    before = metric(tight, 'aiops_rejected_total{code="400"}')
    for _ in range(5):
        open_request(tight, 100, b"{").close()
    tight.wait_for_log('"status":499')

    assert metric(tight, 'aiops_rejected_total{code="400"}') == before


def test_long_values_are_not_repeated(tight: Served) -> None:
    """A refusal quotes only the beginning of what was wrong."""
    response = httpx.post(f"{tight.url}/incident", json={"alerts": [{**ALERT, "severity": "x" * 100_000}]})

    assert response.status_code == 422
    assert len(response.content) < 1000


def test_a_missing_file_of_the_api_page_has_the_error_shape(tight: Served) -> None:
    """Static files are no exception."""
    response = httpx.get(f"{tight.url}/static-offline-docs/nothing.js")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
