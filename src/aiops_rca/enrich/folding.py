"""Text as it reads, without what does not show: the form in which secrets and orders are looked for.

`readable` keeps a text's words and lines; `Folded` also remembers where each character came from. Pure.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - letters that look alike are what this file is about
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_PLAIN = re.compile(r"[ -~\n]*")
_HIDDEN_KINDS = {"Cc", "Cf", "Cn", "Co", "Cs"}
# Letters, marks and symbols that Unicode counts among the visible, but that no screen shows.
_BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)}
_BLANK |= {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_LINES = {"\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"}
# Cyrillic and Greek letters that look like Latin ones.
LOOKING_LATIN = "аеорсухѕіјАВЕКМНОРСТУХЅІЈοαΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
_ALIKE = str.maketrans(
    "аеорсухѕіјӏһԁԛԝкмтвнАВЕКМНОРСТУХЅІЈαοερινυτκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxsijlhdqwkmtbhABEKMHOPCTYXSIJaoepivutkABEZHIKMNOPTYX",
)
_MOST_MARKS = 2  # on one letter
_REMEMBERED = 4096
_LONGEST = 4  # what one character stands for: no secret holds ligatures of whole sentences


def readable(text: str) -> str:
    """*text* in NFKC, without control, invisible, bidi and tag characters; line ends as line feeds."""
    if _PLAIN.fullmatch(text):
        return text
    return _few_marks(unicodedata.normalize("NFC", "".join(map(_plain, text))))


def hidden(character: str) -> bool:
    """Whether no screen shows *character*, line ends and tabs apart."""
    if character in _LINES or character == "\t":
        return False
    return unicodedata.category(character) in _HIDDEN_KINDS or ord(character) in _BLANK


def latin(text: str) -> str:
    """*text* with the letters of other scripts that look like Latin ones replaced by those."""
    return text if text.isascii() else text.translate(_ALIKE)


class Folded(NamedTuple):
    """*text* to search in; *origins* holds, per character and one past the end, its place in the original."""

    text: str
    origins: tuple[int, ...] | range

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original the characters from *start* to before *end* stand."""
        return self.origins[start], self.origins[end - 1] + 1 if end > start else self.origins[start]


def folded(text: str) -> Folded:
    """*text* readable and in Latin letters, one character at a time, so that every place is known."""
    if _PLAIN.fullmatch(text):
        return Folded(text, range(len(text) + 1))
    return _gathered(((at, _one(character)) for at, character in enumerate(text)), len(text))


@lru_cache(maxsize=_REMEMBERED)
def _plain(character: str) -> str:
    """What *character* reads as: nothing, where it stands for a whole sentence."""
    read = "".join(map(_shown, unicodedata.normalize("NFKC", _shown(character))))
    return read if len(read) <= _LONGEST else ""


def _one(character: str) -> str:
    return latin(_plain(character))


def _gathered(pieces: Iterable[tuple[int, str]], end: int) -> Folded:
    letters: list[str] = []
    origins: list[int] = []
    for at, piece in pieces:
        letters.append(piece)
        origins.extend([at] * len(piece))
    return Folded("".join(letters), (*origins, end))


def without(found: Folded, pattern: re.Pattern[str]) -> Folded:
    """*found* without what matches *pattern*: a text whose parts were torn apart, as one."""
    kept: list[str] = []
    origins: list[int] = []
    last = 0
    for match in [*pattern.finditer(found.text), None]:
        start = match.start() if match else len(found.text)
        kept.append(found.text[last:start])
        origins.extend(found.origins[last:start])
        last = match.end() if match else start
    return Folded("".join(kept), (*origins, found.origins[-1]))


def _shown(character: str) -> str:
    if character in _LINES:
        return "\n"
    if character.isspace():
        return " "
    return "" if hidden(character) else character


def _few_marks(text: str) -> str:
    """*text* without the heaps of accents that make a line unreadable and a short text long."""
    if not any(map(unicodedata.combining, text)):
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)
