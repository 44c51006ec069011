"""One firing or resolved signal about one service, and the scales its fields live on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

LabelValue = str | int | float | bool | None


class Severity(IntEnum):
    """How loud an alert is; larger is worse."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The severity as the API spells it."""
        return self.name.lower()


class Alert(NamedTuple):
    """One signal about one service.

    A named tuple and not a frozen dataclass: a storm makes 100,000 of them and a tuple costs a third.

    *ts* is epoch milliseconds, UTC. *value* and *threshold* are in the metric's own unit or None.
    *fingerprint* is the identity of the signal (see `domain.fingerprint`): equal for re-sent alerts.
    """

    id: str
    ts: int
    service: str
    metric: str
    severity: Severity
    value: float | None
    threshold: float | None
    labels: Mapping[str, LabelValue]
    resolved: bool
    fingerprint: str
