"""Group commit: who was told "kept" is on disk, who was told "full" is not, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from aiops_rca.adapters.store import Committer, places
from aiops_rca.adapters.store.committer import Appends
from aiops_rca.domain.errors import RcaError
from aiops_rca.live.rows import Draft, QuarantineCount, Refused
from stored import Database, draft, opened, refused


class Gate:
    """A journal behind a gate: a commit waits until it opens; *fails* raises what it is given."""

    def __init__(self, behind: Appends | None = None, *, fails: Sequence[Exception | None] = ()) -> None:
        self.open = threading.Event()
        self.commits: list[int] = []
        self._behind, self._fails = behind, list(fails)

    def append(self, drafts: Sequence[Draft], refused: Sequence[Refused]) -> int:
        """Wait for the gate, then fail or let the journal keep it."""
        self.commits.append(len(drafts) + len(refused))
        assert self.open.wait(20)
        if self._fails and (error := self._fails.pop(0)):
            raise error
        return self._behind.append(drafts, refused) if self._behind else len(self.commits)


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run one story in an event loop of its own; it must not hang."""

    async def bounded() -> None:
        await asyncio.wait_for(asyncio.ensure_future(story()), 30)

    asyncio.run(bounded())


async def begun(committer: Committer, *batches: Sequence[Draft]) -> list[asyncio.Task[int]]:
    """A task for each append, all of them under way."""
    tasks = [asyncio.create_task(committer.append(batch)) for batch in batches]
    await asyncio.sleep(0.05)
    return tasks


def test_an_append_returns_when_it_is_on_disk(database: Database) -> None:
    """What another connection reads then is there."""

    async def story() -> None:
        committer = Committer(database.journal, max_pending_alerts=100)
        seq = await committer.append([draft(1), draft(2)], [refused()])

        assert (seq, database.journal.head().seq) == (2, 2)
        assert database.journal.quarantine_count() == QuarantineCount(1, 0)
        await committer.close()

    run(story)


def test_those_who_come_during_a_commit_share_the_next(sqlite: Database) -> None:
    """64 callers at once take two transactions, not 64."""

    async def story() -> None:
        gate = Gate(sqlite.journal)
        committer = Committer(gate, max_pending_alerts=1000)
        tasks = await begun(committer, *([draft(n)] for n in range(64)))
        gate.open.set()
        await asyncio.gather(*tasks)

        assert gate.commits == [1, 63]
        assert {entry.payload for entry in sqlite.journal.read(0, limit=99)} == {
            draft(n).payload for n in range(64)
        }
        await committer.close()

    run(story)


def test_the_number_is_not_below_its_own(database: Database) -> None:
    """A caller that waits until its number is folded has its own drafts folded."""

    async def story() -> None:
        committer = Committer(database.journal, max_pending_alerts=1000)
        told = dict(enumerate(await asyncio.gather(*(committer.append([draft(n)]) for n in range(50)))))
        found = {int(e.payload[:8]): e.seq for e in database.journal.read(0, limit=99)}

        assert [n for n in range(50) if told[n] < found[n]] == []
        await committer.close()

    run(story)


def test_too_much_that_waits_is_refused_at_once() -> None:
    """Above the limit the answer is "full", without waiting; what was admitted is kept."""

    async def story() -> None:
        gate = Gate()
        committer = Committer(gate, max_pending_alerts=10)
        tasks = await begun(committer, [draft(alerts=6)], [draft(alerts=4)])
        with pytest.raises(RcaError, match="too many") as caught:
            await committer.append([draft(alerts=1)])
        pending = committer.pending
        gate.open.set()
        await asyncio.gather(*tasks)

        assert (caught.value.code, pending, committer.pending) == ("full", 10, 0)
        await committer.close()

    run(story)


def test_one_body_above_the_limit_goes_in_alone() -> None:
    """Otherwise it could never go in at all."""

    async def story() -> None:
        gate = Gate()
        gate.open.set()
        committer = Committer(gate, max_pending_alerts=10)

        assert await committer.append([draft(alerts=500)]) == 1
        await committer.close()

    run(story)


