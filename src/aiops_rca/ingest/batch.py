"""The alerts of `POST /incident` and of case files: wire rows to domain alerts.

Raises InputError naming the first field at fault; never drops a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.fingerprint import MEASURING_LABELS, Ignored, fingerprint
from aiops_rca.domain.times import epoch_ms
from aiops_rca.wire import AlertIn, convert_alert

SEVERITIES: Mapping[str, Severity] = {s.word: s for s in Severity}


_SHOWN = 80  # characters of a bad value worth repeating to its sender


def to_alerts(
    rows: Sequence[AlertIn],
    *,
    severities: Mapping[str, Severity] = SEVERITIES,
    ignore: Ignored = MEASURING_LABELS,
) -> tuple[Alert, ...]:
    """Check *rows* and return one alert per row, in order.

    *severities* maps lower-case words, aliases included. *ignore* are labels left out of fingerprints.
    """
    seen: set[str] = set()
    alerts = []
    for position, row in enumerate(rows):
        if row.id in seen:
            raise InputError(f"duplicate id {row.id[:_SHOWN]!r}", field=f"alerts[{position}].id")
        seen.add(row.id)
        alerts.append(_alert(row, position, severities, ignore))
    return tuple(alerts)


def read_alerts(rows: Iterable[object]) -> tuple[Alert, ...]:
    """Check *rows* already parsed from JSON and return one alert per row, in order."""
    converted = []
    for position, row in enumerate(rows):
        try:
            converted.append(convert_alert(row))
        except InputError as error:
            field = "" if error.field == "body" else f".{error.field}"
            raise InputError(error.message, field=f"alerts[{position}]{field}") from error
    return to_alerts(converted)


def _alert(row: AlertIn, position: int, severities: Mapping[str, Severity], ignore: Ignored) -> Alert:
    severity = severities.get(row.severity)
    if severity is None:
        severity = severities.get(row.severity.strip().lower())
    if severity is None:
        raise InputError(f"unknown severity {row.severity[:_SHOWN]!r}", field=f"alerts[{position}].severity")
    try:
        ts = epoch_ms(row.ts)
    except ValueError as error:
        raise InputError(f"not a time: {error}", field=f"alerts[{position}].ts") from error
    labels = row.labels or {}
    return Alert(
        row.id,
        ts,
        row.service,
        row.metric,
        severity,
        row.value,
        row.threshold,
        labels,
        _is_resolved(row.status) or _is_resolved(labels.get("status")),
        fingerprint(row.service, row.metric, labels, ignore=ignore),
    )


def _is_resolved(status: object) -> bool:
    return isinstance(status, str) and status.lower() == "resolved"
