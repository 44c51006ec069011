"""The alerts that stand for a whole incident when others are linked to it.

Of the alerts of one service, the first and last are kept, and between them as many as are needed that no
two neighbours lie further apart than the reach: any alert within reach of the rest is then within reach of
one of these, or lies between two of them. A storm of 10,000 alerts is linked to by a few hundred.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence

from aiops_rca.domain.alert import Alert
from aiops_rca.live.records import AlertRecord

Outline = Mapping[str, tuple[Alert, ...]]


def alert_of(firing: AlertRecord) -> Alert:
    """*firing* as an alert at its start by our clock."""
    return Alert(
        firing.id,
        firing.at,
        firing.service,
        firing.metric,
        firing.severity,
        firing.value,
        firing.threshold,
        firing.labels,
        False,  # noqa: FBT003 - it did fire, whatever became of it
        firing.fingerprint,
    )


def extended(kept: Sequence[Alert], alert: Alert, reach_ms: int) -> tuple[Alert, ...]:
    """*kept* (sorted by time, of one service) with *alert*, thinned."""
    alerts = list(kept)
    insort(alerts, alert, key=moment)
    at = alerts.index(alert)
    # what the newcomer makes superfluous is its inner neighbours, or itself
    for position in (at + 1, at, at - 1):
        inner = 0 < position < len(alerts) - 1
        if inner and alerts[position + 1].ts - alerts[position - 1].ts <= reach_ms:
            del alerts[position]
    return tuple(alerts)


def within(outline: Outline, earliest: int, latest: int) -> Iterator[Alert]:
    """The alerts of *outline* from *earliest* to *latest* (ms)."""
    for alerts in outline.values():
        for alert in alerts:
            if earliest <= alert.ts <= latest:
                yield alert


def earlier_and_worse(one: Alert, other: Alert) -> Alert:
    """Of two alerts of one signal the earlier, with what the worse one measured."""
    first, worst = min(one, other, key=moment), max(one, other, key=_weight)
    return first._replace(severity=worst.severity, value=worst.value, threshold=worst.threshold)


def moment(alert: Alert) -> tuple[int, str]:
    """What alerts are sorted by."""
    return alert.ts, alert.id


def _weight(alert: Alert) -> tuple[int, bool, float, float]:
    value = alert.value
    return (alert.severity, value is not None, abs(value or 0.0), value or 0.0)