def test_one_failed_transaction_does_not_cost_the_next() -> None:
    """Everybody in the failed one is told so; those who wait for the next one are kept."""

    async def story() -> None:
        gate = Gate(fails=[RcaError("no room", code="full")])
        committer = Committer(gate, max_pending_alerts=100)
        tasks = await begun(committer, [draft()], [draft()], [draft()])
        gate.open.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)

        assert [getattr(answer, "code", answer) for answer in answers] == ["full", 2, 2]
        assert (committer.pending, committer.fault) == (0, None)
        await committer.close()

    run(story)


@pytest.mark.parametrize(
    ("error", "fault"),
    [(RcaError("no room", code="full"), "no room"), (ZeroDivisionError(), "ZeroDivisionError")],
)
def test_a_failure_is_shown_until_a_commit_works(error: Exception, fault: str) -> None:
    """The fault is the last commit's; whatever was raised reaches the caller, who is not left waiting."""

    async def story() -> None:
        gate = Gate(fails=[error])
        gate.open.set()
        committer = Committer(gate, max_pending_alerts=100)
        with pytest.raises(type(error)):
            await committer.append([draft()])
        shown = committer.fault
        await committer.append([draft()])

        assert (shown, committer.fault) == (fault, None)
        await committer.close()

    run(story)


def test_a_full_journal_keeps_nothing_of_a_batch(tmp_path: Path) -> None:
    """On a real quota: acknowledged and kept are the same set."""
    database = opened(places(None, tmp_path), max_bytes=400_000)

    async def story() -> None:
        committer = Committer(database.journal, max_pending_alerts=1000)
        answers = await asyncio.gather(*(append_all(committer, start) for start in range(0, 200, 50)))
        acknowledged = {number for answer in answers for number in answer}
        kept = {int(entry.payload[:8]) for entry in database.journal.read(0, limit=10_000)}

        assert acknowledged == kept
        assert 0 < len(kept) < 200
        assert committer.fault is not None
        await committer.close()

    run(story)
    database.close()


async def append_all(committer: Committer, start: int) -> list[int]:
    """Append 50 drafts one after the other; return those that were acknowledged."""
    acknowledged = []
    for number in range(start, start + 50):
        try:
            await committer.append([draft(number, size=5000)])
        except RcaError:
            continue
        acknowledged.append(number)
    return acknowledged


def test_a_caller_that_is_gone_does_not_hurt_the_others(sqlite: Database) -> None:
    """Its drafts may be kept; everybody else gets an answer."""

    async def story() -> None:
        gate = Gate(sqlite.journal)
        committer = Committer(gate, max_pending_alerts=100)
        first, second, third = await begun(committer, [draft(1)], [draft(2)], [draft(3)])
        first.cancel()
        second.cancel()
        await asyncio.sleep(0)
        gate.open.set()

        assert await third == 3
        assert (committer.pending, first.cancelled(), second.cancelled()) == (0, True, True)
        assert len(sqlite.journal.read(0, limit=9)) == 3
        await committer.close()

    run(story)


def test_closing_waits_for_what_was_admitted(sqlite: Database) -> None:
    """Everything under way is answered; what comes after is refused."""

    async def story() -> None:
        gate = Gate(sqlite.journal)
        committer = Committer(gate, max_pending_alerts=100)
        tasks = await begun(committer, [draft(1)], [draft(2)])
        closing = asyncio.create_task(committer.close())
        await asyncio.sleep(0.01)
        with pytest.raises(RcaError, match="stopping"):
            await committer.append([draft(3)])
        gate.open.set()
        await closing

        assert [await task for task in tasks] == [1, 2]

    run(story)


def test_commits_are_measured(sqlite: Database) -> None:
    """Seconds and alerts of each commit that worked are told."""
    seen: list[tuple[float, int]] = []

    async def story() -> None:
        gate = Gate(sqlite.journal, fails=[RcaError("no room", code="full"), None])
        gate.open.set()
        committer = Committer(gate, max_pending_alerts=100, observe=lambda *commit: seen.append(commit))
        with pytest.raises(RcaError):
            await committer.append([draft(alerts=3)])
        await committer.append([draft(alerts=25)], [refused()])
        await committer.close()

    run(story)
    ((took, alerts),) = seen

    assert (took > 0, alerts) == (True, 26)
