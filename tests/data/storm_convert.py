"""Alertmanager webhook bodies -> one batch for `POST /incident`.

One event per distinct firing (fingerprint and start), at its start, with the last value seen; one more,
marked `labels.status: resolved`, at its end. Pure; the order of the bodies matters only for the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FIELDS = ("service", "severity", "metric")  # labels that are fields of an alert

Event = dict[str, Any]


def convert(bodies: Iterable[Mapping[str, Any]], *, target: str) -> dict[str, Any]:
    """Return `{"alerts": [...], "target": target}`, alerts sorted by time and id."""
    firings: dict[tuple[str, str], dict[str, Any]] = {}
    for body in bodies:
        for alert in body["alerts"]:
            key = (alert["fingerprint"], alert["startsAt"])
            firings[key] = _merge(firings.get(key), alert)
    events: list[Event] = []
    seen: dict[str, int] = {}
    for mark, started in sorted(firings):
        seen[mark] = seen.get(mark, 0) + 1
        events += _events(f"{mark}-{seen[mark]}", firings[mark, started])
    return {"alerts": sorted(events, key=lambda e: (e["ts"], e["id"])), "target": target}


def _merge(known: dict[str, Any] | None, alert: dict[str, Any]) -> dict[str, Any]:
    """Keep the annotations of the last firing body: those of a resolved one are no longer measured."""
    if known is None or alert["status"] == "firing":
        return alert
    return {**alert, "annotations": known["annotations"]}


def _events(name: str, alert: Mapping[str, Any]) -> list[Event]:
    labels = alert["labels"]
    event: Event = {
        "id": name,
        "ts": alert["startsAt"],
        **{field: labels[field] for field in ("service", "metric", "severity")},
        "value": float(alert["annotations"]["value"]),
        "threshold": float(alert["annotations"]["threshold"]),
        "labels": {key: value for key, value in labels.items() if key not in FIELDS},
    }
    if alert["status"] == "firing":
        return [event]
    end = {"id": f"{name}-resolved", "ts": alert["endsAt"]}
    return [event, {**event, **end, "labels": {**event["labels"], "status": "resolved"}}]
