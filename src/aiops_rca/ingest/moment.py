"""Times as senders write them, to epoch milliseconds UTC.

Seconds, milliseconds, microseconds or nanoseconds as number or text, RFC 3339 with any number of digits,
and what Go prints. The zero times of several languages mean that the sender does not say.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from aiops_rca.domain.event import RESTATED, TIME_AHEAD, TIME_INVALID
from aiops_rca.domain.times import epoch_ms

_US_FROM = 1e14  # as milliseconds: the year 5138; as microseconds: 1973
_NS_FROM = 1e17
_ZERO_SECONDS = -62_135_596_800  # 0001-01-01, the zero of Go and of .NET
_ZEROS = frozenset([0, _ZERO_SECONDS, _ZERO_SECONDS * 1000])
_SILENT = frozenset(["", "null", "none", "nil", "-", "n/a", "<no value>"])
_LONGEST = 64
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
# As Go prints a time: date, time, offset, name of the zone, and the monotonic clock.
_GO = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) ?(?:([+-]\d\d:?\d\d)|UTC|GMT|Z)?(?: .*)?")

_NO_FLAGS: tuple[str, ...] = ()


class Span(NamedTuple):
    """From when to when an alert lasted, in epoch milliseconds; None where the sender does not say."""

    starts_at: int | None
    ends_at: int | None
    flags: tuple[str, ...]


def moment(said: object) -> int | None:
    """Epoch milliseconds of *said*; None where it says nothing. Raises ValueError when it is no time."""
    if isinstance(said, str):
        if len(said) > _LONGEST:
            raise ValueError("too long for a time")
        return _from_text(said)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise ValueError("not a time")  # noqa: TRY004 - callers ask one question: is it a time
    return _from_number(said)


def span(starts: object, ends: object, *, resolved: bool, latest: int) -> Span:
    """Read both ends of an alert; what lies after *latest* (epoch ms) is kept and flagged.

    A firing alert has no end, whatever it foresees. A start nobody can tell is flagged as restated:
    the receipt stands in for it, and each repetition has another.
    """
    starts_at, flags = _read(starts, latest)
    if not resolved:
        return Span(starts_at, None, flags if starts_at is not None else (*flags, RESTATED))
    ends_at, more = _read(ends, latest)
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        ends_at, more = None, (TIME_INVALID,)
    return Span(starts_at, ends_at, flags if flags == more else tuple(dict.fromkeys(flags + more)))


def _read(said: object, latest: int) -> tuple[int | None, tuple[str, ...]]:
    try:
        at = moment(said)
    except ValueError:
        return None, (TIME_INVALID,)
    return at, (TIME_AHEAD,) if at is not None and at > latest else _NO_FLAGS


@lru_cache(maxsize=8192)
def _from_text(text: str) -> int | None:
    text = text.strip()
    if text.lower() in _SILENT or text.startswith("0001-01-01"):
        return None
    if _NUMBER.fullmatch(text):
        return _from_number(float(text) if not text.lstrip("+-").isdigit() else int(text))
    go = _GO.fullmatch(text)
    return epoch_ms(go[1] + (go[2] or "Z") if go else text)


def _from_number(number: float) -> int | None:
    if number in _ZEROS:
        return None
    if abs(number) >= _NS_FROM:
        return epoch_ms(_scaled(number, 1_000_000))
    return epoch_ms(_scaled(number, 1000) if abs(number) >= _US_FROM else number)


def _scaled(number: float, by: int) -> float:
    """Whole numbers stay whole: a float cannot hold nanoseconds."""
    return number // by if isinstance(number, int) else number / by
