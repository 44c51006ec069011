"""PagerDuty: webhooks of version 3, the `messages` before them, and alerts sent to its Events API.

An incident of theirs is one alert of ours. What happens to it besides firing and resolving (somebody
acknowledged, escalated, wrote a note) is taken and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiops_rca.domain.alert import Severity
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import RESTATED, AlertEvent
from aiops_rca.ingest.body import Body, Fault, fragment, json_object
from aiops_rca.ingest.desk import Desk, Said

# The last word of an event's type -> does it fire. Others say nothing of that.
_FIRES = {
    **dict.fromkeys(["triggered", "trigger", "reopened", "reopen"], True),
    **dict.fromkeys(["resolved", "resolve"], False),
}
_ACTIONS = ("trigger", "acknowledge", "resolve")  # a tuple: what is looked for may be anything
_URGENCIES = {"high": Severity.ERROR, "low": Severity.WARNING}
_SUMMARISED = ("team", "escalation_policy", "priority", "service")


class PagerDuty:
    """Reads bodies of PagerDuty, and bodies meant for it."""

    name = "pagerduty"

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - told by the body
        """Tell whether *document* is a webhook or an event of PagerDuty."""
        return isinstance(document, dict) and (
            _is_event(document) or _is_message(document) or any(map(_is_message, _messages(document)))
        )

    def read(self, body: Body, desk: Desk) -> Iterator[AlertEvent | Fault]:
        """The events of *body*; raises InputError when it is of another kind."""
        document = body.document()
        if not self.recognise(document, body.headers):
            raise InputError("not a PagerDuty webhook: no event, messages or event_action", field="event")
        return self._each(document, body, desk)

    def _each(self, document: dict[str, Any], body: Body, desk: Desk) -> Iterator[AlertEvent | Fault]:
        messages = _messages(document) or [document]
        for position, message in enumerate(messages):
            try:
                said = _said(message, desk)
            except InputError as error:
                where = f"messages[{position}].{error.field}" if len(messages) > 1 else str(error.field)
                yield Fault(where, error.message, fragment({"messages": [message]}))
                continue
            if said is not None:
                yield desk.event(body, said)


def _messages(document: Mapping[str, Any]) -> list[Any]:
    messages = document.get("messages")
    return messages if isinstance(messages, list) else []


def _is_event(document: Mapping[str, Any]) -> bool:
    """Whether *document* is one that PagerDuty's own Events API takes, version 2 or 1."""
    if document.get("event_action") in _ACTIONS:
        return isinstance(document.get("payload"), dict) or "dedup_key" in document
    return document.get("event_type") in _ACTIONS and not {"service_key", "incident_key"}.isdisjoint(document)


def _is_message(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    event = document.get("event")
    if isinstance(event, dict):  # version 3
        return isinstance(event.get("event_type"), str)
    kind = event if isinstance(event, str) else document.get("type")
    return isinstance(kind, str) and kind.startswith(("incident.", "service.", "pagey."))


def _said(message: object, desk: Desk) -> Said | None:
    """What *message* says; None where it is not about firing. Raises InputError naming the field."""
    row = json_object(message, "message")
    if _is_event(row):
        return _of_events_api(row)
    event = row["event"] if isinstance(row.get("event"), dict) else row
    kind = event.get("event_type") or event.get("event") or event.get("type")
    fires = _FIRES.get(str(kind).rpartition(".")[2])
    if fires is None or not str(kind).startswith("incident."):
        return None
    data = event.get("data")
    incident = json_object(data if event is not row else _old_incident(row, data), "data")
    return _of_incident(incident, event, str(kind), desk, fires=fires)


def _old_incident(row: Mapping[str, Any], data: object) -> object:
    """Where version 1 (`data.incident`) and version 2 (`incident`) keep it."""
    return data.get("incident") if isinstance(data, dict) else row.get("incident")


def _of_incident(
    incident: Mapping[str, Any], event: Mapping[str, Any], kind: str, desk: Desk, *, fires: bool
) -> Said:
    identity = incident.get("id")
    if not isinstance(identity, str) or not identity:
        raise InputError("an incident without an id", field="data.id")
    told_at = event.get("occurred_at") or event.get("created_on")
    changed_at = incident.get("last_status_change_at") or incident.get("last_status_change_on")
    created_at = incident.get("created_at") or incident.get("created_on")
    service = _summary(incident.get("service"))
    begun = told_at if kind.endswith(("reopened", "reopen")) else created_at  # it fires anew
    return Said(
        _labels(incident),
        resolved=not fires,
        metric=_title(incident),
        services=(service,),
        severity=_severity(incident, desk),
        identity=identity,
        starts_at=begun or (told_at if fires else None),
        ends_at=None if fires else incident.get("resolved_at") or told_at or changed_at,
        summary=_title(incident),
        link=incident.get("html_url"),
    )


def _title(incident: Mapping[str, Any]) -> str:
    trigger = incident.get("trigger_summary_data")
    old = (trigger.get("subject") or trigger.get("description")) if isinstance(trigger, dict) else None
    title = incident.get("title") or old or incident.get("description") or incident.get("summary")
    return title if isinstance(title, str) else ""


def _labels(incident: Mapping[str, Any]) -> dict[str, object]:
    teams = incident.get("teams")
    named = {**incident, "team": teams[0] if isinstance(teams, list) and teams else None}
    labels: dict[str, object] = {f"pagerduty_{key}": _summary(named.get(key)) for key in _SUMMARISED}
    labels["pagerduty_urgency"] = incident.get("urgency")
    labels["pagerduty_incident"] = incident.get("number") or incident.get("incident_number")
    return {key: value for key, value in labels.items() if value}


def _summary(reference: object) -> str:
    """The name of what *reference* points at."""
    if not isinstance(reference, dict):
        return ""
    name = reference.get("summary") or reference.get("name") or reference.get("id")
    return name if isinstance(name, str) else ""


def _severity(incident: Mapping[str, Any], desk: Desk) -> Severity | None:
    """By the priority, where their users keep one; else by the urgency."""
    known = desk.severities.read_priority(_summary(incident.get("priority")))
    return known if known is not None else _URGENCIES.get(str(incident.get("urgency")))


def _of_events_api(event: Mapping[str, Any]) -> Said | None:
    action = event.get("event_action") or event.get("event_type")
    if action == "acknowledge":
        return None
    inner = event.get("payload")
    payload: Mapping[str, Any] = inner if isinstance(inner, dict) else {}
    details = payload.get("custom_details") or event.get("details")
    labels = {k: v for k in ("component", "group", "class", "source") if (v := payload.get(k))}
    if isinstance(details, dict):
        labels |= details
    key = event.get("dedup_key") or event.get("incident_key")
    summary = payload.get("summary") or event.get("description")
    if not key and not summary:
        raise InputError("neither a dedup_key nor a summary", field="payload.summary")
    source, told_at = payload.get("source"), payload.get("timestamp")
    name = payload.get("class") or summary
    return Said(
        labels,
        resolved=action == "resolve",
        metric=name if isinstance(name, str) else "",
        places=(source,) if isinstance(source, str) else (),
        severity=payload.get("severity"),
        identity=key if isinstance(key, str) else "",
        starts_at=told_at if action == "trigger" else None,
        ends_at=told_at,
        value=labels.get("value"),
        threshold=labels.get("threshold"),
        summary=summary,
        link=event.get("client_url"),
        flags=(RESTATED,),
    )
