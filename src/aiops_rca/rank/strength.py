"""How loud each service is: alerts of any source on one scale.

Magnitude g comes from the best measure an alert carries (z, change, value/threshold, severity); the
strength of many alerts with one key is max g * (1 + ln count) * rarity. Sets in, sorted values out:
the order of the alerts has no effect. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from aiops_rca.domain.alert import Alert, LabelValue, Severity
from aiops_rca.domain.kinds import family
from aiops_rca.rank.kinds import LAYERS, LOCAL, NETWORK, group_of

Cell = tuple[str, str]  # (service, layer)
Rarity = Callable[[str, str], float]  # (service, metric family) -> factor

_FAINTEST = 1e-3  # an alert that measures no deviation at all still counts as one
_SEVERITY_SCALE = {
    Severity.INFO: 4.0,
    Severity.WARNING: 8.0,
    Severity.ERROR: 12.0,
    Severity.CRITICAL: 16.0,
}


class Loudness(NamedTuple):
    """One metric of one service: *strength* (no unit) and *excess* over normal in the metric's unit."""

    strength: float
    excess: float | None


@dataclass(frozen=True, slots=True)
class Signals:
    """A cluster's alerts, measured.

    *services* alert (sorted). *symptoms* maps (service, layer) to its metrics, *loudest* to the largest
    strength there; both in sorted order. *families* maps (group, metric family) to service -> strength,
    for the groups that are no symptom.
    """

    services: tuple[str, ...]
    symptoms: dict[Cell, dict[str, Loudness]]
    loudest: dict[Cell, float]
    families: dict[tuple[str, str], dict[str, float]]
    symptomatic: frozenset[str]

    def ailing(self) -> dict[str, float]:
        """Return the services with local alerts but no symptom -> their largest strength, sorted."""
        found: dict[str, float] = {}
        for (group, _), strengths in self.families.items():
            if group in LOCAL:
                for service, strength in strengths.items():
                    if service not in self.symptomatic:
                        found[service] = max(strength, found.get(service, 0.0))
        return dict(sorted(found.items()))


class _Tally:
    __slots__ = ("count", "excess", "magnitude")

    def __init__(self) -> None:
        self.count = 0
        self.magnitude = _FAINTEST
        self.excess: float | None = None

    def add(self, alert: Alert, *, with_excess: bool) -> None:
        self.count += 1
        self.magnitude = max(self.magnitude, magnitude(alert))
        if with_excess:
            found = excess(alert)
            if found is not None and (self.excess is None or found > self.excess):
                self.excess = found

    def strength(self, rarity: float) -> float:
        return self.magnitude * (1.0 + math.log(self.count)) * rarity


def measure(alerts: Iterable[Alert], rarity: Rarity | None = None) -> Signals:
    """Measure *alerts*; *rarity* (from the history) damps what has always been alerting."""
    symptoms: dict[tuple[str, str, str], _Tally] = {}
    families: dict[tuple[str, str, str], _Tally] = {}
    services: set[str] = set()
    for alert in alerts:
        services.add(alert.service)
        group = group_of(alert)
        if group in LAYERS:
            key = (alert.service, group, alert.metric)
            symptoms.setdefault(key, _Tally()).add(alert, with_excess=True)
        elif group != NETWORK or alert.labels.get("direction") != "down":
            # Less network traffic than usual is what a fault elsewhere looks like.
            key = (group, family(alert.metric), alert.service)
            families.setdefault(key, _Tally()).add(alert, with_excess=False)
    return _collect(services, symptoms, families, rarity or (lambda _service, _family: 1.0))


def magnitude(alert: Alert) -> float:
    """Return how far from normal *alert* is, >= 0, on a logarithmic scale shared by all sources."""
    labels = alert.labels
    z = number(labels.get("peak_z"))
    z = number(labels.get("z")) if z is None else z
    if z is not None:
        return math.log1p(abs(z) / 4.0)
    change = number(labels.get("change_pct"))
    if change is not None:
        return math.log1p(abs(change) / 20.0)
    value, threshold = alert.value, alert.threshold
    if value is not None and threshold is not None and value > 0 and threshold > 0:
        return math.log(1.5 + 2.0 * abs(math.log(value) - math.log(threshold)))
    return math.log1p(_SEVERITY_SCALE[alert.severity] / 4.0)


def excess(alert: Alert) -> float | None:
    """Return the distance from normal in the metric's own unit, or None when it is not known."""
    peak = number(alert.labels.get("peak"))
    peak = alert.value if peak is None else peak
    normal = number(alert.labels.get("baseline_median"))
    if peak is None or normal is None:
        peak, normal = alert.value, alert.threshold
    if peak is None or normal is None:
        return None
    distance = abs(peak - normal)
    return distance if math.isfinite(distance) else None


def number(value: LabelValue) -> float | None:
    """Read a label as a finite number; many sources send numbers as text."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _collect(
    services: set[str],
    symptoms: dict[tuple[str, str, str], _Tally],
    families: dict[tuple[str, str, str], _Tally],
    rarity: Rarity,
) -> Signals:
    cells: dict[Cell, dict[str, Loudness]] = {}
    for service, layer, metric in sorted(symptoms):
        tally = symptoms[service, layer, metric]
        strength = tally.strength(rarity(service, family(metric)))
        cells.setdefault((service, layer), {})[metric] = Loudness(strength, tally.excess)
    local: dict[tuple[str, str], dict[str, float]] = {}
    for group, metric_family, service in sorted(families):
        tally = families[group, metric_family, service]
        strength = tally.strength(rarity(service, metric_family))
        local.setdefault((group, metric_family), {})[service] = strength
    return Signals(
        services=tuple(sorted(services)),
        symptoms=cells,
        loudest={cell: max(m.strength for m in metrics.values()) for cell, metrics in cells.items()},
        families=local,
        symptomatic=frozenset(service for service, _ in cells),
    )
