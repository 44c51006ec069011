"""What speaks for each candidate: one row per candidate, one column per feature.

Candidates are the alerting services and the silent callees that got some of the blame; both are few
however large the graph is. Values lie in [0, 1.01], `passive` in {-1, 0}. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.rank.flow import Blame
from aiops_rca.rank.kinds import LOCAL, RESOURCE
from aiops_rca.rank.strength import Signals

FEATURES = (
    "alerting",
    "lg_flow",
    "lg_flow_all",
    "res_top",
    "lg_res",
    "lg_loc",
    "passive",
    "lg_silflow",
)
# What a fit starts from and is pulled back to. Every feature was built to speak for a candidate, and on
# systems never seen equal weights rank far better than none (Dawes, 1979: the robust beauty of improper
# linear models). Two count half: noise keeps the blame that starts at it, and credit is all a silent
# service has.
STARTING_WEIGHTS: Mapping[str, float] = {
    **dict.fromkeys(FEATURES, 1.0),
    "lg_flow_all": 0.5,
    "lg_silflow": 0.5,
}

_ONLY_RESOURCE = frozenset((RESOURCE,))
_PASSIVE_KINDS = frozenset(("external", "loadbalancer", "gateway"))
_SMALLEST_SHARE = 0.03
_FULL_SCALE = math.log(1.0 / _SMALLEST_SHARE)


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """*rows[i]* holds the values of `FEATURES`, in that order, for *services[i]* (sorted)."""

    services: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class _Shares:
    """Service -> mean share of the strength, and share of the families in which it is strongest."""

    mean: Mapping[str, float]
    top: Mapping[str, float]


def feature_table(signals: Signals, blame: Blame, graph: ServiceGraph) -> FeatureTable:
    """Describe every candidate of a measured cluster."""
    resource = _shares(signals, _ONLY_RESOURCE)
    local = _shares(signals, LOCAL)
    services = sorted({*signals.services, *blame.silent})
    alerting = frozenset(signals.services)
    rows = tuple(
        _alerting_row(s, blame, resource, local, graph) if s in alerting else _silent_row(s, blame, graph)
        for s in services
    )
    return FeatureTable(tuple(services), rows)


def log_share(share: float) -> float:
    """Return *share* in [0, 1] on a logarithmic scale from 0 to 1.01: small shares count too."""
    return math.log((share + _SMALLEST_SHARE) / _SMALLEST_SHARE) / _FULL_SCALE


def _alerting_row(
    service: str, blame: Blame, resource: _Shares, local: _Shares, graph: ServiceGraph
) -> tuple[float, ...]:
    return (
        1.0,
        log_share(blame.targeted.get(service, 0.0)),
        log_share(blame.overall.get(service, 0.0)),
        resource.top.get(service, 0.0),
        log_share(resource.mean.get(service, 0.0)),
        log_share(local.mean.get(service, 0.0)),
        _passive(service, graph),
        0.0,
    )


def _silent_row(service: str, blame: Blame, graph: ServiceGraph) -> tuple[float, ...]:
    silent = log_share(blame.silent[service])
    return (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, _passive(service, graph), silent)


def _passive(service: str, graph: ServiceGraph) -> float:
    return -1.0 if graph.kind_of(service) in _PASSIVE_KINDS else 0.0


def _shares(signals: Signals, groups: frozenset[str]) -> _Shares:
    chosen = [strengths for (group, _), strengths in signals.families.items() if group in groups]
    mean: dict[str, list[float]] = {}
    top: dict[str, list[float]] = {}
    for strengths in chosen:
        total = math.fsum(strengths.values()) * len(chosen)
        strongest = max(strengths.values())
        tied = [service for service, strength in strengths.items() if strength == strongest]
        for service, strength in strengths.items():
            mean.setdefault(service, []).append(strength / total)
        for service in tied:
            top.setdefault(service, []).append(1.0 / (len(tied) * len(chosen)))
    return _Shares(_added_up(mean), _added_up(top))


def _added_up(addends: Mapping[str, list[float]]) -> dict[str, float]:
    """Add up exactly, so that no sum depends on the order of names."""
    return {service: math.fsum(found) for service, found in addends.items()}
