"""Grafana: unified alerting (from version 8), and the legacy alerting before it.

Unified bodies look like Alertmanager's, with measured values beside them. A legacy body tells of a rule,
and its resolving one names no series: the rule is the identity. What its test button sends is no alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import AlertEvent
from aiops_rca.ingest import alertmanager
from aiops_rca.ingest.body import Body, Fault
from aiops_rca.ingest.desk import Desk, Said, number
from aiops_rca.ingest.states import fires

_OWN = frozenset("orgId state title message appVersion".split())
_OF_AN_ALERT = frozenset("silenceURL dashboardURL panelURL imageURL values valueString orgId".split())
_LINKS = ("panelURL", "dashboardURL", "generatorURL")
_LONGEST_VALUES = 4096
_SAYS_NOTHING = frozenset(["pending", "unknown", "paused"])
_TEST, _LEGACY_TEST = "TestAlert", "Test notification"


class Grafana:
    """Reads bodies of Grafana."""

    name = "grafana"

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:
        """Tell whether *document* is a Grafana body of either kind."""
        if not isinstance(document, dict):
            return False
        if _is_legacy(document):
            return True
        alerts = document.get("alerts")
        if not isinstance(alerts, list) or not alertmanager.Alertmanager().recognise(document, headers):
            return False
        return not _OWN.isdisjoint(document) or any(
            isinstance(alert, dict) and not _OF_AN_ALERT.isdisjoint(alert) for alert in alerts
        )

    def read(self, body: Body, desk: Desk) -> Iterable[AlertEvent | Fault]:
        """The events of *body*; raises InputError when it is of another kind."""
        document = body.document()
        if isinstance(document, dict) and _is_legacy(document):
            silent = document["state"] in _SAYS_NOTHING or _is_legacy_test(document)
            return [] if silent else [desk.event(body, _of_rule(document))]
        if not alertmanager.Alertmanager().recognise(document, body.headers):
            raise InputError("not a Grafana webhook: neither alerts with labels nor a rule", field="alerts")
        return alertmanager.one_by_one(_without_tests(document), body, desk, said=_said)


def _without_tests(document: Any) -> Any:
    """*document* without what the test button of a contact point sends: nothing would ever resolve it."""
    alerts = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(alerts, list):
        return document
    receiver = document.get("receiver")
    return {**document, "alerts": [alert for alert in alerts if not _is_test(alert, receiver)]}


def _is_test(alert: object, receiver: object) -> bool:
    labels = alert.get("labels") if isinstance(alert, dict) else None
    if not isinstance(labels, dict) or labels.get("alertname") != _TEST:
        return False
    return labels.get("instance") == "Grafana" or receiver == "test"


def _said(alert: object, envelope: Mapping[str, Any], received_at: int) -> Said:
    said = alertmanager.said_of(alert, envelope, received_at)
    row: Mapping[str, Any] = alert if isinstance(alert, dict) else {}
    links = (link for link in map(row.get, _LINKS) if isinstance(link, str) and link.startswith("http"))
    return said._replace(
        value=_measured(row) if number(said.value) is None else said.value,
        link=next(links, ""),
    )


def _measured(alert: Mapping[str, Any]) -> float | None:
    """The value that was measured; 0 and 1 are left aside, by them a condition says whether it holds."""
    told = alert.get("values")
    if not isinstance(told, dict):
        told = _values_in(alert.get("valueString"))
    values = [value for key in sorted(told) if (value := number(told[key])) is not None]
    return next((v for v in values if v not in (0, 1)), values[0] if values else None)


def _values_in(text: object) -> dict[str, str]:
    """The values of `[ var='B' labels={...} value=44.2 ], [ ... ]`, as version 8 writes them."""
    parts = text[:_LONGEST_VALUES].split("]") if isinstance(text, str) else []
    told = (part.rpartition(" value=") for part in parts)
    return {head.partition("var='")[2].partition("'")[0]: value.strip() for head, _, value in told if head}


def _is_legacy(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("state"), str) and ("ruleName" in document or "ruleId" in document)


def _is_legacy_test(document: Mapping[str, Any]) -> bool:
    return not document.get("ruleId") and document.get("ruleName") == _LEGACY_TEST


def _of_rule(document: Mapping[str, Any]) -> Said:
    state = document["state"]
    firing = fires(state)
    if firing is None:
        raise InputError("neither alerting nor ok", field="state")
    given = document.get("evalMatches")
    matches = [match for match in given if isinstance(match, dict)] if isinstance(given, list) else []
    rule = document.get("ruleName") or document.get("title") or document.get("ruleId")
    return Said(
        _labels(document.get("tags"), matches),
        resolved=not firing,
        metric=str(rule),
        identity=f"{document.get('orgId', 1)}/{document.get('ruleId') or rule}",
        value=max((v for m in matches if (v := number(m.get("value"))) is not None), default=None),
        summary=document.get("message") or document.get("title"),
        link=document.get("ruleUrl"),
    )


def _labels(tags: object, matches: Iterable[Mapping[str, Any]]) -> dict[str, object]:
    """The rule's tags, and what all series that match have alike: these stand closer to the fault."""
    shared: dict[str, object] | None = None
    for match in matches:
        series = match.get("tags")
        own = series if isinstance(series, dict) else {}
        shared = own if shared is None else {k: v for k, v in shared.items() if own.get(k) == v}
    return {**(tags if isinstance(tags, dict) else {}), **(shared or {})}
