"""The one OpenAPI document: FastAPI's pages plus what the edge answers itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from fastapi import FastAPI

from aiops_rca.web.asking import refusals, shows
from aiops_rca.wire import admin, json_schemas, live

_EXAMPLE = {
    "alerts": [
        {
            "id": "a1",
            "ts": "2026-06-08T03:00:00Z",
            "service": "redis-cart",
            "metric": "memory_used_pct",
            "severity": "critical",
            "value": 99.1,
            "threshold": 90,
            "labels": {"kind": "memory", "pod": "redis-cart-0"},
        }
    ],
    "target": "frontend",
}
_MEANING = {
    400: "The batch is empty",
    408: "The body did not arrive in time",
    413: "The body or the batch is larger than the limits",
    415: "The body is not uncompressed JSON",
    422: "The input is invalid; `field` names what",
    500: "A fault of the service",
    503: "Overloaded or not ready; try again after Retry-After seconds",
    504: "Not answered in time",
}


def describe(app: FastAPI, severities: Iterable[str]) -> None:
    """Make *app* serve the merged document; built on first use, the same ever after.

    *severities* are the words a sender may use, in lower case; the document takes them in any case.
    """
    pattern = _any_case(severities)
    pages = app.openapi
    app.openapi = cache(lambda: _merge(pages(), pattern))  # type: ignore[method-assign]


def _merge(document: dict[str, Any], severity: str) -> dict[str, Any]:
    references, schemas = json_schemas((*live.SHOWN, *admin.SHOWN))
    fields = schemas["AlertIn"]["properties"]
    fields["severity"]["pattern"] = severity
    fields["ts"] = _TIME
    error = references["ErrorOut"]
    paths = {
        "/incident": {"post": _incident(references, error)},
        "/webhooks": {"post": _webhook("Keep what a sender tells; find out which sender it is", "webhook")},
        "/webhooks/{source}": {
            "parameters": [_SOURCE],
            "post": _webhook("Keep what a sender tells", "webhook_of_source"),
        },
        "/healthz": {"get": _plain("Whether the process is alive; touches nothing", _HEALTH)},
        "/metrics": {"get": _plain("Prometheus metrics", {"text/plain": {}})},
        **document["paths"],
    }
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(schemas)
    return {**document, "paths": paths}


_HEALTH = {"application/json": {"schema": {"type": "object", "required": ["status"]}}}


_SOURCE = {
    "name": "source",
    "in": "path",
    "required": True,
    "description": "alertmanager, grafana, pagerduty, datadog, cloudevents, generic or one of the settings",
    "schema": {"type": "string"},
}


_TIME = {
    "anyOf": [
        {
            "type": "string",
            "format": "date-time",
            "pattern": "^(19[7-9][0-9]|[2-9][0-9]{3})-",
            "description": "RFC 3339 from 1970 on; no zone = UTC",
        },
        {
            "type": "number",
            "minimum": 0,
            "maximum": 253_402_300_799_999,
            "description": "epoch seconds or milliseconds",
        },
    ]
}


def _any_case(words: Iterable[str]) -> str:
    """A pattern that takes *words* in any case; JSON schema has no flag for that."""
    letters = ("".join(f"[{c.upper()}{c}]" if c.isalpha() else re.escape(c) for c in w) for w in words)
    return f"^({'|'.join(sorted(letters))})$"


def _plain(summary: str, content: dict[str, Any]) -> dict[str, Any]:
    responses = {"200": {"description": "OK", "content": content}}
    return {"summary": summary, "tags": ["service"], "responses": responses}


def _incident(references: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    refusals = {
        str(status): {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in _MEANING.items()
    }
    answer = {"application/json": {"schema": references["TimedIncidentOut"]}}
    body = {"schema": references["IncidentIn"], "example": _EXAMPLE}
    return {
        "summary": "Diagnose a batch of alerts",
        "operationId": "incident",
        "tags": ["diagnosis"],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {"200": {"description": "The diagnosis", "content": answer}, **refusals},
    }


def _webhook(summary: str, operation: str) -> dict[str, Any]:
    """An operation that takes whatever a sender writes: what cannot be read is kept too."""
    answers = {
        200: shows("AcceptedOut", "There was no alert in it"),
        202: shows("AcceptedOut", "All of it is on disk"),
        **refusals(401, 404, 408, 413, 415, 422),
    }
    return {
        "summary": summary,
        "operationId": operation,
        "tags": ["webhooks"],
        "requestBody": {"required": False, "content": {"application/json": {"schema": {}}}},
        "responses": {str(status): answer for status, answer in answers.items()},
    }
