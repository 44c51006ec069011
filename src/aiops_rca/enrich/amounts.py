"""Numbers in sentences, with their units, and whether what is cited bears them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

_AMOUNT = re.compile(
    r"(?<![\w.,/:-])[+-]?(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"(?:[ -]?(?P<unit>%|percent|x|\u00d7|fold|times|ms|milliseconds?|s|secs?|seconds?"
    r"|mins?|minutes?|h|hrs?|hours?))?"
    r"(?![\w/]|[.,:]\d)",
    re.IGNORECASE,
)
_KIND_OF: Mapping[str, tuple[str, float]] = {
    **dict.fromkeys(("%", "percent"), ("%", 1.0)),
    **dict.fromkeys(("x", "\u00d7", "fold", "times"), ("x", 1.0)),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), ("s", 0.001)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("s", 1.0)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("s", 60.0)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("s", 3600.0)),
}
_NO_UNIT = ("", 1.0)
_CODE = re.compile(r"([45]\d\d)s?")
_CLOSE = 0.1  # rounding may take no more than a tenth away


class Amount(NamedTuple):
    """A number as written, with *decimals* places. *kind* is `%`, `x`, `s` or empty; *scale* its unit's."""

    value: float
    decimals: int
    kind: str
    scale: float
    text: str


def amounts_in(text: str) -> tuple[Amount, ...]:
    """The numbers in *text*; digits that belong to a name are none."""
    return tuple(map(_amount, _AMOUNT.finditer(text)))


def _amount(found: re.Match[str]) -> Amount:
    plain = found["digits"].lower().replace(",", "")
    kind, scale = _KIND_OF[found["unit"].lower()] if found["unit"] else _NO_UNIT
    decimals = 0 if "e" in plain else len(plain.partition(".")[2])
    return Amount(float(plain), decimals, kind, scale, found[0])


def borne(said: Amount, known: Sequence[Amount], text: str) -> bool:
    """Whether *said* is one of the *known* amounts, rounded or in another unit of time at most.

    Time may also be told from one known offset to another. A status code may be a part of a name in *text*:
    `500s` of `http_500`.
    """
    if (code := _CODE.fullmatch(said.text)) and code[1] in text:
        return True
    if any(_is_rounded(said, value) for amount in known for value in _as_kind(amount, said)):
        return True
    offsets = {amount.value * amount.scale for amount in known if amount.kind == "s"}
    between = (abs(a - b) / said.scale for a, b in combinations(sorted(offsets), 2))
    return said.kind == "s" and any(_is_rounded(said, gap) for gap in between)


def counted(value: float, known: Iterable[Amount]) -> bool:
    """Whether *value*, said in a word, stands among the *known* amounts."""
    return any(abs(amount.value - value) <= _CLOSE * value for amount in known)


def _as_kind(amount: Amount, said: Amount) -> Iterable[float]:
    """The values that *amount* may be told as in the unit of *said*."""
    if amount.kind == said.kind:
        yield amount.value * amount.scale / said.scale
    elif not amount.kind:  # what a bare reading measures, only its metric knows
        yield amount.value
        if said.kind == "%":
            yield amount.value * 100


def _is_rounded(said: Amount, value: float) -> bool:
    if said.value == value:
        return True
    near = abs(said.value - value) <= 0.5 * 10.0**-said.decimals * (1 + 1e-9)
    return near and abs(said.value - value) <= _CLOSE * abs(value)
