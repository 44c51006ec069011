"""What a served instance shows, read page by page as its users read it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from served import Served
from webhooks import get, wait_for

_PAGE = 500
_STALE_SEC = 1.1  # what /readyz says is up to a second old


def pages(service: Served, path: str) -> Iterator[dict[str, Any]]:
    """Every item of the list at *path*, page after page."""
    step = "&" if "?" in path else "?"
    asked = f"{path}{step}limit={_PAGE}"
    following = asked
    while True:
        part = get(service, following)
        yield from part["items"]
        if part["next_cursor"] is None:
            return
        following = f"{asked}&cursor={part['next_cursor']}"


def every_incident(service: Served) -> list[dict[str, Any]]:
    """Every incident that was not merged, suppressed ones too."""
    return list(pages(service, "/incidents?include_suppressed=true"))


def alerts_of(service: Served, incident: str) -> list[dict[str, Any]]:
    """All alerts of *incident*."""
    return list(pages(service, f"/incidents/{incident}/alerts"))


def homes(service: Served, name: Callable[[dict[str, Any]], str]) -> dict[str, list[str]]:
    """The incidents that each alert is in, by what *name* calls it."""
    found: dict[str, list[str]] = {}
    for incident in every_incident(service):
        alerts = alerts_of(service, incident["id"])
        assert incident["alert_count"] == len(alerts)
        for alert in alerts:
            found.setdefault(name(alert), []).append(incident["id"])
    return found


def wait_until_folded(service: Served) -> None:
    """Return when everything that was accepted before is in incidents."""
    time.sleep(_STALE_SEC)  # else what is seen may be older than what was accepted
    wait_for(lambda: _lag(service) == "0 alerts")


def _lag(service: Served) -> str:
    try:
        checks = httpx.get(f"{service.url}/readyz", timeout=10).json()["checks"]
    except httpx.TransportError:
        return ""
    detail: str = checks["correlator"]["detail"]
    return detail.partition(",")[0]


def figure(url: str, sample: str) -> float:
    """The figure called *sample*, labels included, on the metrics page at *url*; 0 where there is none."""
    text = httpx.get(url, timeout=10).raise_for_status().text
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
