"""Past, labelled incidents: what happened, what it was, what fixed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiops_rca.domain.alert import LabelValue


@dataclass(frozen=True, slots=True)
class PastAlert:
    """One signal seen in a past incident."""

    service: str
    metric: str
    labels: Mapping[str, LabelValue]


@dataclass(frozen=True, slots=True)
class PastAction:
    """Something that was done about it. *risk* is low, medium or high."""

    text: str
    risk: str


@dataclass(frozen=True, slots=True)
class PastIncident:
    """One closed incident. *minutes_to_resolve* is in minutes, *closed_at* in epoch milliseconds."""

    id: str
    root_cause: str
    alerts: tuple[PastAlert, ...]
    symptom: str
    fix: str
    actions: tuple[PastAction, ...]
    minutes_to_resolve: float | None
    closed_at: int | None


@dataclass(frozen=True, eq=False)
class IncidentHistory:
    """The labelled past of one system, in file order. Compared by identity."""

    version: str
    incidents: tuple[PastIncident, ...]


NO_HISTORY = IncidentHistory("none", ())
