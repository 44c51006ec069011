"""How loud each service is: alerts of any source on one scale.

Magnitude g comes from the best measure an alert carries (z, change, value/threshold, severity), if that
lies on the bad side; the strength of many alerts with one key is max g * (1 + ln count) * rarity. Sets in,
sorted values out: the order of the alerts has no effect. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from aiops_rca.domain.alert import Alert, LabelValue, Severity
from aiops_rca.domain.kinds import DOWN, UP, family, worse_direction
from aiops_rca.rank.kinds import LAYERS, LOCAL, NETWORK, group_of

Cell = tuple[str, str]  # (service, layer)
Rarity = Callable[[str, str], float]  # (service, metric family) -> factor

_FAINTEST = 1e-3  # an alert that measures no deviation at all still counts as one
_ALL_BUT_NOTHING = 1e-3
_DEVIATIONS = (("peak_z", 4.0), ("z", 4.0), ("change_pct", 20.0))
_MAGNITUDE_OF_SEVERITY = {
    Severity.INFO: math.log(2.0),
    Severity.WARNING: math.log(3.0),
    Severity.ERROR: math.log(4.0),
    Severity.CRITICAL: math.log(5.0),
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
        if len(self.services) == len(self.symptomatic):
            return found
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
    """Return how far on the bad side of normal *alert* is, >= 0, on a logarithmic scale of all sources.

    A measure on the good side (a latency below its threshold) measures nothing: then the next one counts,
    the severity last.
    """
    labels = alert.labels
    for name, scale in _DEVIATIONS if labels else ():
        deviation = number(labels.get(name))
        # Many sources write deviations without a sign, so one above zero may go either way.
        if deviation is not None and (deviation >= 0.0 or worse_direction(alert.metric, labels) != UP):
            return math.log1p(abs(deviation) / scale)
    if alert.value is not None and alert.threshold is not None:
        distance = _log_distance(alert.value, alert.threshold, worse_direction(alert.metric, labels))
        if distance is not None:
            return math.log(1.5 + 2.0 * distance)
    return _MAGNITUDE_OF_SEVERITY[alert.severity]


def excess(alert: Alert) -> float | None:
    """Return the distance from normal in the metric's own unit, or None when it is not known.

    On the good side of normal it is 0.
    """
    labels = alert.labels
    peak = number(labels.get("peak")) if labels else None
    peak = alert.value if peak is None else peak
    normal = number(labels.get("baseline_median")) if labels else None
    if peak is None or normal is None:
        peak, normal = alert.value, alert.threshold
    if peak is None or normal is None:
        return None
    worse = worse_direction(alert.metric, alert.labels)
    distance = max(0.0, (peak - normal) * worse) if worse else abs(peak - normal)
    return distance if math.isfinite(distance) else None


def is_on_good_side(alert: Alert) -> bool:
    """Tell whether the value of *alert* is better than its threshold, where that can be told."""
    if alert.value is None or alert.threshold is None:
        return False
    worse = worse_direction(alert.metric, alert.labels)
    return alert.value < alert.threshold if worse == UP else worse == DOWN and alert.value > alert.threshold


def _log_distance(value: float, threshold: float, worse: int) -> float | None:
    """Return |ln(value / threshold)|, or None where there is no ratio or it lies on the good side."""
    if threshold <= 0.0:
        return None
    if worse == DOWN:
        # Nothing left at all is as bad as it gets, though no logarithm says so.
        value = max(value, threshold * _ALL_BUT_NOTHING)
    if value <= 0.0 or (value - threshold) * worse < 0.0:
        return None
    return abs(math.log(value) - math.log(threshold))


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
