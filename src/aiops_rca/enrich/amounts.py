"""Numbers in sentences, with their units, and whether what is cited bears them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_NUMBER_WORDS: Mapping[str, float] = {
    **{word: float(n) for n, word in enumerate("two three four five six seven eight nine ten".split(), 2)},
    **dict.fromkeys(("twice", "double", "doubled"), 2.0),
    **dict.fromkeys(("eleven", "twelve", "dozen"), 12.0),
    "tripled": 3.0,
    "fifteen": 15.0,
    "twenty": 20.0,
    "thirty": 30.0,
    "fifty": 50.0,
    "hundred": 100.0,
    "thousand": 1000.0,
    "million": 1e6,
    "dozens": 24.0,
    "hundreds": 200.0,
    "thousands": 2000.0,
    "millions": 2e6,
}
_LETTERS = re.compile(r"[a-z]+")
_TIMES = frozenset("second seconds minute minutes hour hours".split())
_DURATION = re.compile(
    rf"\b(?P<word>{'|'.join(_NUMBER_WORDS)}) (?P<unit>{'|'.join(sorted(_TIMES))})\b", re.IGNORECASE
)
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


def number_words(text: str) -> Iterator[float]:
    """The numbers that *text*, in lower case, says in words, durations apart."""
    words = _LETTERS.findall(text)
    for word, following in zip(words, (*words[1:], ""), strict=True):
        if word in _NUMBER_WORDS and following not in _TIMES:
            yield _NUMBER_WORDS[word]


def in_digits(text: str) -> str:
    """*text* with the durations that it says in words, `three minutes`, in digits."""
    return _DURATION.sub(lambda found: f"{_NUMBER_WORDS[found['word'].lower()]:g} {found['unit']}", text)
