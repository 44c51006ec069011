"""A sentence beside what it may speak of, in words: how it opens, what it joins, what its evidence holds.

`grounding` asks; nothing is judged here. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from aiops_rca.enrich import vocabulary

# what English text may hold beside ASCII: dashes, quotes, an ellipsis, arrows, signs of amounts
DASHES, QUOTES, ARROW = "\u2013\u2014", "\u2018\u2019\u201c\u201d", "\u2192"
_TOKEN = re.compile(rf"[^\s,;!?()\"\u201c\u201d{ARROW}{DASHES}]+")
EDGES = ".:'\u2018\u2019\u2026-"
_POSSESSIVE = re.compile(r"(?:['\u2019]s|(?<=s)['\u2019])\Z")
_VERY_SHORT = 3
_ENDS = (".", "!", "?", ":")
# what opens like a sentence, and where within one an order may begin
_STOP = re.compile(r"[.;!?]\s")
_JOINT = re.compile(
    rf"[,:{DASHES}(]|\s-+\s|\b(?:and|or|so|but|then|simply|just|also|first|now|instead|better)\b",
    re.IGNORECASE,
)
_AIMS = frozenset(
    "the a an this that these those it its them all every each any some no up down off out back over away"
    " what whether which who how when where why if".split()
)


class Ground(NamedTuple):
    """What a sentence may speak of.

    *texts* are the cited sentences and *services* those they are about. *quoted* is what senders wrote, and
    bears short numbers alone; *past*, what people wrote of past incidents, bears plain words too. *names* are
    all services that were shown and *others*, in lower case, all that exist: one that is named must be cited.
    """

    texts: tuple[str, ...]
    quoted: tuple[str, ...]
    services: frozenset[str]
    names: frozenset[str]
    others: frozenset[str] = frozenset()
    past: str = ""


class Claim:
    """A sentence beside its ground, in the forms that the checks look at."""

    def __init__(self, sentence: str, ground: Ground) -> None:
        self.text, self.ground = sentence, ground
        self.said = sentence.casefold()

    @cached_property
    def own(self) -> str:
        """What the cited sentences say, and the services they are about."""
        return "\n".join((*self.ground.texts, *sorted(self.ground.services))).casefold()

    @cached_property
    def tokens(self) -> tuple[tuple[str, bool], ...]:
        """The words, each with whether it opens a sentence."""
        found, opens = [], True
        for match in _TOKEN.finditer(self.text):
            word = _bare(match[0])
            if word:
                found.append((word, opens))
            opens = match[0].endswith(_ENDS)
        return tuple(found)

    @cached_property
    def openings(self) -> tuple[list[str], ...]:
        """The words of each part that stands like a sentence."""
        return tuple(filter(None, map(_words, _STOP.split(self.said))))

    @cached_property
    def joined(self) -> tuple[list[str], ...]:
        """The words after each place where an order may begin."""
        return tuple(filter(None, map(_words, _JOINT.split(self.said)[1:])))

    @cached_property
    def shown(self) -> frozenset[str]:
        """The names of the services that were shown."""
        return frozenset(map(str.casefold, self.ground.names))

    def opens_well(self, words: list[str]) -> bool:
        """Whether *words* open as a description does: with a word of a closed class, a number or a name."""
        first, piece = words[0], words[0].partition("-")[0]
        if vocabulary.opens(first) or vocabulary.opens(piece) or any(map(str.isdigit, first)):
            return True
        if first.endswith("ed") and vocabulary.is_plain(first):  # `failed calls`
            return not vocabulary.orders(first)
        return first in self.shown or (stands_in(first, self.own) and not vocabulary.orders(first))

    def is_order(self, words: list[str]) -> bool:
        """Whether *words* open as an order does: with a verb, and what it is to be done to."""
        if not vocabulary.orders(words[0]) or words[0] in self.shown:
            return False
        return len(words) == 1 or words[1] in _AIMS | self.shown

    def holds(self, word: str) -> bool:
        """Whether *word* stands in what is cited, as it is or, unless very short, as a part of a name."""
        plain = word.casefold()
        return plain in self.own if len(plain) > _VERY_SHORT else stands_in(plain, self.own)

    def tells_of(self, word: str) -> bool:
        """Whether *word*, in the singular perhaps, stands in what is cited or was said of the past."""
        return self.holds(word.removesuffix("s")) or stands_in(word.casefold(), self.ground.past.casefold())

    def beyond(self, pattern: re.Pattern[str]) -> bool:
        """Whether it says something of *pattern* that no cited sentence says."""
        return any(found[0] not in self.own for found in pattern.finditer(self.said))


def _bare(token: str) -> str:
    return _POSSESSIVE.sub("", token.strip(EDGES))


def _words(part: str) -> list[str]:
    return [word for token in _TOKEN.findall(part) if (word := _bare(token))]


def stands_in(name: str, text: str) -> bool:
    """Whether *name* stands in *text* as a whole, not as a part of a longer name."""
    return bool(name) and any(True for _ in _places(name, text))


def _places(name: str, text: str) -> Iterator[int]:
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if not (_joins(text[start - 1 : start]) or _joins(text[end : end + 1])):
            yield start
        start = text.find(name, end)


def _joins(sign: str) -> bool:
    return sign.isalnum() or sign in {"_", "-"}
