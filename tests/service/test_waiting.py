"""Who waits for whom: batches, the step after the batch, hang-ups, overload, large bodies."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from served import ROOT, Served, served

BODY = {
    "alerts": [
        {"id": "a", "ts": 1780887600, "service": "cartservice", "metric": "latency", "severity": "error"},
        {"id": "b", "ts": 1780887605, "service": "redis-cart", "metric": "memory", "severity": "error"},
    ]
}


def slow_service(home: Path, log: Path, seconds: float) -> Any:
    """The service whose enrichment sleeps for targets called `slow`."""
    env = {
        "SLOW_ENRICH_LOG": str(log),
        "SLOW_ENRICH_SECONDS": str(seconds),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'service'}",
    }
    return served(home, env=env, target=("slow_enrich:AiopsRca",))


async def _timed(client: httpx.AsyncClient, body: dict[str, Any]) -> tuple[int, float]:
    began = time.perf_counter()
    response = await client.post("/incident", json=body)
    return response.status_code, time.perf_counter() - began


async def _one_among_waiting(url: str, waiting: int) -> tuple[float, list[tuple[int, float]]]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        await _timed(client, BODY)
        slow = [asyncio.create_task(_timed(client, {**BODY, "target": "slow"})) for _ in range(waiting)]
        await asyncio.sleep(1)
        status, seconds = await _timed(client, BODY)
        assert status == 200
        return seconds, await asyncio.gather(*slow)


def test_waiting_requests_do_not_delay_another(home: Path, tmp_path: Path) -> None:
    """30 requests in a 4 s step leave a 31st without one as fast as ever."""
    with slow_service(home, tmp_path / "log", 4) as service:
        seconds, slow = asyncio.run(_one_among_waiting(service.url, 30))

    assert seconds < 1
    assert all(status == 200 and 4 <= waited < 8 for status, waited in slow)


def test_hanging_up_cancels_the_step(home: Path, tmp_path: Path) -> None:
    """A closed connection cancels the step it was waiting for, and is logged as gone."""
    log = tmp_path / "log"
    body = json.dumps({**BODY, "target": "slow"}).encode()
    with slow_service(home, log, 30) as service:
        address = urlsplit(service.url)
        with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
            head = f"POST /incident HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
            connection.sendall(f"{head}content-type: application/json\r\n\r\n".encode() + body)
            _until(lambda: "start" in _read(log))
        _until(lambda: "cancelled" in _read(log))
        service.wait_for_log('"status":499')

    assert "done" not in _read(log)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _until(holds: Any) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


async def _many(url: str, bodies: list[bytes]) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=64)) as client:
        headers = {"content-type": "application/json"}
        return await asyncio.gather(*(client.post("/incident", content=b, headers=headers) for b in bodies))


def test_bad_items_fail_alone_and_order_is_kept(service: Served) -> None:
    """Of 60 requests at once each gets its own answer; the bad ones fail, their neighbours do not."""
    bodies = []
    for number in range(60):
        alerts = [{**BODY["alerts"][0], "id": f"own-{number}"}]
        bodies.append(json.dumps({"alerts": alerts}).encode() if number % 7 else b'{"alerts":[{}]}')

    for number, response in enumerate(asyncio.run(_many(service.url, bodies))):
        if number % 7:
            assert response.json()["clusters"][0]["alert_ids"] == [f"own-{number}"]
        else:
            assert response.status_code == 422


def test_meeting_requests_share_a_batch(service: Served, client: httpx.Client) -> None:
    """Requests that meet go through the adaptive batch together."""
    asyncio.run(_many(service.url, [json.dumps(BODY).encode()] * 200))
    text = client.get("/metrics").text
    counts = {
        line.split('le="')[1].split('"')[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("bentoml_service_adaptive_batch_size_bucket")
    }

    assert counts["+Inf"] > counts["1.0"]


def test_too_many_alerts_are_refused(home: Path) -> None:
    """More alerts than the limit is 413, exactly the limit is fine."""
    with served(home, env={"AIOPS_LIMITS_MAX_ALERTS": "2"}) as service:
        fine = httpx.post(f"{service.url}/incident", json=BODY)
        alerts = [*BODY["alerts"], {**BODY["alerts"][0], "id": "c"}]
        refused = httpx.post(f"{service.url}/incident", json={"alerts": alerts})

    assert fine.status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_body_is_refused(client: httpx.Client, *, chunked: bool) -> None:
    """33 MiB is 413 whether its length was announced or not, and the service goes on."""
    size = 33 * 1024 * 1024

    def chunks() -> Any:
        for _ in range(33):
            yield b" " * (1024 * 1024)

    content = chunks() if chunked else b" " * size
    response = client.post("/incident", content=content, headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["error"]["field"]) == (413, "body")
    assert client.get("/healthz").status_code == 200


def test_overload_is_refused_with_retry_after(home: Path, tmp_path: Path) -> None:
    """Beyond the limit of requests in flight the answer is 503 with Retry-After, at once."""
    env = {
        "AIOPS_LIMITS_MAX_IN_FLIGHT": "3",
        "SLOW_ENRICH_LOG": str(tmp_path / "log"),
        "SLOW_ENRICH_SECONDS": "3",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'service'}",
    }
    with served(home, env=env, target=("slow_enrich:AiopsRca",)) as service:
        responses = asyncio.run(_many(service.url, [json.dumps({**BODY, "target": "slow"}).encode()] * 10))

    statuses = sorted(response.status_code for response in responses)
    refused = [response for response in responses if response.status_code == 503]
    assert statuses == [200] * 3 + [503] * 7
    assert {r.headers["retry-after"] for r in refused} == {"1"}
    assert {r.json()["error"]["code"] for r in refused} == {"overloaded"}


def test_a_huge_batch_leaves_health_answered(service: Served) -> None:
    """While 100,000 alerts are diagnosed, health checks go on being answered."""
    alerts = [
        {
            "id": str(n),
            "ts": 1780887600 + n % 3000,
            "service": f"s{n % 500}",
            "metric": "m",
            "severity": "info",
        }
        for n in range(100_000)
    ]
    body = json.dumps({"alerts": alerts}).encode()

    async def both() -> tuple[httpx.Response, list[float]]:
        waits = []
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            headers = {"content-type": "application/json"}
            big = asyncio.create_task(client.post("/incident", content=body, headers=headers))
            while not big.done():
                began = time.perf_counter()
                assert (await client.get("/healthz")).status_code == 200
                waits.append(time.perf_counter() - began)
                await asyncio.sleep(0.02)
            return await big, waits

    response, waits = asyncio.run(both())

    assert response.status_code == 200
    assert sum(cluster["alert_count"] for cluster in response.json()["clusters"]) == 100_000
    assert len(waits) > 3
