"""Send webhooks to a served instance and look at what became of them, as its users do; patiently.

A worker that was killed is away for some seconds: whoever asks meanwhile asks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from aiops_rca.adapters.processes import is_dead
from served import Served

PATIENCE_SEC = 30.0


def body(*services: str, since: float, resolved: bool = False, kind: str = "Latency") -> dict[str, Any]:
    """What Alertmanager sends about *services*; they fire since *since* (epoch seconds)."""
    starts = rfc3339(since)
    alerts = [
        {
            "status": "resolved" if resolved else "firing",
            "labels": {"alertname": f"{kind}High", "service": service, "severity": "critical"},
            "annotations": {"summary": f"{service} is slow"},
            "startsAt": starts,
            "endsAt": rfc3339(time.time()) if resolved else "0001-01-01T00:00:00Z",
            "generatorURL": "",
        }
        for service in services
    ]
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "rca", "alerts": alerts}


def rfc3339(seconds: float) -> str:
    """Epoch seconds as senders write them."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def post(service: Served, path: str, document: Mapping[str, Any]) -> httpx.Response:
    """POST *document*; while no worker listens, as after a kill, again."""
    found: list[httpx.Response] = []

    def accepted() -> bool:
        try:
            found.append(httpx.post(service.url + path, json=document, timeout=10))
        except httpx.TransportError:
            return False
        return found[-1].status_code < 500

    wait_for(accepted)
    return found[-1]


def get(service: Served, path: str) -> Any:
    """GET *path* as JSON."""
    return httpx.get(service.url + path, timeout=10).raise_for_status().json()


def incidents(service: Served) -> list[dict[str, Any]]:
    """Every incident, newest first; none while no worker listens."""
    try:
        found: list[dict[str, Any]] = get(service, "/incidents")["items"]
    except httpx.HTTPError:
        return []
    return found


def wait_for(holds: Callable[[], object]) -> None:
    """Return when *holds* does."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not holds():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.05)


def holder(service: Served) -> str:
    """The process that has the correlator's lease, once there is one that lives."""
    found: list[str] = []

    def held() -> object:  # what /readyz says may be a second old
        detail: str = get(service, "/readyz")["checks"]["correlator"]["detail"]
        found.append(detail.partition("held by ")[2])
        return found[-1] and not is_dead(found[-1])

    wait_for(held)
    return found[-1]


def pid_of(name: str) -> int:
    """The process id in the name of a holder."""
    return int(name.split(":")[-2])


def parent_of(pid: int) -> int:
    """The process that started *pid*: of a correlator beside it, the worker."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])
