"""Whether a run of letters and digits was drawn by chance, or hides another text: keys without a known form.

Names of services, pods and metrics, hashes and ids of traces are to pass. Pure.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode

RUN = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
_URLSAFE = str.maketrans("-_", "+/")
_PARTS = re.compile(r"[/_+=-]+")
_HEX = re.compile(r"(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)")
# Words, one after another: `HikariPool1ConnectionMillis`, `checkout`, `HTTP`, `V2`, a number.
_WORDS = re.compile(r"(?:[A-Z]?[a-z]{2,}|[A-Z]{2,9}(?![a-z])|[A-Z][A-Z][a-z]{2,}|\d{1,6}|[vV]\d{1,3})+")
_CLASSES = re.compile(r"[a-z]+|[A-Z]+|\d+")
_LEAST_RANDOM = 20  # characters: shorter ones are names too often
_LEAST_ENCODED = 16
_LONG_HEX = 48  # a commit has 40, a trace 32
_DIGESTS = ("sha256:", "sha384:", "sha512:", "sha256-", "sha512-")


def odd_run(run: str, before: str) -> bool:
    """Whether *run*, which stands after *before*, is a secret by its looks."""
    if hidden_text(run):
        return True
    if len(run) < _LEAST_RANDOM or before.lower().endswith(_DIGESTS):
        return False
    parts = [part for part in _PARTS.split(run) if part]
    if any(len(part) >= _LONG_HEX and _HEX.fullmatch(part) for part in parts):
        return True
    strange = [part for part in parts if not _WORDS.fullmatch(part) and not _HEX.fullmatch(part)]
    return any(map(_drawn_by_chance, strange)) or _drawn_by_chance("".join(strange), mixed=True)


def odd_word(word: str) -> bool:
    """Whether *word* may be a piece of a secret that was broken over lines: neither word nor number."""
    if not word.isascii() or not word.strip("+/=_").isalnum():
        return False
    digits = any(map(str.isdigit, word))
    letters = any(map(str.isalpha, word))
    inner = any(map(str.isupper, word[1:])) and any(map(str.islower, word))
    return (digits and letters) or inner or (len(word) > 1 and word[-1] in "=/+")


def hidden_text(run: str) -> str:
    """The text that *run* holds in base64 or in hex; empty where it holds none."""
    return _printable(_from_hex(run)) or _printable(_from_base64(run))


def _drawn_by_chance(part: str, *, mixed: bool = False) -> bool:
    """Whether the classes of characters change too often for words.

    Of letters and digits drawn evenly 60 in 100 neighbours differ in class (40 without capitals), in
    words in a row a third.
    """
    if len(part) < _LEAST_RANDOM or len({*part.lower()}) < len(part) ** 0.5 * 1.6:
        return False
    kinds = {_kind(character) for character in part}
    if mixed and kinds < {"a", "A", "0"}:
        return False
    share = (len(_CLASSES.findall(part)) - 1) / (len(part) - 1)
    if kinds == {"a", "A", "0"}:
        return share >= 0.38  # noqa: RET505
    return len(part) >= 24 and share >= (0.42 if kinds == {"a", "A"} else 0.25)


def _kind(character: str) -> str:
    if character.isdigit():
        return "0"
    return "A" if character.isupper() else "a"


def _from_hex(run: str) -> bytes:
    body = run.removeprefix("0x")
    if len(body) < 2 * _LEAST_ENCODED or not _HEX.fullmatch(body):
        return b""
    return binascii.unhexlify(body[: len(body) // 2 * 2])


def _from_base64(run: str) -> bytes:
    body = run.translate(_URLSAFE).rstrip("=")
    if "=" in body:
        return b""
    return b64decode(body[: len(body) // 4 * 4])


def _printable(found: bytes) -> str:
    if len(found) < _LEAST_ENCODED * 3 // 4:
        return ""
    text = found.decode("ascii", "replace")
    return text if all(" " <= character <= "~" or character in "\n\r\t" for character in text) else ""
