"""The alerts of an incident as a diagnosis takes them: one for each signal, at its first start."""

from __future__ import annotations

from collections.abc import Iterable

from aiops_rca.domain.alert import Alert
from aiops_rca.live.outline import alert_of
from aiops_rca.live.records import AlertRecord
from aiops_rca.live.signals import REPEATED
from aiops_rca.live.state import State


def alerts_of(state: State, incident: str) -> tuple[Alert, ...]:
    """One alert for each signal of the live *incident*: at its first start, with the worst told of it.

    Sorted by (ts, id); empty when *incident* is not live.
    """
    live = state.incidents.get(incident)
    return tuple(sorted(live.onsets.values(), key=_moment)) if live else ()


def onsets_of(firings: Iterable[AlertRecord]) -> tuple[Alert, ...]:
    """The same of an incident that is no longer live, from its stored *firings*."""
    found: dict[str, Alert] = {}
    for alert in (alert_of(firing) for firing in firings if firing.ended != REPEATED):
        known = found.get(alert.fingerprint)
        found[alert.fingerprint] = alert if known is None else earlier_and_worse(known, alert)
    return tuple(sorted(found.values(), key=_moment))


def earlier_and_worse(one: Alert, other: Alert) -> Alert:
    """Of two alerts of one signal the earlier, with what the worse one measured."""
    first, worst = min(one, other, key=_moment), max(one, other, key=_weight)
    return first._replace(severity=worst.severity, value=worst.value, threshold=worst.threshold)


def _moment(alert: Alert) -> tuple[int, str]:
    return alert.ts, alert.id


def _weight(alert: Alert) -> tuple[int, bool, float, float]:
    value = alert.value
    return (alert.severity, value is not None, abs(value or 0.0), value or 0.0)
