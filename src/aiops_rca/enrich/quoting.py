"""What senders wrote about the signals of a cluster: a few labels and summaries, each saying once.

Nothing here depends on ids of alerts or on their order. The texts are raw: whoever shows them cleans them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.cluster import Cluster

Signal = tuple[str, str]  # service, metric

# Labels that tell what fails and how. Not in it: measures, names of pods and hosts, everything unknown.
_LABELS = (
    *("operation", "endpoint", "route", "method", "status_code", "code", "error", "error_type", "exception"),
    *("reason", "message", "msg", "log", "peer", "version", "region", "zone"),
)
_TEXTS = ("summary", "description")
_VALUES = 3  # of one label
_QUOTES = 4  # of one signal
_LONGEST = 300  # characters of one value: more is not looked at


class Quotes:
    """What was written about the alerts of *cluster*, by signal; *summaries* by alert id."""

    def __init__(self, cluster: Cluster, summaries: Mapping[str, str]) -> None:
        self._first_ts, self._summaries = cluster.first_ts, summaries
        self._alerts: dict[Signal, list[Alert]] = {}
        for alert in cluster.alerts:
            self._alerts.setdefault((alert.service, alert.metric), []).append(alert)

    def since(self, signal: Signal | None) -> int | None:
        """How long after the cluster's first alert *signal* began, in ms; None where it is not in it."""
        alerts = self._alerts.get(signal) if signal else None
        return alerts[0].ts - self._first_ts if alerts else None

    def of(self, signal: Signal | None) -> list[str]:
        """What was written about *signal*, as `label: value, value`; at most four, raw."""
        alerts = self._alerts.get(signal, []) if signal else []
        found = [*_from_labels(alerts), *_from_summaries(alerts, self._summaries)]
        return list(dict.fromkeys(found))[:_QUOTES]


def _from_labels(alerts: list[Alert]) -> Iterator[str]:
    for label in _LABELS:
        values = Counter(
            str(value)[:_LONGEST]
            for alert in alerts
            if (value := alert.labels.get(label)) is not None and value != ""
        )
        if values:
            yield f"{label}: {', '.join(_most_frequent(values, _VALUES))}"


def _from_summaries(alerts: list[Alert], summaries: Mapping[str, str]) -> Iterator[str]:
    texts: Counter[str] = Counter()
    for alert in alerts:
        own = [alert.labels.get(label) for label in _TEXTS]
        given = [summaries.get(alert.id), *own]
        texts.update({text[:_LONGEST] for text in given if isinstance(text, str) and text})
    yield from (f"summary: {text}" for text in _most_frequent(texts, 2))


def _most_frequent(values: Counter[str], count: int) -> list[str]:
    return sorted(values, key=lambda value: (-values[value], value))[:count]
