"""Datadog monitors, by any template: the users write the body, so the keys are a matter of custom.

Known are the names of the template variables (`alert_transition`, `aggreg_key`, ...) on any level. The
default template has neither status nor tags: both stand in the title, `[P2] [Triggered on {host:a}] CPU`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiops_rca.domain.alert import Severity
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import RESTATED, AlertEvent
from aiops_rca.ingest.body import Body, Fault, json_object
from aiops_rca.ingest.desk import Desk, Said
from aiops_rca.ingest.generic import labels_of
from aiops_rca.ingest.states import fires

_MARKS = frozenset(
    "last_updated event_type alert_transition alert_type alert_query alert_scope alert_metric alert_id "
    "alert_status alert_title alert_priority alert_cycle_key aggreg_key monitor_id scopes query org_id "
    "event_title event_msg text_only_msg".split()
)
_TOLD_BY_ITSELF = frozenset(["alert_transition", "alert_cycle_key", "aggreg_key", "alert_scope"])
_TITLE_LENGTH = 2000
_PRIORITY = re.compile(r"\s*\[(P[1-5])\]", re.IGNORECASE)
_STATE = re.compile(
    r"\s*\[((?:re-?)?(?:triggered|notify|notified|warn|no data|recovered|alert|ok|renotify)|test|muted)"
    r"(?: from [^\]]{1,40}?)?(?: on \{([^{}]{0,1500})\})?\]",
    re.IGNORECASE,
)
_MEASURED = re.compile(r"[a-z0-9_.]{1,40}:([a-zA-Z][\w.]{0,200})\s{0,4}\{")
_LIMIT = re.compile(r"[<>]=?\s*(-?[0-9]+(?:\.[0-9]+)?)\s*\Z")
_TITLES = ("title", "event_title", "alert_title", "monitor_name")
_OF_A_THING = frozenset(["id", "name", "type"])  # say something only with the name of the object they are in
_UNSET = frozenset(["", "null", "none", "n/a"])
_WARNS = frozenset(["warn", "warning", "re-warn", "no data", "re-no data"])


class _Title(NamedTuple):
    """A title taken apart: what stands in brackets before the monitor's name."""

    name: str
    priority: str
    state: str
    scope: str


class Datadog:
    """Reads bodies of Datadog."""

    name = "datadog"

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - told by the body
        """Tell whether *document* has several of the names Datadog's templates use."""
        if not isinstance(document, dict):
            return False
        marks = _MARKS & _flat(document).keys()
        return len(marks) > 1 or not _TOLD_BY_ITSELF.isdisjoint(marks)

    def read(self, body: Body, desk: Desk) -> list[AlertEvent | Fault]:
        """The one event of *body*; raises InputError when it is of another kind."""
        document = json_object(body.document(), "body")
        if not (self.recognise(document, body.headers) or _is_own_template(document)):
            raise InputError("not a Datadog webhook: none of its template variables", field="body")
        return [desk.event(body, _said(_flat(document), desk))]


def _is_own_template(document: Mapping[str, Any]) -> bool:
    """Whether a body at Datadog's own address may be of a template with few variables."""
    return not _MARKS.isdisjoint(document) and any(title in document for title in _TITLES)


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Every key of *document* and of the objects in it, in lower case; those on top count first."""
    inner = [(key, value) for key, value in document.items() if isinstance(value, dict)]
    rows = [("", document), *((f"{key}_", value) for key, value in inner)]
    found: dict[str, Any] = {}
    for prefix, row in reversed(rows):
        for key, value in row.items():
            if not isinstance(value, dict) and not _is_unset(value):
                name = key.lower().lstrip("$")
                found[f"{prefix.lower()}{name}"] = value
                if name not in _OF_A_THING:
                    found[name] = value
    return found


def _is_unset(value: object) -> bool:
    """Whether a variable said nothing; one that Datadog does not know stays as `$NAME`."""
    if not isinstance(value, str):
        return value is None
    return value.strip().lower() in _UNSET or (value.startswith("$") and value[1:].replace("_", "").isupper())


def _said(fields: Mapping[str, Any], desk: Desk) -> Said:
    title = _taken_apart(_first(fields, *_TITLES))
    labels = _labels(fields, title.scope)
    transition = _first(fields, "alert_transition", "transition", "alert_state") or title.state
    firing = _fires(transition, fields)
    query = _first(fields, "alert_query", "query")
    at = fields.get("date") or fields.get("last_updated")
    measured = _MEASURED.search(query[:_TITLE_LENGTH])
    limit = _LIMIT.search(query[-100:])
    return Said(
        labels,
        resolved=not firing,
        metric=_first(fields, "alert_metric") or (measured[1] if measured else title.name),
        places=(_first(fields, "hostname", "host"),),
        severity=_severity(fields, title, transition, desk),
        identity=_identity(fields, title),
        starts_at=at if firing else None,
        ends_at=None if firing else at,
        value=fields.get("value"),
        threshold=fields.get("threshold") or (limit[1] if limit else None),
        summary=title.name,
        link=_first(fields, "link", "url", "event_url", "alert_url"),
        flags=(RESTATED,),
    )


def _first(fields: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value).strip()
    return ""


def _taken_apart(title: str) -> _Title:
    rest, priority, state, scope = title[:_TITLE_LENGTH], "", "", ""
    while True:
        if found := _PRIORITY.match(rest):
            priority = priority or found[1]
        elif found := _STATE.match(rest):
            state = found[1] if not state or state.lower() in {"test", "muted"} else state
            scope = scope or found[2] or ""
        else:
            return _Title(rest.strip(), priority, state, scope)
        rest = rest[found.end() :]


def _fires(transition: str, fields: Mapping[str, Any]) -> bool:
    """Whether it fires; a monitor nobody says anything of has been sent because it does."""
    word = transition.lower()
    if "recover" in word:
        return False
    known = fires(word) if word else None
    if known is None and not word:
        known = fires(fields.get("status") or fields.get("state") or fields.get("alert_type"))
    return known is not False


def _severity(fields: Mapping[str, Any], title: _Title, transition: str, desk: Desk) -> Severity | None:
    """By the monitor's priority, else by how the monitor judged."""
    for said in (_first(fields, "severity", "alert_priority", "priority"), title.priority):
        known = desk.severities.read_priority(said) if said.lower() not in {"", "normal"} else None
        if known is not None:
            return known
    if transition.lower() in _WARNS:
        return Severity.WARNING
    return desk.severities.read(_first(fields, "alert_type"))


def _labels(fields: Mapping[str, Any], scope: str) -> dict[str, object]:
    """Tags and scope; the scope is what this alert is about, so it counts more."""
    labels = labels_of(fields.get("tags"))
    for said in (scope, fields.get("scopes"), fields.get("alert_scope"), fields.get("scope")):
        labels |= labels_of(said)
    name = _first(fields, "monitor_id", "alert_id")
    return {**labels, "monitor_id": name} if name else labels


def _identity(fields: Mapping[str, Any], title: _Title) -> str:
    """What trigger and recovery have in common, by any template."""
    scope = fields.get("alert_scope") or fields.get("scopes") or fields.get("scope") or title.scope
    parts = scope if isinstance(scope, list) else str(scope).split(",")
    where = ",".join(sorted(str(part).strip() for part in parts))
    aggregate, monitor = _first(fields, "aggreg_key"), _first(fields, "monitor_id", "alert_id")
    cycle = _first(fields, "alert_cycle_key", "cycle_key")
    if aggregate or monitor:
        return f"{aggregate}\x1f{monitor}\x1f{where}"
    return cycle or "\x1f".join((_first(fields, "org_id"), title.name, where))
