"""A reader over a small graph, and short ways to ask it.

Bodies are Python values; `NOW` is when they arrive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiops_rca.domain.event import AlertEvent
from aiops_rca.domain.times import epoch_ms
from aiops_rca.ingest.reader import Reader, Reading
from aiops_rca.settings import Settings

NODES = frozenset(["cart", "checkout", "frontend", "redis-cart", "productcatalogservice"])
NOW = epoch_ms("2026-11-20T12:00:00Z")
MINUTE = 60_000


def reader(settings: Mapping[str, Any] | None = None, *, nodes: frozenset[str] = NODES) -> Reader:
    """Make a reader of *settings* for a graph of *nodes*."""
    return Reader(Settings.model_validate(dict(settings or {})), lambda: nodes)


def read(
    source: str | None,
    body: object,
    *,
    headers: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    now: int = NOW,
) -> Reading:
    """Read *body*, bytes as they are and anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return reader(settings).read(source, raw, headers or {}, now)[1]


def event_of(source: str, body: object, **more: Any) -> AlertEvent:
    """Read *body*, which must hold exactly one alert and nothing unreadable."""
    reading = read(source, body, **more)
    assert reading.recognised
    assert reading.faults == ()
    (event,) = reading.events
    return event


def stored(file: Path) -> Any:
    """The body kept in *file*; a captured request keeps it under `body`."""
    document = json.loads(file.read_bytes())
    return document["body"] if isinstance(document, dict) and "client_port" in document else document
