"""Text out of alerts and histories, made fit for a language model: short, visible, without secrets.

`clean` never raises and takes time in proportion to *limit*, however long and odd the text is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from aiops_rca.enrich.folding import readable
from aiops_rca.enrich.redact import redact

_URL = re.compile(
    r"""[a-z][a-z0-9+.-]{1,40}:\s?[/\\]{2,}[^\s"'<>]*"""
    r"""|(?:https?|hxxps?|ftps?|wss?)\s?:[/\\]+[^\s"'<>]*"""
    r"""|\b(?:javascript|mailto|data:[\w.+-]{1,40}/[\w.+-]{1,40})[:;,][^\s"'<>]*"""
    r"""|(?<![\w:/])//[\w-]{1,63}\.[^\s"'<>]*|\bwww\.[^\s"'<>]*""",
    re.IGNORECASE,
)
_TOP = (  # what ends a name that anybody can register, or writes in an example
    r"(?:com|org|net|info|biz|edu|gov|mil|app|dev|xyz|online|site|shop|tech|top|club|vip|click|zip|mov|icu|fun|art"
    r"|agency|website|blog|news|pro|mobi|example|onion|[a-z]{2})"
)
_TOP_TOO = (  # the same, and words that names of other things end with: with a path behind them
    r"(?:bank|bar|beauty|bid|buzz|cam|capital|care|center|chat|cloud|codes|company|date|digital|download|email"
    r"|exchange|finance|fund|group|help|host|ink|life|link|live|loan|lol|market|media|money|name|network|page"
    r"|party|quest|review|rocks|run|services|solutions|space|store|stream|studio|support|systems|team|today"
    r"|trade|wiki|win|work|works|world|zone)"
)
_DOT = r"(?:[.\u3002]|\s?[\[({]\s?(?:dot|punkt|\.)\s?[\])}]\s?|\s(?:dot|punkt)\s)"
_HOST = rf"(?:[^\W_](?:[\w-]{{0,62}}[^\W_])?{_DOT}){{1,30}}"
# Names of hosts with what stands behind them, addresses with a path, and the same in words.
_SITE = re.compile(
    rf"(?<![\w.@-])(?:{_HOST}{_TOP}(?![\w@-]|[.:]\w*[a-z_])(?::\d{{1,5}}(?!\d))?(?:(?:[/?#]|\sslash\s)\S*)*"
    rf"|{_HOST}{_TOP_TOO}(?::\d{{1,5}})?(?:/|\sslash\s)\S*"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?/(?!\d{1,2}\b)\S*)",
    re.IGNORECASE,
)
# Two letters that end files, and parts of the names of metrics; packages and what is of this network alone.
_NO_SITE = re.compile(
    r"(?!storage|fonts|ajax|maps)[a-z]+\.googleapis\.com/[a-z_/]+"  # metrics
    r"|[^/?#]*\.(?:py|rs|so|md|pl|cc|cs|js|io(?<=(?:disk|work|lkio)\.io))|\w+\.(?:go|db|id|ms)"
    r"|[^/?#]*\.(?:local|internal|lan|svc|cluster|localdomain|intranet|corp|home)(?::\d+)?(?:/.*)?"
    r"|(?:java|system)\.(?:io|net)|e\.g|i\.e|v?\d[\d.]*[a-z]{0,3}"
    rf"|(?:\w+\.)+(?!(?i:{_TOP})(?:/|\Z))[a-z]*[A-Z]\w*(?:/\w+)?",
    re.DOTALL,
)
# What may be the first part of a secret at a place where a text was cut off.
_TORN = re.compile(r"(?:\d{3,7} ){0,4}[A-Za-z0-9+/=_.@%:~$!*#^?\\-]+\Z")
_MARK = "…"
_READ = 4  # characters read for each that may stay
_LINK = "[url]"
_DOTTED = re.compile(r"[.\u3002/]|\b(?:dot|punkt)\b", re.IGNORECASE)
_NO_NAMES: AbstractSet[str] = frozenset()


def clean(text: str, limit: int = 200, *, names: AbstractSet[str] = _NO_NAMES) -> str:
    """*text* as one line of at most *limit* characters.

    NFKC, without invisible characters; secrets, URLs and names of sites, unless they are among *names* (in
    lower case), are replaced by a mark. Only the first 4 * *limit* characters are looked at, and what may be
    half a secret at their end is dropped.
    """
    most = limit * _READ
    whole = readable(text[:most])
    shown = whole[:most]
    if len(text) > most or len(whole) > most:
        shown = _TORN.sub("", shown) + _MARK
    line = " ".join(_without_sites(_URL.sub(_LINK, redact(shown)), names).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + _MARK


def _without_sites(text: str, names: AbstractSet[str]) -> str:
    def shown(found: re.Match[str]) -> str:
        site = found[0].rstrip(".,:;)!?")
        known = site.casefold() in names or _NO_SITE.fullmatch(site)
        return found[0] if known else _LINK + found[0][len(site) :]

    return _SITE.sub(shown, text) if _DOTTED.search(text) else text
