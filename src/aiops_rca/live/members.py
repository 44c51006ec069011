"""The alerts of an incident as a diagnosis takes them: one for each signal, at its first start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiops_rca.domain.alert import Alert
from aiops_rca.live.outline import alert_of, earlier_and_worse, moment
from aiops_rca.live.records import AlertRecord
from aiops_rca.live.signals import REPEATED
from aiops_rca.live.state import State


def alerts_of(state: State, incident: str) -> tuple[Alert, ...]:
    """One alert for each signal of the live *incident*: at its first start, with the worst told of it.

    Sorted by (ts, id); empty when *incident* is not live.
    """
    live = state.incidents.get(incident)
    return tuple(sorted(live.onsets.values(), key=moment)) if live else ()


def onsets_of(firings: Iterable[AlertRecord]) -> tuple[Alert, ...]:
    """The same of an incident that is no longer live, from its stored *firings*."""
    found: dict[str, Alert] = {}
    for alert in (alert_of(firing) for firing in firings if firing.ended != REPEATED):
        known = found.get(alert.fingerprint)
        found[alert.fingerprint] = alert if known is None else earlier_and_worse(known, alert)
    return tuple(sorted(found.values(), key=moment))


def summaries_of(state: State, alerts: Iterable[Alert]) -> Mapping[str, str]:
    """What senders wrote of *alerts*, by alert id; nothing of those whose firing a fold no longer needs."""
    signals = ((alert.id, state.signals.get(alert.fingerprint)) for alert in alerts)
    firings = ((id, firing) for id, signal in signals if signal for firing in signal.firings)
    return {id: firing.summary for id, firing in firings if firing.id == id and firing.summary}
