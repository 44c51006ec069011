"""Whether a sentence of the model says only what the text it cites can bear. Named reasons where not.

A check of words, not of meaning: numbers, names and everything that looks like one must stand in what is
cited; links, commands, markup and all-clears never pass. Linear in the sentence; pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from aiops_rca.enrich import forbidden, vocabulary
from aiops_rca.enrich.amounts import amounts_in, borne, counted
from aiops_rca.enrich.tampering import signs

LENGTH, URL, MARKUP, COMMAND, REASSURANCE = "length", "url", "markup", "command", "reassurance"
NUMBER, IDENTIFIER, SERVICE, NOUN, INSTRUCTION = "number", "identifier", "service", "noun", "instruction"

LONGEST, SHORTEST = 320, 8  # characters

_URL = re.compile(r"\[url\]|://|\bwww\.|\bmailto:|\bhxxp", re.IGNORECASE)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_MARKUP = re.compile(r"[<>{}|`\\\[\]]|\*\*|^\s*[#*>-]\s|\$\(|&&")
# what English text may hold beside ASCII: dashes, quotes, an ellipsis, arrows, signs of amounts
_DASHES, _QUOTES, _ARROW = "\u2013\u2014", "\u2018\u2019\u201c\u201d", "\u2192"
_PLAIN_SIGNS = str.maketrans(
    "", "", f"{_DASHES}{_QUOTES}{_ARROW}\u2026\u00d7\u2265\u2264\u00b1\u00b5\u00b0\u00b7\u2248"
)
_TOKEN = re.compile(rf"[^\s,;!?()\"\u201c\u201d{_ARROW}{_DASHES}]+")
_EDGES = ".:'\u2018\u2019\u2026-"
_POSSESSIVE = re.compile(r"(?:['\u2019]s|(?<=s)['\u2019])\Z")
_VERY_SHORT = 3
_POSITION = re.compile(r"[ACE]\d{1,2}")
_ENDS = (".", "!", "?", ":")
# what looks like a name made for machines: signs inside, digits, humps
_MADE = re.compile(r"\d|_|[a-z][A-Z]|[\w)][:@#=~^+.][\w(]|\A/|\w/\w*/|[@#=~^]")
_CAPITALS = re.compile(r"[A-Z]{2,}s?\Z")
_WORD = r"(?P<word>[A-Za-z][\w'-]*)"
# where something is named, whatever it is called: `billing database`, `billing is down`, `because of billing`
_TELLING = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_WORD}\s+(?:{vocabulary.THINGS})s?\b",
        rf"\b{_WORD}\s+(?:{vocabulary.STATES_OF})\b",
        rf"\b(?:{vocabulary.BLAMING})\s+(?:the\s+)?{_WORD}",
    )
)


class Ground(NamedTuple):
    """What a sentence may speak of.

    *texts* are the cited sentences and *quoted* what belongs to them, *services* those they are about.
    *names* are all services that were shown and *others*, in lower case, all that exist: one that is named
    must be cited.
    """

    texts: tuple[str, ...]
    quoted: tuple[str, ...]
    services: frozenset[str]
    names: frozenset[str]
    others: frozenset[str] = frozenset()


class _Claim:
    """A sentence beside its ground, in the forms that the checks look at."""

    def __init__(self, sentence: str, ground: Ground) -> None:
        self.text, self.ground = sentence, ground
        self.said = sentence.casefold()

    @cached_property
    def own(self) -> str:
        """What the cited sentences say, and the services they are about."""
        return "\n".join((*self.ground.texts, *sorted(self.ground.services))).casefold()

    @cached_property
    def all(self) -> str:
        """That, and what is quoted with it."""
        return "\n".join((self.own, *(quote.casefold() for quote in self.ground.quoted)))

    @cached_property
    def tokens(self) -> tuple[tuple[str, bool], ...]:
        """The words, each with whether it opens a sentence."""
        found, opens = [], True
        for match in _TOKEN.finditer(self.text):
            word = _POSSESSIVE.sub("", match[0].strip(_EDGES))
            if word:
                found.append((word, opens))
            opens = match[0].endswith(_ENDS)
        return tuple(found)

    def holds(self, word: str) -> bool:
        """Whether *word* stands in what is cited, as it is or, unless very short, as a part of a name."""
        plain = word.casefold()
        return plain in self.all if len(plain) > _VERY_SHORT else _stands_in(plain, self.all)


def ungrounded(sentence: str, ground: Ground) -> str | None:
    """Why *sentence*, cleaned, says more than *ground* holds: one of `REASONS`; None where it does not."""
    claim = _Claim(sentence, ground)
    return next((reason for reason, fails in _CHECKS.items() if fails(claim)), None)


def _length(claim: _Claim) -> bool:
    return not SHORTEST <= len(claim.text) <= LONGEST


def _instruction(claim: _Claim) -> bool:
    return bool(signs(claim.text))


def _url(claim: _Claim) -> bool:
    if _URL.search(claim.text):
        return True
    return not all(claim.holds(found) for found in _ADDRESS.findall(claim.text))


def _markup(claim: _Claim) -> bool:
    if not _MARKUP.search(claim.text.replace("->", _ARROW)):
        return False
    words = (word for word in claim.text.split() if not claim.holds(word.strip(",;.:!?()")))
    return _MARKUP.search(" ".join(words).replace("->", _ARROW)) is not None


def _command(claim: _Claim) -> bool:
    return forbidden.COMMAND.search(claim.text) is not None


def _reassurance(claim: _Claim) -> bool:
    return forbidden.REASSURANCE.search(claim.said) is not None


def _service(claim: _Claim) -> bool:
    """Whether it names a service that what it cites does not: quotes are no ground for blame."""
    names = {name.casefold() for name in claim.ground.names}
    # an operation may hold the name of a service: it is told of as a whole
    words = [word for word, _ in claim.tokens if word.casefold() in names or not _is_quoted(word, claim)]
    said = " ".join(words).casefold()
    named = {name for name in names if _stands_in(name, said)}
    named |= {word.casefold() for word in words} & claim.ground.others
    return any(not (vocabulary.is_plain(name) or _stands_in(name, claim.own)) for name in named)


def _is_quoted(word: str, claim: _Claim) -> bool:
    return _MADE.search(word) is not None and claim.holds(word)


def _number(claim: _Claim) -> bool:
    known = amounts_in(claim.all)
    said = amounts_in(vocabulary.in_digits(_without_names(claim)))
    if not all(borne(amount, known, claim.all) for amount in said):
        return True
    counts = {len(claim.ground.texts), len(claim.ground.services)}
    words = vocabulary.number_words(claim.said)
    return not all(value in counts or counted(value, known) for value in words)


def _identifier(claim: _Claim) -> bool:
    return any(_is_made_up(word, claim, opens=opens) for word, opens in claim.tokens)


def _noun(claim: _Claim) -> bool:
    """Whether it tells of a thing, such as `the billing database`, that nothing cited knows."""
    found = (match["word"] for pattern in _TELLING for match in pattern.finditer(claim.text))
    words = (_POSSESSIVE.sub("", word) for word in found)
    return not all(
        vocabulary.is_plain(word.casefold()) or claim.holds(word.removesuffix("s")) for word in words
    )


_CHECKS: Mapping[str, Callable[[_Claim], bool]] = {
    LENGTH: _length,
    URL: _url,
    INSTRUCTION: _instruction,
    MARKUP: _markup,
    COMMAND: _command,
    REASSURANCE: _reassurance,
    SERVICE: _service,
    NUMBER: _number,
    IDENTIFIER: _identifier,
    NOUN: _noun,
}
REASONS = tuple(_CHECKS)


def _stands_in(name: str, text: str) -> bool:
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


def _without_names(claim: _Claim) -> str:
    """The sentence without words that are names: a digit in a name is no amount."""
    return " ".join(
        " " if _MADE.search(word.strip(_EDGES)) and not amounts_in(word) else word
        for word in claim.text.split()
    )


def _is_made_up(word: str, claim: _Claim, *, opens: bool) -> bool:
    """Whether *word* looks like a name and stands nowhere in what is cited."""
    plain = word.casefold()
    if _POSITION.fullmatch(word):  # an id of the dossier: means nothing to a reader
        return True
    if claim.holds(word) or vocabulary.is_plain(plain) or amounts_in(word):
        return False
    if _MADE.search(word) or not word.translate(_PLAIN_SIGNS).isascii() or vocabulary.is_name(plain):
        return True
    if "/" in word or "-" in word:
        return _compound(word, claim)
    return bool(_CAPITALS.match(word)) or (word[0].isupper() and not opens)


def _compound(word: str, claim: _Claim) -> bool:
    """Whether *word*, plain words joined by hyphens or slashes, may be a name: `fraud-detector`."""
    if vocabulary.COMPOUND.search(word.casefold()):
        return False
    parts = [part for part in re.split(r"[/-]", word) if part]
    return not all(claim.holds(part) or vocabulary.is_plain(part.casefold()) for part in parts)
