"""Times as payloads write them, to epoch milliseconds UTC."""

from __future__ import annotations

from datetime import UTC, datetime

# As seconds: the year 5138; as milliseconds: 1973. Nothing real lies between.
_MS_FROM = 1e11
_LATEST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last time RFC 3339 can write


def epoch_ms(value: str | float) -> int:
    """Epoch milliseconds of an RFC 3339 time (no zone = UTC) or an epoch number in s or ms.

    Raises ValueError when it is neither, or lies outside the years 1970-9999.
    """
    ms = _from_text(value) if isinstance(value, str) else _from_number(value)
    if not 0 <= ms <= _LATEST_MS:
        raise ValueError("time outside the years 1970 to 9999")
    return ms


def _from_text(text: str) -> int:
    # fromisoformat also reads dates, weeks and compact forms that RFC 3339 does not know.
    if len(text) < 19 or text[10] not in "Tt " or text[4] != "-" or text[7] != "-":
        raise ValueError(f"{text[:40]!r} is not RFC 3339")
    when = datetime.fromisoformat(text.upper())  # RFC 3339 allows `t` and `z`, it does not
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return round(when.timestamp() * 1000)


def _from_number(number: float) -> int:
    if not -_LATEST_MS <= number <= _LATEST_MS:  # also what is infinite or not a number
        raise ValueError("time outside the years 1970 to 9999")
    return round(number if abs(number) >= _MS_FROM else number * 1000)
