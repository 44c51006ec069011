"""One lane for each notification URL: what is under way, how much may leave, and what is logged of failures.

A URL holds secrets: a log line names its place in the settings.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from aiops_rca.correlator.wording import Telling, message
from aiops_rca.live.rows import Delivered, OutboxRow, Told

log = logging.getLogger("aiops_rca.notify")

_MINUTE = 60.0
_QUIET_SEC = 300.0  # between two lines about the same URL that fails


class Sending(Protocol):
    """A message under way."""

    @property
    def error(self) -> str:
        """Why it was not delivered; empty when it was."""

    def ended(self) -> bool:
        """Whether it was delivered, refused or given up."""


class Target(Protocol):
    """Where messages go."""

    def begin(self, title: str, body: str, tone: str, over: Callable[[], None]) -> Sending:
        """Start sending; *over* is called when it has ended."""


class About(NamedTuple):
    """What is to be said of one incident, and the rows that settles."""

    telling: Telling
    rows: Sequence[OutboxRow]

    def delivered(self) -> Delivered:
        """It, once it was said."""
        told = Told(self.telling.occasion, self.telling.record.max_severity)
        return Delivered(tuple(row.id for row in self.rows), told)


class Flight(NamedTuple):
    """A message under way, and what it is about."""

    sending: Sending
    about: Sequence[About]


class Lane:
    """One target: the message under way, when the last ones left, and since when it fails."""

    def __init__(self, number: int, target: Target, per_minute: int, monotonic: Callable[[], float]) -> None:
        self.number = number
        self.target = target
        self.flight: Flight | None = None
        self._monotonic = monotonic
        self._left: deque[float] = deque(maxlen=per_minute)
        self._failures = 0
        self._said_at = -_QUIET_SEC

    def room(self) -> int:
        """How many messages may leave within this minute."""
        while self._left and self._left[0] <= self._monotonic() - _MINUTE:
            self._left.popleft()
        return (self._left.maxlen or 0) - len(self._left)

    def leave(self, told: Sequence[Telling], base_url: str | None, over: Callable[[], None]) -> Sending:
        """Send one message about *told*."""
        text = message(told, base_url=base_url)
        self._left.append(self._monotonic())
        return self.target.begin(text.title, text.body, text.tone, over)

    def failed(self, error: str, *, given_up: int) -> None:
        """Log that a message was not taken: the first time, then every five minutes, and every loss."""
        self._failures += 1
        now = self._monotonic()
        if self._failures > 1 and not given_up and now - self._said_at < _QUIET_SEC:
            return
        self._said_at = now
        event = {"url": self._name, "error": error, "failures": self._failures, "given_up": given_up}
        log.warning("notifications to %s fail", self._name, extra={"event": event})

    def delivered(self) -> None:
        """Log that a URL that failed works again."""
        if self._failures:
            event = {"url": self._name, "failures": self._failures}
            log.info("notifications to %s are taken again", self._name, extra={"event": event})
        self._failures = 0

    @property
    def _name(self) -> str:
        return f"notify.urls[{self.number}]"
