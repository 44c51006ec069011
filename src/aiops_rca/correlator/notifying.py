"""Tells people about incidents: from the outbox, through one lane for each target, until each row is settled.

A thread of the correlator. A row is marked sent after its message was taken, so a crash in between tells it
again, and never not at all. A target that hangs or fails delays no other one, and no folding.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from aiops_rca.correlator.coalescing import (
    DROP,
    TELL,
    Decision,
    backoff_ms,
    by_incident,
    decide,
    gathering,
)
from aiops_rca.correlator.wording import Telling, message
from aiops_rca.live.rows import IncidentRow, OutboxRow
from aiops_rca.settings import Notify

log = logging.getLogger("aiops_rca.notify")

MOST_ATTEMPTS = 10
_READ = 500  # rows looked at in one go
_ALONE = 3  # so many incidents at once get a message each; more get one together
_GATHER_MS = 1000
_IDLE_SEC = 0.5
_FAULT_SEC = 2.0
_GRACE_SEC = 2.0
_MINUTE = 60.0


class Outbox(Protocol):
    """Where notices wait until they are settled."""

    def due(self, until: int, limit: int, *, target: int) -> Sequence[OutboxRow]:
        """Waiting rows of *target* due by *until*, the longest due first."""

    def sent(self, ids: Sequence[int], now: int) -> None:
        """Settle rows that were told."""

    def retry(self, ids: Sequence[int], next_at: int, error: str) -> None:
        """Count a failed attempt; they are due again at *next_at*."""

    def give_up(self, ids: Sequence[int], now: int, error: str) -> None:
        """Settle rows that could not be told."""

    def drop(self, ids: Sequence[int]) -> None:
        """Forget rows that need not be told."""

    def drop_targets(self, first: int) -> None:
        """Forget waiting rows of target *first* and above."""


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


class _Flight(NamedTuple):
    sending: Sending
    rows: tuple[OutboxRow, ...]


class _Lane:
    """One target: the message under way, and when the last ones left."""

    def __init__(self, number: int, target: Target, per_minute: int, monotonic: Callable[[], float]) -> None:
        self.number = number
        self.target = target
        self.flight: _Flight | None = None
        self._monotonic = monotonic
        self._left: deque[float] = deque(maxlen=per_minute)

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


class Notifier:
    """Sends what waits in *outbox* to *targets*; *incident* looks up what it is about.

    *now* is the time in epoch milliseconds, *monotonic* in seconds. At most `per_minute` messages a minute
    leave for each target: one that fails takes nothing from the others.
    """

    def __init__(
        self,
        outbox: Outbox,
        incident: Callable[[str], IncidentRow | None],
        targets: Sequence[Target],
        settings: Notify,
        *,
        now: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._incident = incident
        self._settings = settings
        self._settle_ms = round(settings.settle_sec * 1000)
        self._now = now
        self._lanes = [_Lane(n, t, settings.per_minute, monotonic) for n, t in enumerate(targets)]
        self._swept = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._working = threading.Lock()  # a thread that ends late and its successor take turns
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run until `stop`, on a thread."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stopping,), name="notifier", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Begin no more messages and wait two seconds for those under way; the rest are told again later."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(2 * _GRACE_SEC)

    def step(self) -> None:
        """Settle what has ended and begin what may begin; never waits for a receiver."""
        if not self._swept:
            self._outbox.drop_targets(len(self._lanes))
            self._swept = True
        for lane in self._lanes:
            self._settle(lane)
            if lane.flight is None and lane.room() > 0:
                self._begin(lane)

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            fine = self._survives(self.step)
            self._wake.wait(_IDLE_SEC if fine else _FAULT_SEC)
            self._wake.clear()
        deadline = time.monotonic() + _GRACE_SEC
        while any(lane.flight for lane in self._lanes) and time.monotonic() < deadline:
            self._survives(self._settle_all)
            time.sleep(0.02)

    def _survives(self, work: Callable[[], None]) -> bool:
        """Do *work*; False when it failed, as it does while the database is out of reach."""
        try:
            with self._working:
                work()
        except Exception:  # the end of a thread: what has failed is tried again
            log.exception("notifications wait: the outbox cannot be used")
            return False
        return True

    def _settle_all(self) -> None:
        for lane in self._lanes:
            self._settle(lane)

    def _settle(self, lane: _Lane) -> None:
        """Note in the outbox how the message under way ended, if it has."""
        flight = lane.flight
        if flight is None or not flight.sending.ended():
            return
        if error := flight.sending.error:
            self._failed(lane, flight.rows, error)
        else:
            self._outbox.sent([row.id for row in flight.rows], self._now())
        lane.flight = None  # not before the outbox knows: otherwise it would be told twice

    def _failed(self, lane: _Lane, rows: Sequence[OutboxRow], error: str) -> None:
        spent = [row.id for row in rows if row.attempts + 1 >= MOST_ATTEMPTS]
        again = [row for row in rows if row.attempts + 1 < MOST_ATTEMPTS]
        event = {"target": lane.number, "error": error, "notices": len(rows), "given_up": len(spent)}
        log.warning("a notification was not delivered", extra={"event": event})
        if spent:
            self._outbox.give_up(spent, self._now(), error)
        if again:
            wait_ms = backoff_ms(1 + max(row.attempts for row in again))
            self._outbox.retry([row.id for row in again], self._now() + wait_ms, error)

    def _begin(self, lane: _Lane) -> None:
        """Send the next message of *lane*, if there is one."""
        now = self._now()
        waiting = self._outbox.due(now + self._settle_ms, _READ, target=lane.number)
        if gathering(waiting, now, min(_GATHER_MS, self._settle_ms)):
            return
        told: list[tuple[Telling, list[OutboxRow]]] = []
        dropped: list[int] = []
        for incident, rows in by_incident(waiting, now).items():
            decision, telling = self._decide(incident, rows, now)
            if decision.act == DROP:
                dropped += [row.id for row in rows]
            elif telling is not None:
                told.append((telling, rows))
        if dropped:
            self._outbox.drop(dropped)
        if told:
            together = told if len(told) > min(_ALONE, lane.room()) else told[:1]
            sending = lane.leave([one for one, _ in together], self._settings.base_url, self._wake.set)
            lane.flight = _Flight(sending, tuple(row for _, rows in together for row in rows))

    def _decide(self, incident: str, rows: Sequence[OutboxRow], now: int) -> tuple[Decision, Telling | None]:
        found = self._incident(incident)
        decision = decide(
            rows,
            found.record if found else None,
            diagnosed=found is not None and found.diagnosis is not None,
            now=now,
            settle_ms=self._settle_ms,
            wanted=self._settings.occasions,
        )
        if found is None or decision.act != TELL:
            return decision, None
        return decision, Telling(decision.occasion, found.record, found.diagnosis)
