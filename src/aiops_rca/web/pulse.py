"""How the stream is doing: journal and correlator, looked up at most once a second for whoever asks.

Feeds `/readyz` and the gauges of `/metrics`. A part that cannot be read is None and says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import NamedTuple, Protocol, TypeVar

from starlette.concurrency import run_in_threadpool

from aiops_rca.domain.errors import RcaError
from aiops_rca.live.faults import misplaced
from aiops_rca.live.rows import Head, Lag, QuarantineCount, Standing
from aiops_rca.web.serving import Check
from aiops_rca.web.webhooks import Appender

_FRESH_SEC = 1.0
_REMEMBER_SEC = 5.0  # a full disk shows only to who writes: who is not ready is not asked to
_LEADERLESS_SEC = 5.0  # from one correlator to the next

T = TypeVar("T")


class Journal(Protocol):
    """The journal's figures; see `adapters.store.journal.Journal`. Raises RcaError "full"."""

    def head(self) -> Head:
        """Where the journal ends; cheap."""
        ...

    def behind(self, seq: int) -> Lag:
        """What a reader that has reached *seq* has before it; cheap."""
        ...

    def quarantine_count(self) -> QuarantineCount:
        """How much lies in quarantine; cheap."""
        ...


class Progress(Protocol):
    """The correlator's figures; see `adapters.store.reading.IncidentReader`. Raises RcaError "full"."""

    def standing(self) -> Standing:
        """How far the journal is folded, and what there is; cheap."""
        ...


class Writer(Appender, Protocol):
    """What appends to the journal; see `adapters.store.committer.Committer`."""

    @property
    def fault(self) -> str | None:
        """Why the last commit failed; None when it worked."""
        ...


class Vitals(NamedTuple):
    """One look at the stream at *now*, epoch milliseconds. *reasons* say why a part is None.

    *trouble* says why nothing is folded, as far as is known.
    """

    now: int
    standing: Standing | None
    lag: Lag | None
    quarantine: QuarantineCount | None
    reasons: tuple[str, ...]
    trouble: str | None = None


class Pulse:
    """Takes the vitals. *record* is told of each look; *child_gone* whether a correlator of ours is away."""

    def __init__(
        self,
        journal: Journal,
        progress: Progress,
        writer: Writer,
        *,
        now: Callable[[], int],
        record: Callable[[Vitals], None],
        fresh_sec: float = _FRESH_SEC,
        remember_sec: float = _REMEMBER_SEC,
        leaderless_sec: float = _LEADERLESS_SEC,
        child_gone: Callable[[], bool] = lambda: False,
    ) -> None:
        self._journal, self._progress, self._writer = journal, progress, writer
        self._now, self._record = now, record
        self._fresh_sec, self._remember_sec = fresh_sec, remember_sec
        self._leaderless_sec, self._child_gone = leaderless_sec, child_gone
        self._leaderless_since: float | None = None
        self._failed: tuple[float, str] | None = None
        self._taken: tuple[float, Vitals] | None = None
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Bring the gauges up to date."""
        await self.take()

    async def take(self) -> Vitals:
        """The vitals, not older than a second."""
        async with self._lock:
            if self._taken is not None and monotonic() - self._taken[0] < self._fresh_sec:
                return self._taken[1]
            await self._try_again()
            vitals = await run_in_threadpool(self._look)
            self._taken = (monotonic(), vitals)
            self._record(vitals)
            return vitals

    async def checks(self) -> dict[str, Check]:
        """The readiness checks `journal` and `correlator`; the second one only informs."""
        vitals = await self.take()
        return {"journal": _journal(vitals, self._fault()), "correlator": _correlator(vitals)}

    async def _try_again(self) -> None:
        """After a failure commit nothing: who is not ready gets no webhooks that show it works again."""
        fault = self._writer.fault
        if fault is not None:
            self._failed = (monotonic(), fault)
            with suppress(RcaError):
                await self._writer.append(())

    def _fault(self) -> str | None:
        """Why a commit failed just now, or lately."""
        if self._failed is not None and monotonic() - self._failed[0] < self._remember_sec:
            return self._failed[1]
        return self._writer.fault

    def _look(self) -> Vitals:
        reasons: list[str] = []
        standing = _tried(self._progress.standing, reasons)
        lag = _tried(lambda: self._journal.behind(standing.seq), reasons) if standing else None
        head = _tried(self._journal.head, reasons)
        quarantine = _tried(self._journal.quarantine_count, reasons)
        now = self._now()
        trouble = self._trouble(standing, head, now) if standing else None
        return Vitals(now, standing, lag, quarantine, tuple(reasons), trouble)

    def _trouble(self, standing: Standing, head: Head | None, now: int) -> str | None:
        """Why nothing is folded: for some seconds that nobody leads may be, one comes after another."""
        wrong = misplaced(standing.seq, head.seq) if head else None
        leaderless = self._leaderless(standing, now)
        if wrong is not None:
            return wrong
        if self._child_gone():
            return "the correlator has ended and is to be started again; the log says why"
        if leaderless > self._leaderless_sec:
            return f"nobody folds for {leaderless:.0f} s: no correlator runs, or it hangs; its log says more"
        return None

    def _leaderless(self, standing: Standing, now: int) -> float:
        """For how many seconds nobody has led, as far as is seen from here."""
        if _held(standing, now):
            self._leaderless_since = None
            return 0.0
        if self._leaderless_since is None:
            self._leaderless_since = monotonic()
        over = (now - standing.lease_until) / 1000 if standing.lease_until else 0.0  # 0: given back
        return max(over, monotonic() - self._leaderless_since)


def seconds_behind(vitals: Vitals) -> float:
    """How long ago the oldest event that is not yet folded was received."""
    oldest = vitals.lag.oldest_received_at if vitals.lag else None
    return 0.0 if oldest is None else max(vitals.now - oldest, 0) / 1000


def _journal(vitals: Vitals, fault: str | None) -> Check:
    if fault is not None:
        return Check(ok=False, detail=fault)
    if vitals.quarantine is None:
        return Check(ok=False, detail="; ".join(vitals.reasons))
    return Check(ok=True, detail=f"writable; {vitals.quarantine.entries} in quarantine")


def _correlator(vitals: Vitals) -> Check:
    standing, lag = vitals.standing, vitals.lag
    if standing is None or lag is None:
        return Check(ok=True, detail="unknown: " + "; ".join(vitals.reasons))
    if vitals.trouble is not None:
        behind = f"; {lag.alerts} alerts behind" if lag.alerts else ""
        return Check(ok=False, detail=vitals.trouble + behind, needed=False)
    who = f"held by {standing.holder}" if _held(standing, vitals.now) else "nobody holds the lease"
    return Check(ok=True, detail=f"{lag.alerts} alerts, {seconds_behind(vitals):.1f} s behind; {who}")


def _held(standing: Standing, now: int) -> bool:
    return bool(standing.holder) and standing.lease_until > now


def _tried(look: Callable[[], T], reasons: list[str]) -> T | None:
    try:
        return look()
    except RcaError as error:
        reasons.append(error.message)
        return None
