"""The alerts of an incident as a diagnosis takes them."""

from __future__ import annotations

from aiops_rca.domain.alert import Alert
from aiops_rca.live.state import State


def alerts_of(state: State, incident: str) -> tuple[Alert, ...]:
    """One alert for each signal of the live *incident*: at its first start, with the worst told of it.

    Sorted by (ts, id); empty when *incident* is not live.
    """
    live = state.incidents.get(incident)
    return tuple(sorted(live.onsets.values(), key=lambda a: (a.ts, a.id))) if live else ()
