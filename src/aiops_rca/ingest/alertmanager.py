"""Prometheus Alertmanager, every version of its webhook, and alerts as Prometheus posts them.

The whole body is decoded in one step; only when that fails is it taken apart, to find the alert at fault.
Told by the alerts alone: the status on top is `firing` while any of them is, groupKey is not an identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import TRUNCATED, AlertEvent
from aiops_rca.ingest.body import Body, Fault, fragment, json_object
from aiops_rca.ingest.desk import Desk, Said, number
from aiops_rca.ingest.states import is_resolved

_ENVELOPE = frozenset(
    "groupKey groupLabels commonLabels commonAnnotations receiver truncatedAlerts externalURL".split()
)
_OF_AN_ALERT = frozenset("startsAt endsAt annotations status fingerprint generatorURL activeAt".split())
_REPEATED = frozenset("status truncatedAlerts version orgId receiver groupKey title".split())
_REPEATED_LENGTH = 200
_SUMMARIES = ("summary", "message", "description", "title")


class _Annotations(Struct, gc=False):
    value: str | None = None
    threshold: str | None = None
    summary: str | None = None
    message: str | None = None
    description: str | None = None
    title: str | None = None


class _Alert(Struct, gc=False, rename="camel"):
    labels: Raw
    status: str
    service: Raw | UnsetType = UNSET
    annotations: _Annotations | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    generator_url: str | None = field(default=None, name="generatorURL")


class _Webhook(Struct, gc=False, rename="camel"):
    alerts: list[_Alert]
    truncated_alerts: int = 0


_DECODER = msgspec.json.Decoder(_Webhook)
_NONE = _Annotations()
_RESOLVED = {"firing": False, "resolved": True}


class Alertmanager:
    """Reads bodies of Alertmanager."""

    name = "alertmanager"

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - told by the body
        """Tell whether *document* is an Alertmanager body, or alerts alone."""
        if isinstance(document, list):
            return bool(document) and any(map(is_alert, document))
        if not isinstance(document, dict):
            return False
        alerts = document.get("alerts")
        if not isinstance(alerts, list):
            return alerts is None and (not _ENVELOPE.isdisjoint(document) or is_alert(document))
        return not alerts or not _ENVELOPE.isdisjoint(document) or any(map(_has_labels, alerts))

    def read(self, body: Body, desk: Desk) -> Iterable[AlertEvent | Fault]:
        """The events of *body*; raises InputError when it is of another kind."""
        try:
            return self._at_once(body, desk)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError, KeyError):
            document = body.document()
        if not self.recognise(document, body.headers):
            raise InputError("not an Alertmanager webhook: no alerts with labels", field="alerts")
        return one_by_one(document, body, desk)

    def _at_once(self, body: Body, desk: Desk) -> list[AlertEvent | Fault]:
        webhook = _DECODER.decode(body.raw)
        flags = (TRUNCATED,) if webhook.truncated_alerts > 0 else ()
        events: list[AlertEvent | Fault] = []
        for alert in webhook.alerts:
            if alert.service is not UNSET:
                raise InputError("an alert in plain words", field="service")
            notes = alert.annotations or _NONE
            events.append(
                desk.stamped(
                    body,
                    desk.named(bytes(alert.labels)),
                    resolved=_RESOLVED[alert.status],
                    starts=alert.starts_at,
                    ends=alert.ends_at,
                    value=number(notes.value),
                    threshold=number(notes.threshold),
                    summary=notes.summary or notes.message or notes.description or notes.title,
                    link=alert.generator_url,
                    flags=flags,
                )
            )
        return events


def said_of(alert: object, envelope: Mapping[str, Any], received_at: int) -> Said:
    """What one parsed alert of *envelope* says; raises InputError naming the field at fault."""
    row = json_object(alert, "alert")
    labels = json_object(row.get("labels") or envelope.get("commonLabels"), "labels")
    if not labels:
        raise InputError("no labels", field="labels")
    notes = _mapping(row.get("annotations")) or _mapping(envelope.get("commonAnnotations"))
    truncated = number(envelope.get("truncatedAlerts")) or 0
    status = row.get("status") or row.get("state") or envelope.get("status")
    return Said(
        labels,
        resolved=is_resolved(status, row.get("endsAt"), received_at, field="status"),
        starts_at=row.get("startsAt") or row.get("activeAt"),
        ends_at=row.get("endsAt"),
        value=notes.get("value"),
        threshold=notes.get("threshold"),
        summary=next(filter(None, map(notes.get, _SUMMARIES)), ""),
        link=row.get("generatorURL"),
        flags=(TRUNCATED,) if truncated > 0 else (),
    )


def one_by_one(
    document: Any,
    body: Body,
    desk: Desk,
    *,
    said: Callable[[object, Mapping[str, Any], int], Said] = said_of,
) -> Iterator[AlertEvent | Fault]:
    """The events of a parsed body, and the alerts of it that cannot be read. *said* reads one of them."""
    envelope: dict[str, Any] = document if isinstance(document, dict) and not is_alert(document) else {}
    alerts = envelope.get("alerts") or [] if envelope else document
    for position, alert in enumerate(alerts if isinstance(alerts, list) else [alerts]):
        try:
            yield desk.event(body, said(alert, envelope, body.received_at))
        except InputError as error:
            yield Fault(
                f"alerts[{position}].{error.field}".removesuffix(".alert"),
                error.message,
                fragment({**_short(envelope), "alerts": [alert]}),
            )


def is_alert(row: object) -> bool:
    """Tell whether *row* looks like one alert."""
    return isinstance(row, dict) and _has_labels(row) and not _OF_AN_ALERT.isdisjoint(row)


def _has_labels(row: object) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("labels"), dict)
        and bool(row["labels"])
        and "service" not in row  # names it outside its labels: an alert in plain words
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _short(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """What every fragment repeats of the body it was part of: little, for there may be many."""
    return {
        key: value
        for key, value in envelope.items()
        if key in _REPEATED and isinstance(value, str | int | float) and len(str(value)) <= _REPEATED_LENGTH
    }
