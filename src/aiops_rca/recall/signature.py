"""What makes two incidents alike: their signals, told at three levels of detail.

A signal is (service, metric family). Where two systems of metrics have other names for things,
incidents may still share (service, alert kind), or at least the services.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from aiops_rca.domain.alert import Alert, LabelValue
from aiops_rca.domain.incident import PastAlert
from aiops_rca.domain.kinds import family, kind_of

# Direction (up, down) is no part of a signal: on labelled cases it cost more than it gained.
SIGNAL = 0
KIND = 1
SERVICE = 2

# What a perfect match counts at each level. On labelled cases the lower two never outdo a match
# of signals that is any good; adding the three up instead hides it.
LEVEL_WEIGHTS = (1.0, 0.5, 0.25)


class Feature(NamedTuple):
    """One thing that two incidents may share. *word* is a metric family, a kind or nothing."""

    level: int
    service: str
    word: str


def signature(alerts: Iterable[Alert | PastAlert]) -> dict[Feature, str]:
    """Return the features of *alerts*, each with a name for people (the metric as it is written)."""
    seen = {(a.service, a.metric, _kind_label(a.labels)) for a in alerts}
    features: dict[Feature, str] = {}
    for service, metric, label in sorted(seen, reverse=True):
        features.update(_features(service, metric, label))
    return features


@lru_cache(maxsize=8192)
def _features(service: str, metric: str, kind_label: str) -> tuple[tuple[Feature, str], ...]:
    kind = kind_of(metric, {"kind": kind_label})
    found = (
        (Feature(SIGNAL, service, family(metric)), metric),
        (Feature(KIND, service, kind), kind),
        (Feature(SERVICE, service, ""), ""),
    )
    # Two alerts of kind `other` have nothing in common by that.
    return found if kind != "other" else (found[0], found[2])


def _kind_label(labels: Mapping[str, LabelValue]) -> str:
    label = labels.get("kind")
    return label if isinstance(label, str) else ""
