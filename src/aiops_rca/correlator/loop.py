"""Drains the journal: read, fold, diagnose what changed, and store all of it with the new offset at once.

What is stored is the truth: after any failure the loop goes on from there, so a crash at any point loses
nothing and repeats nothing. One loop at a time: it works only while it holds the lease.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiops_rca.correlator.diagnosing import Diagnosing, Made
from aiops_rca.domain.errors import LeaseLostError, RcaError
from aiops_rca.live.entry import Entry
from aiops_rca.live.fold import fold, restore, unsure
from aiops_rca.live.records import Changes, DiagnosisRecord, Stored
from aiops_rca.live.state import Rules, State

log = logging.getLogger("aiops_rca.correlator")

LEASE_MS = 10_000
_FEWEST, _MOST = 500, 10_000  # alerts in one step
_SHORT_SEC, _LONG_SEC = 0.15, 0.5  # a full step that took less may be larger, one that took more must not
_DIAGNOSE_SEC = 0.5  # while there is nothing else to do
_DIAGNOSE_BUSY = 0.25  # of the time of a full step
_RETRY_SEC = 0.5
_LONGEST_RETRY_SEC = 5.0
_PRUNE_MS = 3_600_000


class Journal(Protocol):
    """What was received."""

    def read(self, after: int, *, limit: int) -> Sequence[Entry]:
        """The entries after number *after*, with about *limit* alerts."""
        ...

    def prune(self, before_ms: int, folded_upto: int) -> int:
        """Drop old entries that are folded."""
        ...


class Store(Protocol):
    """What was made of it."""

    def load(self) -> Stored:
        """Everything a fold goes on from."""
        ...

    def known_alerts(self, ids: Collection[str]) -> set[str]:
        """Those of *ids* that are stored."""
        ...

    def take_lease(self, holder: str, *, now: int, ttl_ms: int, is_dead: Callable[[str], bool]) -> bool:
        """Become, or stay, the one who folds."""
        ...

    def release(self, holder: str) -> None:
        """Give the lease back."""
        ...

    def apply(
        self,
        changes: Changes,
        diagnoses: Sequence[DiagnosisRecord],
        *,
        after: int,
        upto: int,
        now: int,
        holder: str,
        ttl_ms: int,
        targets: int,
        settle_ms: int,
    ) -> int:
        """Store one step; raises LeaseLostError when it does not follow what is stored."""
        ...

    def prune(self, before_ms: int) -> int:
        """Drop incidents that were over before *before_ms*."""
        ...


class Beside(Protocol):
    """What runs while the lease is held: the notifier."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How a correlator works. *holder* names this process; *targets* is the number of notification URLs.

    *occasions* are what is notified; times are in milliseconds.
    """

    holder: str
    is_dead: Callable[[str], bool]
    poll_ms: int
    keep_ms: int
    targets: int
    settle_ms: int
    occasions: frozenset[str]


class Correlator:
    """The loop. *now* gives the time in epoch milliseconds."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        rules: Rules,
        diagnosing: Diagnosing,
        terms: Terms,
        *,
        now: Callable[[], int],
        beside: Beside | None = None,
    ) -> None:
        self._journal, self._store, self._rules = journal, store, rules
        self._diagnosing, self._terms, self._now, self._beside = diagnosing, terms, now, beside
        self._state: State | None = None
        self._limit = _FEWEST
        self._held_until = 0
        self._pruned_at = 0

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set, then give the lease back. A database out of reach is waited for."""
        retry = _RETRY_SEC
        while not stop.is_set():
            try:
                busy = self.step()
                retry = _RETRY_SEC
            except LeaseLostError as error:
                log.warning("lease lost", extra={"event": {"reason": error.message}})
                self._let_go()
                busy = False
            except RcaError as error:
                log.warning("waiting for the database", extra={"event": {"reason": error.message}})
                self._let_go()
                stop.wait(retry)
                retry = min(2 * retry, _LONGEST_RETRY_SEC)
                continue
            if not busy:
                stop.wait(self._terms.poll_ms / 1000 if self._state else _RETRY_SEC)
        self.close()

    def step(self) -> bool:
        """Take the lease if need be and do what there is to do; False when there was nothing."""
        now = self._now()
        state = self._state or self._take_up(now)
        if state is None:
            return False
        if self._held_until - now < LEASE_MS / 2 and not self._renew(now):
            raise LeaseLostError("another correlator has taken over")
        if now - self._pruned_at > _PRUNE_MS:
            self._prune(state, now)
        began = time.perf_counter()
        entries = self._journal.read(state.seq, limit=self._limit)
        if not entries and now < state.look_at and not self._diagnosing.waiting:
            return False
        return self._fold(state, entries, now, began)

    def close(self) -> None:
        """Let go of everything, so that another one can go on at once."""
        held = self._state is not None
        self._let_go()
        if held:
            try:
                self._store.release(self._terms.holder)
            except RcaError as error:
                log.warning("the lease runs out by itself", extra={"event": {"reason": error.message}})

    def _fold(self, state: State, entries: Sequence[Entry], now: int, began: float) -> bool:
        ids = unsure(state, entries, self._rules)
        known = frozenset(self._store.known_alerts(ids)) if ids else frozenset()
        folded, changes = fold(state, entries, self._rules, now=now, known=known)
        self._diagnosing.note(changes)
        took = time.perf_counter() - began
        full = changes.events >= self._limit / 2
        seconds = took * _DIAGNOSE_BUSY if full else _DIAGNOSE_SEC
        made = self._diagnosing.make(folded, now=now, seconds=seconds)
        moved = folded.seq != state.seq
        if moved or any(changes) or any(made):
            self._apply(changes, made, after=state.seq, upto=folded.seq, now=now)
        self._state = folded
        if full:
            self._adapt(time.perf_counter() - began)
        return bool(entries) or any(made)

    def _apply(self, changes: Changes, made: Made, *, after: int, upto: int, now: int) -> None:
        terms = self._terms
        notices = (*changes.notices, *made.notices)
        told = changes._replace(
            happenings=(*changes.happenings, *made.happenings),
            notices=tuple(notice for notice in notices if notice.occasion in terms.occasions),
        )
        self._store.apply(
            told,
            made.diagnoses,
            after=after,
            upto=upto,
            now=now,
            holder=terms.holder,
            ttl_ms=LEASE_MS,
            targets=terms.targets,
            settle_ms=terms.settle_ms,
        )
        self._held_until = now + LEASE_MS
        self._diagnosing.stored(changes)

    def _take_up(self, now: int) -> State | None:
        """Take the lease and what is stored; None when another one has it."""
        if not self._renew(now):
            return None
        stored = self._store.load()
        self._diagnosing.resume(stored)
        self._state = state = restore(stored, self._rules)
        log.info("correlating", extra={"event": {"after": state.seq, "incidents": len(stored.incidents)}})
        if self._beside is not None:
            self._beside.start()
        return state

    def _prune(self, state: State, now: int) -> None:
        """Throw away what is old."""
        self._pruned_at = now
        before = now - self._terms.keep_ms
        gone = {"incidents": self._store.prune(before), "rows": self._journal.prune(before, state.seq)}
        if any(gone.values()):
            log.info("pruned", extra={"event": gone})

    def _renew(self, now: int) -> bool:
        terms = self._terms
        if not self._store.take_lease(terms.holder, now=now, ttl_ms=LEASE_MS, is_dead=terms.is_dead):
            return False
        self._held_until = now + LEASE_MS
        return True

    def _let_go(self) -> None:
        if self._state is not None and self._beside is not None:
            self._beside.stop()
        self._state = None

    def _adapt(self, took: float) -> None:
        if took < _SHORT_SEC:
            self._limit = min(2 * self._limit, _MOST)
        elif took > _LONG_SEC:
            self._limit = max(self._limit // 2, _FEWEST)
