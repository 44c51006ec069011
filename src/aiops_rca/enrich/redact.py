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
from aiops_rca.enrich.oddness import RUN, odd_part, odd_word
from aiops_rca.enrich.vocabulary import is_plain

HIDDEN = "[redacted]"
_SHORT = 400
_REMEMBERED = 4096
_BREAK = re.compile(r"[ ]{0,8}(?:\\{1,4}r?\\{0,4}n|\\?\n)+[ ]{0,8}")
_WORD = re.compile(r"[^\s,;:\"'<>{}()\[\]\\]+")
_GROUPS = ("value", "text", "scheme", "cookie", "flag", "short", "user", *keyforms.PLAINLY)
_EDGE = 8  # characters before a run that tell what it is

Span = tuple[int, int]


def redact(text: str) -> str:
    """*text* with every secret replaced by `[redacted]`; the name beside it stays.

    Time is in proportion to the length of *text*.
    """
    return _remembered(text) if len(text) <= _SHORT else _redacted(text)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(text: str) -> str:
    return _redacted(text)


def _redacted(text: str) -> str:
    found = folded(text)
    spans = [*_forms(found.text), *_values(found.text), *_runs(found.text)]
    if _BREAK.search(found.text):
        spans = [*_continued(found.text, spans), *_torn(found.text, {start for start, _ in spans})]
    return _hide(text, [found.span(*span) for span in spans]) if spans else text


def _hide(text: str, places: Iterable[Span]) -> str:
    shown: list[str] = []
    done = -1
    for start, end in sorted(places):
        if start > done:
            shown += [text[max(done, 0) : start], HIDDEN]
        done = max(done, end)
    return "".join([*shown, text[done:]])


def _forms(text: str) -> Iterator[Span]:
    """Where something stands that is a secret by its form alone."""
    for pattern in (keyforms.PRIVATE, keyforms.ISSUED, keyforms.MAIL):
        yield from (match.span() for match in pattern.finditer(text))
    yield from (match.span() for match in keyforms.CARD.finditer(text) if _checks(match[0]))
    yield from (match.span() for match in keyforms.ACCOUNT.finditer(text) if _adds_up(match[0]))


def _values(text: str) -> Iterator[Span]:
    """Where a value stands that the words beside it make a secret."""
    for pattern in keyforms.BESIDE:
        for match in pattern.finditer(text):
            found = match.groupdict()
            name = next(name for name in _GROUPS if found.get(name) is not None)
            plain = name in keyforms.PLAINLY and is_plain(found[name].split()[0].strip(".!:").casefold())
            if not plain and not _harmless(match[0], found[name]):
                yield match.span(name)


def _runs(text: str) -> Iterator[Span]:
    """Where letters and digits stand that read like nothing but a key."""
    for match in RUN.finditer(text):
        if place := odd_part(match[0], text[max(0, match.start() - _EDGE) : match.start()]):
            yield match.start() + place[0], match.start() + place[1]


def _harmless(whole: str, value: str) -> bool:
    """Whether *value* only stands where a secret would: `password: ***`, `max_tokens=1024`."""
    if not value or keyforms.HARMLESS.fullmatch(value):
        return True
    return whole[:6].lower() == "tokens" and keyforms.COUNT.fullmatch(value) is not None


def _checks(digits: str) -> bool:
    """Whether the check digit of a card's number is right (Luhn 1960, ISO/IEC 7812)."""
    numbers = [int(digit) for digit in reversed(digits) if digit.isdigit()]
    doubled = (sum(divmod(2 * number, 10)) for number in numbers[1::2])
    return (sum(numbers[::2]) + sum(doubled)) % 10 == 0 and len({*numbers}) > 1


def _adds_up(account: str) -> bool:
    """Whether the check digits of a bank account are right (ISO 13616, ISO/IEC 7064 mod 97-10)."""
    signs = [sign for sign in account if sign.isalnum()]
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def _continued(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """*spans*, each with what of the next lines reads like the rest of it."""
    done = -1
    for start, end in sorted(spans):
        if end > done:
            done = _rest(text, end)
        yield start, max(end, done)


def _rest(text: str, end: int) -> int:
    """The end of a secret that ends at *end*, or on one of the lines after it."""
    while (gap := _BREAK.match(text, end)) and (word := _WORD.match(text, gap.end())):
        if not odd_word(word[0]) or text[word.end() : word.end() + 1] in {"=", ":"}:
            break
        end = word.end()
    return end


def _torn(text: str, known: set[int]) -> Iterator[Span]:
    """Secrets in *text* that only show when its lines are put together.

    *known* are the places where one begins that shows without: its end is known better than here.
    """
    whole = without(Folded(text, range(len(text) + 1)), _BREAK)
    for span in _forms(whole.text):
        start, end = whole.span(*span)
        if start not in known:
            yield start, end
    for span in _values(whole.text):
        start, end = whole.span(*span)
        first = _BREAK.search(text, start, end)
        yield start, _rest(text, first.start() if first else end)
    for span in _runs(whole.text):
        start, end = whole.span(*span)
        if all(map(odd_word, _BREAK.split(text[start:end]))):
            yield start, end
