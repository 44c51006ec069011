"""Signs that a text of an alert talks to the model rather than to people.

They withhold a text and take the weight from a vote; what keeps an answer honest is that it may only
cite what is there. Orders cut into pieces over several alerts show no sign here. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache

from aiops_rca.enrich.folding import LOOKING_LATIN, latin, readable
from aiops_rca.enrich.oddness import RUN, hidden_text
from aiops_rca.enrich.orders import ANSWERS, FOREIGN, OPENED, OPENING, SAID, STEMS, WRITTEN

LOOKALIKE = "lookalike"

_READ = 4000  # characters: more than is ever shown
_SHORT = 400
_REMEMBERED = 4096
_HIDING = re.compile(
    "[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069\u115f\u1160\u3164\uffa0\u2061-\u2064\x08]"
    "|[A-Za-z0-9 ][\u200b-\u200d\u2060\ufeff\u180e\u034f][A-Za-z0-9 ]"
    "|[\u200b-\u200d\u2060\ufeff]{3}|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3}"
)
_MIXED = re.compile(
    rf"(?<!\w)(?=[A-Za-z{LOOKING_LATIN}]*[{LOOKING_LATIN}])(?=[A-Za-z{LOOKING_LATIN}]*[A-Za-z]{{2}})[A-Za-z{LOOKING_LATIN}]{{4,}}"
)
_DASH = re.compile(r"\s*[\u2010-\u2015\u2212\u00ad\u2043\u02d7-]\s*")
_EDGE = re.compile(r"\A[\W_]+|[\W_]+\Z")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Marks belong to the letters of Hebrew, Arabic and the scripts of India and Thailand.
_NO_WORD = re.compile(r"(?:[^\w\u0300-\u036f\u0590-\u06ff\u0900-\u109f]|_)+")
_SPELT_OUT = re.compile(r"(?<!\w)\w([ .*_|-])(?:\w\1){3,}\w(?!\w)")
_ESCAPED = re.compile(r"\\{1,4}(?:u00|x)([2-7][0-9a-fA-F])|%([2-7][0-9a-fA-F])|&(lt|gt|quot|amp);")
_ENTITIES = {"lt": "<", "gt": ">", "quot": '"', "amp": "&"}
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}[ _:,.-]+[A-Za-z]{2,}")
_DIGITS_AS_LETTERS = str.maketrans("0134578@$!", "oieastbasi")
_ROT13 = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM",
)


def signs(text: str) -> tuple[str, ...]:
    """Why *text*, as it came, looks as if it talked to the model: sorted names of reasons, () where not.

    Only its first 4,000 characters are looked at.
    """
    return _remembered(text) if len(text) <= _SHORT else _signs(text[:_READ])


def looks(name: str) -> str:
    """What *name* is taken for at a glance: in plain small letters, with one kind of dash, its edges cut."""
    plain = _DASH.sub("-", latin(readable(name[:_READ]))).casefold()
    return _EDGE.sub("", plain) or plain


@lru_cache(maxsize=_REMEMBERED)
def _remembered(text: str) -> tuple[str, ...]:
    return _signs(text)


def _signs(raw: str) -> tuple[str, ...]:
    shown = readable(raw)[: max(len(raw), _SHORT)]  # one character may become four
    plain = latin(shown)
    written = {plain, _ESCAPED.sub(_unescaped, plain)}
    found = {name for text in written for name, pattern in WRITTEN.items() if pattern.search(text)}
    readings = {reading for text in written for reading in _readings(text)}
    found |= {name for words in readings for name in _said(words)}
    if not raw.isascii() or "\b" in raw:
        found |= _disguised(raw, shown)
    if any(_TWO_WORDS.search(hidden_text(match[0])) for match in RUN.finditer(plain)):
        found.add("encoded")
    return tuple(sorted(found))


def _unescaped(match: re.Match[str]) -> str:
    return _ENTITIES[match[3]] if match[3] else chr(int(match[1] or match[2], 16))


def _said(words: str) -> set[str]:
    found = {name for name, pattern in SAID.items() if pattern.search(words)}
    orders = [*ANSWERS, *(OPENED if OPENING.search(words) else ()), *(() if words.isascii() else FOREIGN)]
    return found | {"instruction"} if any(pattern.search(words) for pattern in orders) else found


def _readings(text: str) -> set[str]:
    """*text* in words without punctuation, and the same read in the ways that people write to hide it."""
    whole = _SPELT_OUT.sub(lambda match: _NO_WORD.sub("", match[0]), text)
    ways = {whole, text, _HUMP.sub(" ", text)}
    turned = {text.translate(_ROT13), text[::-1], text.translate(_DIGITS_AS_LETTERS)} - ways
    ways |= {way for way in turned if any(stem in way.lower() for stem in STEMS)}
    return {_NO_WORD.sub(" ", way) for way in ways}


def _disguised(raw: str, shown: str) -> set[str]:
    found = {"invisible"} if _HIDING.search(raw) else set()
    return found | {LOOKALIKE} if _MIXED.search(shown) else found
