"""The words senders use for how loud an alert is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiops_rca.domain.alert import Severity

# Beside the words of the settings: X.733, syslog, and what monitoring tools call their levels.
_WELL_KNOWN: Mapping[str, Severity] = {
    **dict.fromkeys(
        ["emergency", "emerg", "alert", "disaster", "blocker", "urgent", "severe", "highest", "catastrophic"],
        Severity.CRITICAL,
    ),
    **dict.fromkeys(["major", "high", "alerting"], Severity.ERROR),
    **dict.fromkeys(["minor", "average", "medium", "moderate", "degraded"], Severity.WARNING),
    **dict.fromkeys(
        ["low", "lowest", "notice", "debug", "trace", "none", "ok", "normal", "trivial"], Severity.INFO
    ),
}
_LEVELS = (*[Severity.CRITICAL] * 2, Severity.ERROR, Severity.WARNING, *[Severity.INFO] * 2)  # 0 to 5
_LEVEL = re.compile(r"(?:p|prio|priority|s|sev|severity)[ _-]?([0-5])")
_LONGEST = 64


class Severities:
    """A table of words: *words* (lower case) first, then what is well known."""

    def __init__(self, words: Mapping[str, Severity]) -> None:
        self._words = {**_WELL_KNOWN, **words}

    def read(self, said: object) -> Severity | None:
        """The severity *said* names (`Major`, `P2`, `sev-1`); None when it is in no table."""
        if not isinstance(said, str) or len(said) > _LONGEST:
            return None
        word = said.strip().lower()
        known = self._words.get(word)
        if known is None and (level := _LEVEL.fullmatch(word)):
            return _LEVELS[int(level[1])]
        return known

    def read_priority(self, said: object) -> Severity | None:
        """As `read`, where a bare number from 1 (worst) to 5 is a priority."""
        if isinstance(said, int) and not isinstance(said, bool):
            said = str(said)
        if isinstance(said, str) and (digit := said.strip()) in {"1", "2", "3", "4", "5"}:
            return _LEVELS[int(digit)]
        return self.read(said)
