"""Any sender whose alerts are JSON: fields by their usual names, or by JMESPath expressions of the settings.

Without a mapping an alert is `{service, metric, severity, status, starts_at, value, labels, ...}`, alone,
in a list or under `alerts`. An id names one message, not a signal: only a mapped `identity` counts as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jmespath  # type: ignore[import-untyped]  # ships no types
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import RESTATED, AlertEvent
from aiops_rca.ingest.body import Body, Fault, fragment, json_object
from aiops_rca.ingest.desk import Desk, Said
from aiops_rca.ingest.states import is_resolved

# Field -> the names it goes by, the most telling first.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "service": ("service", "service_name", "serviceName", "app", "application", "component", "entity"),
    "metric": ("metric", "metric_name", "metricName", "alertname", "alert_name", "name", "rule", "check"),
    "severity": ("severity", "priority", "level", "urgency"),
    "status": ("status", "state"),
    "starts_at": ("starts_at", "startsAt", "started_at", "startedAt", "start_time", "startTime", "since"),
    "told_at": ("ts", "time", "timestamp", "date", "occurred_at"),
    "created_at": ("created_at", "createdAt"),
    "ends_at": ("ends_at", "endsAt", "ended_at", "endedAt", "resolved_at", "resolvedAt", "end_time"),
    "value": ("value", "current_value", "currentValue"),
    "threshold": ("threshold",),
    "labels": ("labels", "tags"),
    "summary": ("summary", "message", "description", "title", "text"),
    "link": ("link", "url", "generatorURL", "generator_url"),
    "identity": ("fingerprint", "dedup_key", "dedupKey", "identity"),
}
FIELDS = frozenset([*_NAMES, "id", "alerts"])
_TELLING = frozenset("severity status starts_at told_at created_at value".split())
_TITLES = ("title", "summary", "message")
_LISTS = ("alerts", "events", "items")

Mapper = Mapping[str, Any]  # field -> compiled expression


def compiled(mapping: Mapping[str, str], *, field: str) -> Mapper:
    """The expressions of *mapping*, ready to search; raises InputError naming what under *field* is wrong."""
    expressions = {}
    for name, expression in sorted(mapping.items()):
        if name not in FIELDS:
            raise InputError(f"unknown field; known are {', '.join(sorted(FIELDS))}", field=f"{field}.{name}")
        try:
            expressions[name] = jmespath.compile(expression)
        except JMESPathError as error:
            raise InputError(f"not a JMESPath expression: {error}", field=f"{field}.{name}") from error
    return expressions


class Generic:
    """Reads alerts in the project's own words, or in those a *mapping* knows."""

    name = "generic"

    def __init__(self, mapping: Mapper | None = None) -> None:
        self._mapping = mapping or {}

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - told by the body
        """Tell whether *document* holds alerts that name both a service and what is measured."""
        alerts = self._alerts(document)
        return bool(alerts) and any(isinstance(alert, dict) and _is_plain(alert) for alert in alerts)

    def read(self, body: Body, desk: Desk) -> Iterator[AlertEvent | Fault]:
        """The events of *body*; raises InputError when nothing in it is an alert."""
        alerts = self._alerts(body.document())
        for position, alert in enumerate(alerts):
            try:
                yield desk.event(body, self.said(alert, body.received_at))
            except InputError as error:
                if len(alerts) == 1:
                    raise
                yield Fault(f"alerts[{position}].{error.field}", error.message, fragment(alert))

    def said(self, alert: object, received_at: int) -> Said:
        """What the parsed *alert* says; raises InputError naming the field at fault."""
        row = json_object(alert, "alert")
        fields = self._mapped(row) if self._mapping else _by_name(row)
        labels = labels_of(fields.get("labels"))
        service, metric = _word(fields.get("service")), _word(fields.get("metric"))
        if not (service or labels) or not (metric or labels or fields.get("summary")):
            raise InputError("names neither a service nor labels", field="service")
        resolved = is_resolved(fields.get("status"), fields.get("ends_at"), received_at, field="status")
        starts_at, ends_at, flags = _times(fields, resolved=resolved)
        return Said(
            labels,
            resolved=resolved,
            metric=metric or ("" if "alertname" in labels else _word(fields.get("summary"))[:200]),
            services=(service,),
            severity=_severity(fields.get("severity")),
            identity=_word(fields.get("identity")),
            starts_at=starts_at,
            ends_at=ends_at,
            value=fields.get("value"),
            threshold=fields.get("threshold"),
            summary=fields.get("summary"),
            link=fields.get("link"),
            flags=flags,
        )

    def _alerts(self, document: Any) -> list[Any]:
        """The alerts in *document*: what the mapping says, a list, or the document itself."""
        if "alerts" in self._mapping:
            found = _search(self._mapping["alerts"], document, "alerts")
            return found if isinstance(found, list) else [document if found is None else found]
        if isinstance(document, dict):
            for name in _LISTS:
                if isinstance(document.get(name), list):
                    return list(document[name])
        return document if isinstance(document, list) else [document]

    def _mapped(self, row: Mapping[str, Any]) -> dict[str, Any]:
        fields = {
            name: _search(expression, row, name)
            for name, expression in self._mapping.items()
            if name != "alerts"
        }
        return {"identity": fields.pop("id", None)} | fields


def labels_of(said: object) -> dict[str, object]:
    """Labels as an object, as a list of `name:value` or `{name, value}`, or as one text of these."""
    if isinstance(said, dict):
        return said
    if isinstance(said, str):
        said = said.split(",")
    found: dict[str, object] = {}
    for part in said if isinstance(said, list) else []:
        if isinstance(part, str):
            name, sign, value = part.strip().partition("=" if ":" not in part else ":")
            if sign and name:
                found[name.strip()] = value.strip()
        elif isinstance(part, dict):
            key = part.get("name") or part.get("key") or part.get("tag")
            if isinstance(key, str):
                found[key] = part.get("value")
    return found


def _by_name(row: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field, names in _NAMES.items():
        for name in names:
            if (value := row.get(name)) is not None and value != "":
                fields[field] = value
                break
    return fields


def _times(fields: Mapping[str, Any], *, resolved: bool) -> tuple[object, object, tuple[str, ...]]:
    """(start, end, flags). When it was told is when it was over, or else the best that is known of its start.

    When it was created is no end of anything.
    """
    starts_at, told_at = fields.get("starts_at"), fields.get("told_at")
    if resolved:
        return starts_at, told_at if fields.get("ends_at") is None else fields["ends_at"], ()
    if starts_at is not None:
        return starts_at, fields.get("ends_at"), ()
    return fields.get("created_at") if told_at is None else told_at, fields.get("ends_at"), (RESTATED,)


def _is_plain(alert: Mapping[str, Any]) -> bool:
    """Whether an alert is surely meant for us: it says of what service, what is measured, and how bad."""
    fields = _by_name(alert)
    if not isinstance(fields.get("service"), str):
        return False
    named = "metric" in fields or any(isinstance(alert.get(title), str) for title in _TITLES)
    return named and not _TELLING.isdisjoint(fields)


def _search(expression: Any, document: Any, name: str) -> Any:
    try:
        return expression.search(document)
    except (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise InputError(f"the mapping does not fit: {error}"[:300], field=name) from error


def _word(said: object) -> str:
    """*said* as one word: text or a number; for `{name: ...}` its name."""
    word = said.get("name") or said.get("id") if isinstance(said, dict) else said
    return str(word).strip() if isinstance(word, str | int | float) and not isinstance(word, bool) else ""


def _severity(said: object) -> object:
    return str(said) if isinstance(said, int | float) and not isinstance(said, bool) else said
