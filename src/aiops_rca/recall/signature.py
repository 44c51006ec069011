"""What makes two incidents alike: their signals, told at three levels of detail.

A signal is (service, metric family). Where two systems of metrics have other names for things,
incidents may still share (service, alert kind), or at least the services.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from aiops_rca.domain.alert import Alert
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


Signal = tuple[str, str, str]  # (service, metric, kind)


def signature(alerts: Iterable[Alert | PastAlert]) -> dict[Feature, str]:
    """Return the features of *alerts*, each with a name for people (the metric as it is written)."""
    return features_of({(a.service, a.metric, kind_of(a.metric, a.labels)) for a in alerts})


def features_of(signals: Collection[Signal]) -> dict[Feature, str]:
    """Return the features of distinct *signals*."""
    features: dict[Feature, str] = {}
    for service, metric, kind in sorted(signals, reverse=True) if len(signals) > 1 else signals:
        features[Feature(SIGNAL, service, family(metric))] = metric
        # Two alerts of kind `other` have nothing in common by that.
        if kind != "other":
            features[Feature(KIND, service, kind)] = kind
        features[Feature(SERVICE, service, "")] = ""
    return features
