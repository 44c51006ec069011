"""Tells people about incidents: from the outbox, through one lane for each target, until each row is settled.

A thread of the correlator. A row is marked sent after its message was taken, so a crash in between tells it
again, and never not at all. A target that hangs or fails delays no other one, and no folding.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from aiops_rca.correlator.coalescing import (
    DROP,
    EXPIRED,
    TELL,
    Decision,
    backoff_ms,
    decide,
    due_incidents,
    gathering,
    is_spent,
)
from aiops_rca.correlator.lanes import About, Flight, Lane, Target
from aiops_rca.correlator.wording import Telling
from aiops_rca.live.rows import Delivered, IncidentRow, OutboxRow, Told
from aiops_rca.settings import Notify

log = logging.getLogger("aiops_rca.notify")

_READ = 500  # rows looked at in one go
_ALONE = 3  # so many incidents at once get a message each; more get one together
_GATHER_MS = 1000
_IDLE_SEC = 0.5
_FAULT_SEC = 2.0
_GRACE_SEC = 2.0


class Outbox(Protocol):
    """Where notices wait until they are settled."""

    def due(self, until: int, limit: int, *, target: int) -> Sequence[OutboxRow]:
        """Waiting rows of *target* due by *until*, the longest due first."""

    def waiting(self, incidents: Collection[str], *, target: int) -> Sequence[OutboxRow]:
        """All waiting rows of *incidents*, due or not."""

    def told(self, incidents: Collection[str], *, target: int) -> Mapping[str, Told]:
        """What *target* was told of *incidents* before."""

    def heard(self, incident: str) -> int | None:
        """When an alert of it was last told of."""

    def sent(self, delivered: Sequence[Delivered], now: int) -> None:
        """Settle rows that were told."""

    def retry(self, ids: Sequence[int], next_at: int, error: str) -> None:
        """Count a failed attempt; they are due again at *next_at*."""

    def give_up(self, ids: Sequence[int], now: int, error: str) -> None:
        """Settle rows that could not be told."""

    def drop(self, ids: Sequence[int]) -> None:
        """Forget rows that need not be told."""

    def drop_targets(self, first: int) -> None:
        """Forget waiting rows of target *first* and above."""


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
        self._lanes = [Lane(n, t, settings.per_minute, monotonic) for n, t in enumerate(targets)]
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

    def _settle(self, lane: Lane) -> None:
        """Note in the outbox how the message under way ended, if it has."""
        flight = lane.flight
        if flight is None or not flight.sending.ended():
            return
        if error := flight.sending.error:
            self._failed(lane, flight.about, error)
        else:
            self._outbox.sent([one.delivered() for one in flight.about], self._now())
            lane.delivered()
        lane.flight = None  # not before the outbox knows: otherwise it would be told twice

    def _failed(self, lane: Lane, about: Sequence[About], error: str) -> None:
        now = self._now()
        spent = [row.id for one in about if is_spent(one.rows, now) for row in one.rows]
        again = [row for one in about if not is_spent(one.rows, now) for row in one.rows]
        lane.failed(error, given_up=len(spent))
        if spent:
            self._outbox.give_up(spent, now, error)
        if again:
            wait_ms = backoff_ms(1 + max(row.attempts for row in again))
            self._outbox.retry([row.id for row in again], now + wait_ms, error)

    def _begin(self, lane: Lane) -> None:
        """Send the next message of *lane*, if there is one."""
        now = self._now()
        due = self._outbox.due(now + self._settle_ms, _READ, target=lane.number)
        if gathering(due, now, min(_GATHER_MS, self._settle_ms)):
            return
        about: list[About] = []
        dropped: list[int] = []
        for decision, rows, telling in self._considered(due_incidents(due, now), lane.number, now):
            if decision.act == DROP:
                dropped += [row.id for row in rows]
            elif telling is not None:
                about.append(About(telling, rows))
        if dropped:
            self._outbox.drop(dropped)
        if about:
            together = about if len(about) > min(_ALONE, lane.room()) else about[:1]
            told = [one.telling for one in together]
            lane.flight = Flight(lane.leave(told, self._settings.base_url, self._wake.set), together)

    def _considered(
        self, incidents: Sequence[str], target: int, now: int
    ) -> Iterator[tuple[Decision, Sequence[OutboxRow], Telling | None]]:
        """What becomes of all that waits about each of *incidents*, due or not."""
        if not incidents:
            return
        rows = self._waiting(incidents, target)
        told = self._outbox.told(incidents, target=target)
        found = {incident: self._incident(incident) for incident in incidents}
        unchanged = self._waiting(incidents, target)
        for incident, own in rows.items():
            if own == unchanged.get(incident):  # otherwise the fold was faster: next time
                decision = self._decide(own, found[incident], told.get(incident), now)
                yield decision, own, self._telling(decision, found[incident])

    def _waiting(self, incidents: Sequence[str], target: int) -> dict[str, list[OutboxRow]]:
        waiting = self._outbox.waiting(incidents, target=target)
        rows: dict[str, list[OutboxRow]] = {incident: [] for incident in incidents}
        for row in sorted(waiting, key=lambda row: (row.at, row.id)):
            rows[row.incident].append(row)
        return {incident: own for incident, own in rows.items() if own}

    def _decide(
        self, rows: Sequence[OutboxRow], found: IncidentRow | None, told: Told | None, now: int
    ) -> Decision:
        return decide(
            rows,
            found.record if found else None,
            told=told,
            diagnosed=found is not None and found.diagnosis is not None,
            now=now,
            settle_ms=self._settle_ms,
            wanted=self._settings.occasions,
        )

    def _telling(self, decision: Decision, found: IncidentRow | None) -> Telling | None:
        if found is None or decision.act != TELL:
            return None
        heard_at = self._outbox.heard(found.record.id) if decision.occasion == EXPIRED else None
        return Telling(decision.occasion, found.record, found.diagnosis, heard_at)
