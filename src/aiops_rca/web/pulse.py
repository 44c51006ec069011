"""How the stream is doing: journal and correlator, looked up at most once a second for whoever asks.

Feeds `/readyz` and the gauges of `/metrics`. A part that cannot be read is None and says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple, Protocol

from starlette.concurrency import run_in_threadpool

from aiops_rca.domain.errors import RcaError
from aiops_rca.live.rows import Lag, QuarantineCount, Standing
from aiops_rca.web.serving import Check

_FRESH_SEC = 1.0


class Journal(Protocol):
    """The journal's figures; see `adapters.store.journal.Journal`. Raises RcaError "full"."""

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


class Writer(Protocol):
    """What appends to the journal; see `adapters.store.committer.Committer`."""

    @property
    def fault(self) -> str | None:
        """Why the last commit failed; None when it worked."""
        ...


class Vitals(NamedTuple):
    """One look at the stream at *now*, epoch milliseconds. *reasons* say why a part is None."""

    now: int
    standing: Standing | None
    lag: Lag | None
    quarantine: QuarantineCount | None
    reasons: tuple[str, ...]


class Pulse:
    """Takes the vitals. *record* is told of each look."""

    def __init__(
        self,
        journal: Journal,
        progress: Progress,
        writer: Writer,
        *,
        now: Callable[[], int],
        record: Callable[[Vitals], None],
        fresh_sec: float = _FRESH_SEC,
    ) -> None:
        self._journal, self._progress, self._writer = journal, progress, writer
        self._now, self._record, self._fresh_sec = now, record, fresh_sec
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
            vitals = await run_in_threadpool(self._look)
            self._taken = (monotonic(), vitals)
            self._record(vitals)
            return vitals

    async def checks(self) -> dict[str, Check]:
        """The readiness checks `journal` and `correlator`; the second one only informs."""
        vitals = await self.take()
        return {"journal": _journal(vitals, self._writer.fault), "correlator": _correlator(vitals)}

    def _look(self) -> Vitals:
        reasons: list[str] = []

        def tried[T](look: Callable[[], T]) -> T | None: ...

        return Vitals(self._now(), None, None, None, tuple(reasons))
