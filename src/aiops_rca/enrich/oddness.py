"""Whether a run of letters and digits was drawn by chance, or hides another text: keys without a known form.

Names of services, pods and metrics, hashes and ids of traces are to pass. Pure.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode

RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_URLSAFE = str.maketrans("-_", "+/")
_PART = re.compile(r"[^/_+=-]+")
_HEX = re.compile(r"(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)")
_LOGICAL_ID = re.compile(r"(?<=[a-z])[0-9A-F]{8}\Z")  # what CloudFormation puts behind a name
_LEAST_RANDOM = 20  # characters: shorter ones are names too often
_LEAST_ENCODED = 16
_LONG_HEX = 48  # a commit has 40, a trace 32
_DIGESTS = ("sha256:", "sha384:", "sha512:", "sha256-", "sha512-")
# The pairs of letters that make up 88 in 100 of all pairs in names and prose of operations, and 27 in 100
# of pairs drawn evenly.
_COMMON = frozenset(
    "ab ac ad ag ai al am an ap ar as at au ay ba be bl bo ca ce ch ci ck cl co cr ct cu da de di do ds"
    " ea ec ed"
    " ee ef eg ei el em en ep er es et ev ex fa fe fi fo ga ge gh gi gn gr ha he hi ho ia ic id ie ig il"
    " im in io"
    " ip ir is it iv ke ki la ld le li ll lo ls lt lu ly ma me mi mo mp na nc nd ne nf ng ni no ns nt oc"
    " od og ok"
    " ol om on oo op or os ot ou ov ow pa pe pi pl po pp pr ps pt qu ra rd re rg ri rm rn ro rr rs rt ru"
    " rv ry sa"
    " sc se sh si so sp ss st su ta tc te th ti to tr ts tt tu ty ue ul um un up ur us ut va ve vi wa we"
    " wh wi wo".split()
)
# Natural logarithms of how much likelier a pair is in names than in runs drawn evenly.
_KNOWN, _UNKNOWN, _BESIDE_DIGIT, _CAPITAL = 1.2, -1.8, -1.2, -0.5
_CHANCE, _CHANCE_OF_MANY = -6.0, -10.0  # below it: drawn by chance


def odd_part(run: str, before: str) -> tuple[int, int] | None:
    """Where in *run*, which stands after *before*, a secret is by its looks; None where there is none."""
    if hidden_text(run):
        return 0, len(run)
    if len(run) < _LEAST_RANDOM or before.lower().endswith(_DIGESTS):
        return None
    parts = [part for part in _PART.finditer(run) if not _hash(part[0])]
    drawn = [part for part in parts if len(part[0]) >= _LEAST_RANDOM and _likelihood(part[0]) < _CHANCE]
    if drawn and any(_likelihood(part[0]) > _KNOWN for part in parts):
        return drawn[0].start(), drawn[-1].end()
    joined = "".join(part[0] for part in parts)
    if drawn or (_all_classes(joined) and _likelihood(joined) < _CHANCE_OF_MANY):
        return 0, len(run)
    return None


def odd_word(word: str) -> bool:
    """Whether *word* may be a piece of a secret that was broken over lines: neither word nor number."""
    if not word.isascii() or not word.strip("+/=_").isalnum():
        return False
    digits, letters = any(map(str.isdigit, word)), any(map(str.isalpha, word))
    inner = any(map(str.isupper, word[1:])) and any(map(str.islower, word))
    return (digits and letters) or inner or (len(word) > 1 and word[-1] in "=/+")


def hidden_text(run: str) -> str:
    """The text that *run* holds in base64 or in hex; empty where it holds none."""
    return _printable(_from_hex(run)) or _printable(_from_base64(run))


def _likelihood(part: str) -> float:
    """The log likelihood ratio of *part* being words to its being drawn by chance (Neyman, Pearson 1933)."""
    part = _LOGICAL_ID.sub("", part)
    return sum(map(_weight, part, part[1:]))


def _weight(one: str, two: str) -> float:
    if one.isdigit() or two.isdigit():
        return 0.0 if one.isdigit() and two.isdigit() else _BESIDE_DIGIT
    if one == two:
        return 0.0  # a row of one letter fills a field
    known = _KNOWN if one.lower() + two.lower() in _COMMON else _UNKNOWN
    return known if one.isupper() == two.isupper() else min(known, _CAPITAL)


def _all_classes(part: str) -> bool:
    kinds = (str.isdigit, str.isupper, str.islower)
    return len(part) >= _LEAST_ENCODED and all(any(map(of, part)) for of in kinds)


def _hash(part: str) -> bool:
    return 6 <= len(part) < _LONG_HEX and _HEX.fullmatch(part) is not None


def _from_hex(run: str) -> bytes:
    body = run.removeprefix("0x")
    if len(body) < 2 * _LEAST_ENCODED or not _HEX.fullmatch(body):
        return b""
    return binascii.unhexlify(body[: len(body) // 2 * 2])


def _from_base64(run: str) -> bytes:
    body = run.translate(_URLSAFE).rstrip("=")
    return b64decode(body[: len(body) // 4 * 4])


def _printable(found: bytes) -> str:
    if len(found) < _LEAST_ENCODED * 3 // 4:
        return ""
    text = found.decode("ascii", "replace")
    return text if all(" " <= character <= "~" or character in "\n\r\t" for character in text) else ""
