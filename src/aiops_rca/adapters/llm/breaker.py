"""Stops asking a provider that does not answer, and finds out, one request at a time, when it does again.

Closed: everybody may ask. Open: nobody, for *pause_sec*; then one asker's request may go out as a probe while
all others are still turned away. Only the end of a probe closes or reopens. One instance per event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

CLOSED, PROBING, OPEN = "closed", "probing", "open"
PASS, PROBE, REFUSE = "pass", "probe", "refuse"
FAILURES = 5
PAUSE_SEC = 60.0


class Breaker:
    """*told* hears each new state. *why* is what opened it; it says nothing while closed."""

    def __init__(
        self,
        told: Callable[[str], None],
        *,
        failures: int = FAILURES,
        pause_sec: float = PAUSE_SEC,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = CLOSED
        self.why = ""
        self._told = told
        self._most = failures
        self._pause_sec = pause_sec
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def admit(self) -> str:
        """Whether a call may go out: PASS, REFUSE, or PROBE, which must end in one of the methods below."""
        if self.state == CLOSED:
            return PASS
        if self.is_refusing():
            return REFUSE
        self._move(PROBING)
        return PROBE

    def is_refusing(self) -> bool:
        """Whether a call would be refused now, not even sent as a probe."""
        return self.state == PROBING or (self.state == OPEN and self._clock() < self._until)

    def answered(self, *, probe: bool = False) -> None:
        """Note that the provider answered, whatever it said."""
        if probe:
            self.why = ""
            self._failures = 0
            self._move(CLOSED)
        elif self.state == CLOSED:
            self._failures = 0

    def failed(self, why: str, *, at_once: bool = False, probe: bool = False) -> None:
        """Note that it did not. *at_once*: more tries would end the same way.

        What a call that went out before the breaker opened has to say comes too late and counts for nothing.
        """
        if not probe and self.state != CLOSED:
            return
        self._failures += 1
        if probe or at_once or self._failures >= self._most:
            self.why = why
            self._until = self._clock() + self._pause_sec
            self._move(OPEN)

    def let_go(self) -> None:
        """A probe ended without having learned anything: the next asker sends another."""
        if self.state == PROBING:
            self._move(OPEN)

    def _move(self, state: str) -> None:
        self.state = state
        self._told(state)
