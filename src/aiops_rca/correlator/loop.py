"""Drains the journal: read, fold, diagnose what changed, and store all of it with the new offset at once.

What is stored is the truth: after any failure the loop goes on from there, so a crash at any point loses
nothing and repeats nothing. One loop at a time: it works only while it holds the lease.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import NotSupportedError, OperationalError, ProgrammingError

from aiops_rca.correlator.diagnosing import Diagnosing, Made
from aiops_rca.correlator.digesting import Digest, Digestion, IndigestibleError, foreseeing
from aiops_rca.correlator.parts import Beside, Journal, Store
from aiops_rca.domain.errors import LeaseLostError, RcaError
from aiops_rca.live.entry import Entry
from aiops_rca.live.faults import misplaced
from aiops_rca.live.fold import restore
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
_NO_ENTRYS_FAULT = (NotSupportedError, OperationalError, ProgrammingError)  # tables or statements are wrong


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


class MisplacedError(RcaError):
    """The incidents were made from entries that the journal does not have: another one, or an older copy."""


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
        self._digestion = Digestion(rules, store.known_alerts)
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
            except MisplacedError as error:
                log.error("not folding", extra={"event": {"reason": error.message}})  # noqa: TRY400 - no fault of ours
                self._let_go()
                stop.wait(_LONGEST_RETRY_SEC)
                continue
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
        if self._state is not None and now >= self._held_until:
            self._let_go()  # another one may have held the lease, and moved on, in between
        state = self._state or self._take_up(now)
        if state is None:
            return False
        if self._held_until - now < LEASE_MS / 2:
            if not self._renew(now):
                raise LeaseLostError("another correlator has taken over")
            self._check_place(state.seq)
        if now - self._pruned_at > _PRUNE_MS:
            self._prune(state, now)
        began = time.perf_counter()
        entries = self._journal.read(state.seq, limit=self._limit)
        if not entries and now < state.look_at and not self._diagnosing.has_work(now):
            return False
        return self._fold(state, entries, now, began)

    def close(self) -> None:
        """Let go of everything, so that another one can go on at once."""
        self._let_go()
        self._diagnosing.close()
        if self._held_until:
            try:
                self._store.release(self._terms.holder)
            except RcaError as error:
                log.warning("the lease runs out by itself", extra={"event": {"reason": error.message}})

    def _fold(self, state: State, entries: Sequence[Entry], now: int, began: float) -> bool:
        digest = self._digestion.digest(state, entries, now=now)
        folded, changes = digest.state, digest.changes
        self._diagnosing.note(changes)
        took = time.perf_counter() - began
        full = changes.events >= self._limit / 2
        seconds = took * _DIAGNOSE_BUSY if full else _DIAGNOSE_SEC
        made = self._diagnosing.make(folded, now=now, seconds=seconds)
        if folded.seq != state.seq or any(changes) or any(made):
            self._refuse(digest)
            if not self._kept(digest, made, after=state.seq, now=now):
                return True
        self._state = folded
        if full:
            self._adapt(time.perf_counter() - began)
        return bool(entries) or any(made)

    def _refuse(self, digest: Digest) -> None:
        """Put into quarantine what was left out, before the offset moves past it; but only once."""
        for refused in digest.refused:
            before = self._journal.quarantine(None, 1)  # a crash in between would have left it there
            if not any((piece.field, piece.reason) == (refused.field, refused.reason) for piece in before):
                self._journal.append((), [refused])

    def _kept(self, digest: Digest, made: Made, *, after: int, now: int) -> bool:
        """Store all of it; False when it could not be, for an entry at fault: begin again from what is."""
        try:
            with foreseeing(RcaError, *_NO_ENTRYS_FAULT):
                self._apply(digest, made, after=after, now=now)
        except IndigestibleError as error:
            self._digestion.blame(digest, error)
            self._let_go()
            return False
        return True

    def _apply(self, digest: Digest, made: Made, *, after: int, now: int) -> None:
        terms, changes = self._terms, digest.changes
        notices = (*changes.notices, *made.notices)
        told = changes._replace(
            happenings=(*changes.happenings, *made.happenings),
            notices=tuple(notice for notice in notices if notice.occasion in terms.occasions),
        )
        self._store.apply(
            told,
            made.diagnoses,
            after=after,
            upto=digest.state.seq,
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
        self._check_place(stored.seq)
        self._diagnosing.resume(stored)
        self._state = state = restore(stored, self._rules)
        log.info("correlating", extra={"event": {"after": state.seq, "incidents": len(stored.incidents)}})
        if self._beside is not None:
            self._beside.start()
        return state

    def _check_place(self, seq: int) -> None:
        """Raise MisplacedError when the journal ends before *seq*: what comes next would be skipped."""
        wrong = misplaced(seq, self._journal.head().seq)
        if wrong is not None:
            raise MisplacedError(wrong, code="not_ready")

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
        self._diagnosing.let_go()
        self._state = None

    def _adapt(self, took: float) -> None:
        if took < _SHORT_SEC:
            self._limit = min(2 * self._limit, _MOST)
        elif took > _LONG_SEC:
            self._limit = max(self._limit // 2, _FEWEST)
