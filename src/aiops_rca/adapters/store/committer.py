"""Group commit: everything that waits goes into the journal in one transaction, one after the other.

`append` returns when its drafts are on disk and raises RcaError "full" when they are not: never both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import NamedTuple, Protocol

from aiops_rca.domain.errors import RcaError
from aiops_rca.live.rows import Draft, Refused

Observer = Callable[[float, int], None]


class Appends(Protocol):
    """What keeps drafts on disk: the journal."""

    def append(self, drafts: Sequence[Draft], refused: Sequence[Refused]) -> int:
        """Keep everything or nothing; return the highest number."""
        ...


class _Ticket(NamedTuple):
    drafts: Sequence[Draft]
    refused: Sequence[Refused]
    alerts: int
    kept: asyncio.Future[int]


class _Commit(NamedTuple):
    """The number a transaction reached, and the seconds it took."""

    seq: int
    took: float


class Committer:
    """Gathers what requests append at once; lives in one event loop, and commits in one thread.

    *max_pending_alerts* bounds what may wait; *observe* is told the seconds and alerts of each commit.
    *fault* says why the last commit failed, and is None once one has worked again.
    """

    def __init__(
        self, journal: Appends, *, max_pending_alerts: int, observe: Observer = lambda _took, _alerts: None
    ) -> None:
        self.fault: str | None = None
        self.pending = 0
        self._journal = journal
        self._limit = max_pending_alerts
        self._observe = observe
        self._waiting: list[_Ticket] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    async def append(self, drafts: Sequence[Draft], refused: Sequence[Refused] = ()) -> int:
        """Keep *drafts* and *refused*; return a number of the journal that is not below theirs.

        A caller that is cancelled while it waits does not stop its drafts from being kept.
        """
        alerts = sum(draft.alerts for draft in drafts) + len(refused)
        self._admit(alerts)
        ticket = _Ticket(drafts, refused, alerts, asyncio.get_running_loop().create_future())
        self.pending += alerts
        self._waiting.append(ticket)
        if self._idle.is_set():
            self._commit()
        return await ticket.kept

    async def close(self) -> None:
        """Refuse what comes from now on, and return when everything before is settled."""
        self._closed = True
        await self._idle.wait()
        self._thread.shutdown()

    def _admit(self, alerts: int) -> None:
        if self._closed:
            raise RcaError("the service is stopping", code="full")
        if self.pending and self.pending + alerts > self._limit:
            raise RcaError("too many alerts wait to be written", code="full")

    def _commit(self) -> None:
        tickets, self._waiting = self._waiting, []
        self._idle.clear()
        drafts = [draft for ticket in tickets for draft in ticket.drafts]
        refused = [piece for ticket in tickets for piece in ticket.refused]
        loop = asyncio.get_running_loop()
        commit = loop.run_in_executor(self._thread, self._timed, drafts, refused)
        commit.add_done_callback(partial(self._settle, tickets))

    def _timed(self, drafts: Sequence[Draft], refused: Sequence[Refused]) -> _Commit:
        started = perf_counter()
        seq = self._journal.append(drafts, refused)
        return _Commit(seq, perf_counter() - started)

    def _settle(self, tickets: Sequence[_Ticket], commit: asyncio.Future[_Commit]) -> None:
        """Tell every caller; the next transaction starts first, so that disk and loop work side by side."""
        if self._waiting:
            self._commit()
        else:
            self._idle.set()
        alerts = sum(ticket.alerts for ticket in tickets)
        self.pending -= alerts
        error = commit.exception()
        waiting = [ticket.kept for ticket in tickets if not ticket.kept.done()]  # done: cancelled
        if error is None:
            self._kept(waiting, commit.result(), alerts)
        else:
            self._failed(waiting, error)

    def _kept(self, waiting: Sequence[asyncio.Future[int]], commit: _Commit, alerts: int) -> None:
        self.fault = None
        for kept in waiting:
            kept.set_result(commit.seq)
        self._observe(commit.took, alerts)

    def _failed(self, waiting: Sequence[asyncio.Future[int]], error: BaseException) -> None:
        self.fault = error.message if isinstance(error, RcaError) else type(error).__name__
        for kept in waiting:
            kept.set_exception(error)
