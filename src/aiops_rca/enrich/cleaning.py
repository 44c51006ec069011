"""Text out of alerts and histories, made fit for a language model: short, visible, without secrets.

`clean` never raises and takes time in proportion to *limit*, however long and odd the text is. Pure.
"""

from __future__ import annotations

import re

from aiops_rca.enrich.folding import readable
from aiops_rca.enrich.redact import redact

_URL = re.compile(
    r"""[a-z][a-z0-9+.-]{1,40}:\s?[/\\]{2,}[^\s"'<>]*"""
    r"""|(?:https?|hxxps?|ftps?|wss?)\s?:[/\\]+[^\s"'<>]*"""
    r"""|\b(?:javascript|mailto|data:[\w.+-]{1,40}/[\w.+-]{1,40})[:;,][^\s"'<>]*"""
    r"""|(?<![\w:/])//[\w-]{1,63}\.[^\s"'<>]*|\bwww\.[^\s"'<>]*""",
    re.IGNORECASE,
)
# What may be the first part of a secret at a place where a text was cut off.
_TORN = re.compile(r"(?:\d{3,7} ){0,4}[A-Za-z0-9+/=_.@%:~$!*#^?\\-]+\Z")
_MARK = "…"
_READ = 4  # characters read for each that may stay


def clean(text: str, limit: int = 200) -> str:
    """*text* as one line of at most *limit* characters.

    NFKC, without invisible characters; URLs and secrets are replaced by a mark. Only the first
    4 * *limit* characters are looked at, and what may be half a secret at their end is dropped.
    """
    most = limit * _READ
    whole = readable(text[:most])
    shown = whole[:most]
    if len(text) > most or len(whole) > most:
        shown = _TORN.sub("", shown) + _MARK
    line = " ".join(_URL.sub("[url]", redact(shown)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + _MARK
