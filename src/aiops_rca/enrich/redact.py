"""Replace what is, or looks like, a secret in any text: in prose, logs, JSON, JSON in text, headers, forms.

Names are looked for in the text as it reads, so that invisible and look-alike letters hide nothing, and
line breaks in the middle do not either. Names of services, ids of traces and numbers stay. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from aiops_rca.enrich import keyforms
from aiops_rca.enrich.folding import Folded, folded, without
from aiops_rca.enrich.oddness import RUN, odd_run, odd_word

HIDDEN = "[redacted]"
_SHORT = 400
_REMEMBERED = 4096
_BREAK = re.compile(r"[ ]{0,8}(?:\\{1,4}r?\\{0,4}n|\\?\n)+[ ]{0,8}")
_WORD = re.compile(r"[^\s,;:\"'<>{}()\[\]\\]+")
_GROUPS = ("value", "text", "scheme", "cookie", "flag", "short", "user")

Span = tuple[int, int]


def redact(text: str) -> str:
    """*text* with every secret replaced by `[redacted]`; the name beside it stays.

    Time is in proportion to the length of *text*.
    """
    return _remembered(text) if len(text) <= _SHORT else _redacted(text)


def secret_name(name: str) -> bool:
    """Whether *name*, a label's or a field's, says that its value is a secret."""
    return keyforms.TELLING_NAME.search(folded(name).text) is not None


@lru_cache(maxsize=_REMEMBERED)
def _remembered(text: str) -> str:
    return _redacted(text)


def _redacted(text: str) -> str:
    found = folded(text)
    spans = [_continued(found.text, span) for span in _spans(found.text)]
    places = [found.span(*span) for span in spans]
    if _BREAK.search(found.text):
        places += _torn(without(found, _BREAK), text)
    return _hide(text, places) if places else text


def _hide(text: str, places: Iterable[Span]) -> str:
    shown: list[str] = []
    done = 0
    for start, end in sorted(places):
        if start >= done or not shown:
            shown += [text[done:start], HIDDEN]
        done = max(done, end)
    return "".join([*shown, text[done:]])


def _spans(text: str) -> Iterator[Span]:
    """Where secrets stand in *text*, in no order; they may overlap."""
    for pattern in (keyforms.PRIVATE, keyforms.ISSUED):
        yield from (match.span() for match in pattern.finditer(text))
    for pattern in (*keyforms.PLACES, *keyforms.SPOKEN):
        yield from map(_part, pattern.finditer(text))
    for match in keyforms.NAMED.finditer(text):
        start, end = _part(match)
        if not _harmless(match["name"].lower(), match[0], text[start:end]):
            yield start, end
    yield from (match.span() for match in keyforms.CARD.finditer(text) if _checks(match[0]))
    for match in RUN.finditer(text):
        if odd_run(match[0], text[max(0, match.start() - 8) : match.start()]):
            yield match.span()


def _part(match: re.Match[str]) -> Span:
    for name in _GROUPS:
        if name in match.re.groupindex and match[name] is not None:
            return match.span(name)
    return match.span()


def _harmless(name: str, whole: str, value: str) -> bool:
    """Whether *value* only stands where a secret would: `password: ***`, `max_tokens=1024`."""
    if keyforms.HARMLESS.fullmatch(value) or not value:
        return True
    return name == "token" and whole[5:6] in {"s", "S"} and keyforms.COUNT.fullmatch(value) is not None


def _checks(digits: str) -> bool:
    """Whether the check digit of a card's number is right (Luhn 1960, ISO/IEC 7812)."""
    numbers = [int(digit) for digit in reversed(digits) if digit.isdigit()]
    doubled = (sum(divmod(2 * number, 10)) for number in numbers[1::2])
    return (sum(numbers[::2]) + sum(doubled)) % 10 == 0 and len({*numbers}) > 1


def _continued(text: str, span: Span) -> Span:
    """*span* and what of the next lines reads like the rest of it."""
    start, end = span
    while (gap := _BREAK.match(text, end)) and (word := _WORD.match(text, gap.end())):
        if not odd_word(word[0]) or text[word.end() : word.end() + 1] in {"=", ":"}:
            break
        end = word.end()
    return start, end


def _torn(found: Folded, original: str) -> Iterator[Span]:
    """Secrets that only show when the lines are put together, as far as no word of the text goes with them."""
    for start, end in _spans(found.text):
        place = found.span(start, end)
        pieces = _BREAK.split(original[slice(*place)])
        if len(pieces) > 1 and all(map(odd_word, pieces)):
            yield place
