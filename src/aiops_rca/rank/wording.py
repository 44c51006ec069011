"""How amounts, times and lists read in an evidence sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.rank.strength import is_on_good_side, magnitude, number

_BARELY = 1.05
_MOST = 10_000  # a larger multiple of a threshold says nothing more


def deviation(alerts: Sequence[Alert], *, dated: bool = False) -> str:
    """Say how far one metric of one service is from normal: `latency_p99 on payment is 12x ...`.

    *alerts* share service and metric and are sorted by time; *dated* adds the day to the time.
    """
    worst = max(alerts, key=_loudness) if len(alerts) > 1 else alerts[0]
    return (
        f"{worst.metric} on {worst.service} {_amount(worst)} since {clock(alerts[0].ts, dated=dated)} UTC "
        f"({count_of(len(alerts), 'alert')})"
    )


def _loudness(alert: Alert) -> tuple[float, Severity, float, float, int, str]:
    """How far from normal, then anything that makes the wording the same whatever the alerts' ids are."""
    value, threshold = alert.value or 0.0, alert.threshold or 0.0
    return magnitude(alert), alert.severity, value, -threshold, -alert.ts, alert.id


def clock(ts: int, *, dated: bool = False) -> str:
    """Return the time of day of *ts* (epoch milliseconds) as HH:MM:SS, UTC, after its date if *dated*."""
    if dated:
        return f"{datetime.fromtimestamp(ts // 1000, UTC):%Y-%m-%d %H:%M:%S}"
    seconds = ts // 1000 % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def percent(share: float) -> str:
    """Return a share in [0, 1] as `95 %`."""
    return f"{round(share * 100)} %"


def count_of(count: int, noun: str) -> str:
    """Return `1 alert`, `4 alerts`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(words: Iterable[str]) -> str:
    """Join *words* as `a`, `a and b` or `a, b and c`."""
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _amount(alert: Alert) -> str:
    value, threshold = alert.value, alert.threshold
    if is_on_good_side(alert):
        return (
            f"alerts ({alert.severity.word}), though {value:.4g} is better than its threshold {threshold:.4g}"
        )
    if value is not None and threshold is not None and value > 0 and threshold > 0:
        return _compared(value, threshold, "threshold")
    peak, usual = number(alert.labels.get("peak")), number(alert.labels.get("baseline_median"))
    if peak is not None and usual is not None and peak > 0 and usual > 0:
        return _compared(peak, usual, "usual value")
    if value is not None and threshold is not None:
        return f"is at {value:.4g}, threshold {threshold:.4g}"
    return f"alerts ({alert.severity.word})"


def _compared(value: float, reference: float, noun: str) -> str:
    if value < reference:
        return f"is at {percent(value / reference)} of its {noun}"
    if value == reference:
        return f"is at its {noun}"
    times = value / reference
    if times < _BARELY:
        return f"is just over its {noun}"
    if times > _MOST:
        return f"is more than {_MOST}x its {noun}"
    return f"is {times:.0f}x its {noun}" if times >= 9.5 else f"is {times:.1f}x its {noun}"
