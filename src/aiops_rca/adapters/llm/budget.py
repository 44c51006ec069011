"""How many calls and tokens may go out in any minute and in any day.

Time is cut into slots, and a slot counts until all of it is older than the span: never more than the limit, a
little less at worst, in fixed memory. Per process, and forgotten when it ends.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from aiops_rca.enrich.asking import (
    CALLS_DAY,
    CALLS_MINUTE,
    TOKENS_DAY,
    TOKENS_MINUTE,
    NotAskedError,
)
from aiops_rca.settings import Llm

MINUTE_SEC, DAY_SEC = 60.0, 86_400.0
_MINUTE_SLOTS, _DAY_SLOTS = 60, 288


class Booking(NamedTuple):
    """One call that was let out *at* a time of the clock, and the *tokens* set aside for it."""

    at: float
    tokens: int


class Budget:
    """The limits of `llm` in the settings; 0 lets nothing out."""

    def __init__(self, limits: Llm, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._minute = _Window(MINUTE_SEC, _MINUTE_SLOTS)
        self._day = _Window(DAY_SEC, _DAY_SLOTS)
        self._calls = (
            (self._minute, CALLS_MINUTE, limits.calls_per_minute, "calls a minute"),
            (self._day, CALLS_DAY, limits.calls_per_day, "calls a day"),
        )
        self._tokens = (
            (self._minute, TOKENS_MINUTE, limits.tokens_per_minute, "tokens a minute"),
            (self._day, TOKENS_DAY, limits.tokens_per_day, "tokens a day"),
        )

    def book(self, tokens: int) -> Booking:
        """Set a call of *tokens* aside; raises NotAskedError, naming the budget it would overrun."""
        now = self._turned()
        if (spent := self._spent()) is not None:
            raise spent
        for window, reason, limit, what in self._tokens:
            if window.tokens + tokens > limit:
                raise NotAskedError(reason, f"no {tokens} tokens left of the {limit} {what}")
        booking = Booking(now, tokens)
        self._add(booking.at, 1, tokens)
        return booking

    def spent(self) -> NotAskedError | None:
        """Which budget not even the smallest call would fit into; None where one may."""
        self._turned()
        return self._spent()

    def settle(self, booking: Booking, tokens: int) -> None:
        """Put what the call took in the place of what was set aside."""
        self._add(booking.at, 0, tokens - booking.tokens)

    def undo(self, booking: Booking) -> None:
        """Give back a booking whose call never went out."""
        self._add(booking.at, -1, -booking.tokens)

    def _turned(self) -> float:
        now = self._clock()
        self._minute.turn(now)
        self._day.turn(now)
        return now

    def _spent(self) -> NotAskedError | None:
        for window, reason, limit, what in self._calls:
            if window.calls + 1 > limit:
                return NotAskedError(reason, f"the budget of {limit} {what} is used up")
        return None

    def _add(self, at: float, calls: int, tokens: int) -> None:
        self._minute.add(at, calls, tokens)
        self._day.add(at, calls, tokens)


class _Window:
    """What went out in the last *span* seconds, to the nearest slot."""

    def __init__(self, span: float, slots: int) -> None:
        self.calls = 0
        self.tokens = 0
        self._width = span / slots
        self._most = slots
        self._slots: deque[list[int]] = deque()  # number, calls, tokens; oldest first

    def turn(self, now: float) -> None:
        """Forget what is older than the span."""
        first = int(now // self._width) - self._most
        while self._slots and self._slots[0][0] < first:
            _, calls, tokens = self._slots.popleft()
            self.calls -= calls
            self.tokens -= tokens

    def add(self, at: float, calls: int, tokens: int) -> None:
        """Change the slot of the time *at*; one that is already forgotten stays so."""
        number = int(at // self._width)
        if not self._slots or self._slots[-1][0] < number:
            if calls <= 0:
                return
            self._slots.append([number, 0, 0])
        for slot in reversed(self._slots):
            if slot[0] == number:
                slot[1] += calls
                slot[2] += tokens
                self.calls += calls
                self.tokens += tokens
                return
