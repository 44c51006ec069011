"""Equal questions share one call and one answer; those who wait may leave; calls at once are bounded."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest

from aiops_rca.adapters.llm.answers import Answers
from aiops_rca.enrich.asking import BUSY, PARSE_ERROR, SERVER, TIMEOUT, NotAskedError, Reply, StepError
from asked import ANSWERED, TOKENS, USD_PER_TOKEN, Clock, Desk, desk
from provider import Provider, Step, err, hang, ok, refusal


def test_fifty_equal_questions_at_once_are_one_call() -> None:
    """One request goes out, all get its answer, and its tokens are counted once."""

    async def run(url: str) -> tuple[list[str], Desk, int]:
        async with desk(url) as at:
            replies = await asyncio.gather(*(at.reply() for _ in range(50)))
            return [reply.text for reply in replies], at, replies[0].usage.total

    with Provider() as fake:
        fake.default = hang(0.1)
        texts, at, tokens = asyncio.run(run(fake.url))

    assert len(fake.requests) == 1
    assert len(set(texts)) == 1
    assert at.figure("cache_hits_total", kind="shared") == 49
    assert sum(at.figure("tokens_total", type=kind) for kind in ("input", "output")) == tokens
    assert at.figure("cost_usd_total") == pytest.approx(tokens * USD_PER_TOKEN)


def test_an_answer_is_used_again_for_an_hour() -> None:
    """Within the configured time the same question costs nothing; after it, it is asked anew."""
    clock = Clock()

    async def run(url: str) -> Desk:
        async with desk(url, clock=clock, cache_sec=3600) as at:
            for later in (0, 3599, 2):
                clock.seconds += later
                assert await at.ask() == ANSWERED
            return at

    with Provider() as fake:
        at = asyncio.run(run(fake.url))

    assert len(fake.requests) == 2
    assert at.figure("cache_hits_total", kind="stored") == 1


@pytest.mark.parametrize("off", [{"cache_sec": 0}, {"cache_entries": 0}])
def test_keeping_answers_can_be_switched_off(off: dict[str, Any]) -> None:
    """With 0 seconds or 0 entries each question is asked."""

    async def run(url: str) -> list[str]:
        async with desk(url, **off) as at:
            return [await at.ask(), await at.ask()]

    with Provider() as fake:
        assert asyncio.run(run(fake.url)) == [ANSWERED, ANSWERED]

    assert len(fake.requests) == 2


def test_only_so_many_answers_are_kept() -> None:
    """One more than fits makes the oldest a question again."""

    async def run(url: str) -> None:
        async with desk(url, cache_entries=2) as at:
            for about in ("one", "two", "three", "three", "one"):
                await at.ask(about)

    with Provider() as fake:
        asyncio.run(run(fake.url))

    assert len(fake.requests) == 4


@pytest.mark.parametrize(
    ("step", "reason"), [(err(500, {"x-should-retry": "false"}), SERVER), (refusal(), PARSE_ERROR)]
)
def test_a_failure_is_shared_but_not_kept(step: Step, reason: str) -> None:
    """All who wait are told the same, each by an error of its own; the next one asks anew."""

    async def run(url: str) -> list[BaseException]:
        async with desk(url) as at:
            errors = await asyncio.gather(*(at.reply() for _ in range(3)), return_exceptions=True)
            assert await at.ask() == ANSWERED
            return [error for error in errors if isinstance(error, StepError)]

    with Provider() as fake:
        fake.script(step)
        errors = asyncio.run(run(fake.url))

    assert [error.reason for error in errors if isinstance(error, StepError)] == [reason] * 3
    assert len({id(error) for error in errors}) == 3
    assert len(fake.requests) == 2


def test_waiters_who_are_cancelled_leave_the_call_to_the_others() -> None:
    """Nine of ten are cancelled, the first asker among them; the tenth gets the answer of the one call."""

    async def run(fake: Provider) -> str:
        async with desk(fake.url) as at:
            tasks = [asyncio.create_task(at.ask()) for _ in range(10)]
            await asyncio.to_thread(fake.wait, 1)
            for task in tasks[:9]:
                task.cancel()
            return await tasks[9]

    with Provider() as fake:
        fake.default = hang(0.2)
        assert asyncio.run(run(fake)) == ANSWERED

    assert [asked.disconnected for asked in fake.requests] == [False]


def test_the_last_waiter_takes_the_call_along() -> None:
    """When nobody waits any more the connection is closed; the next one asks anew, and at once."""

    async def run(fake: Provider) -> tuple[int, str, Desk]:
        async with desk(fake.url, max_in_flight=1) as at:
            tasks = [asyncio.create_task(at.ask()) for _ in range(3)]
            await asyncio.to_thread(fake.wait, 1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            gone = await asyncio.to_thread(fake.wait_gone)
            return gone, await at.ask(), at

    with Provider() as fake:
        fake.script(hang())
        gone, reason, at = asyncio.run(run(fake))

    assert (gone, reason, len(fake.requests)) == (1, ANSWERED, 2)
    assert at.figure("breaker_state", process="worker") == 0


def test_who_asks_just_after_the_last_one_left_starts_anew() -> None:
    """A call that is being ended takes no more waiters."""

    async def run(fake: Provider) -> str:
        async with desk(fake.url) as at:
            last = asyncio.create_task(at.ask())
            await asyncio.to_thread(fake.wait, 1)
            last.cancel()
            return await asyncio.create_task(at.ask())

    with Provider() as fake:
        fake.script(hang())
        assert asyncio.run(run(fake)) == ANSWERED

    assert len(fake.requests) == 2


def test_a_failure_that_nobody_waits_for_any_more_is_no_fault() -> None:
    """A waiter that is cancelled in the moment of the failure leaves no unheard exception behind."""
    unheard: list[dict[str, Any]] = []

    async def fail() -> Reply:
        raise StepError(SERVER, "503")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: unheard.append(context))
        flight = Answers(1, 1).start("key", fail(), deadline=loop.time() + 1)
        waiter = asyncio.create_task(flight.wait(loop.time() + 1))
        await asyncio.sleep(0)
        flight.task.add_done_callback(lambda _: waiter.cancel())
        await asyncio.gather(waiter, return_exceptions=True)
        assert waiter.cancelled()

    asyncio.run(run())
    gc.collect()

    assert unheard == []


def test_a_waiter_has_a_deadline_of_its_own() -> None:
    """One with less time than the call leaves in time, alone."""

    async def run(fake: Provider) -> list[str]:
        async with desk(fake.url) as at:
            first = asyncio.create_task(at.ask())
            await asyncio.to_thread(fake.wait, 1)
            return [await at.ask(seconds=0.05), await first]

    with Provider() as fake:
        fake.default = hang(0.25)
        assert asyncio.run(run(fake)) == [TIMEOUT, ANSWERED]

    assert len(fake.requests) == 1


def test_calls_at_once_are_bounded() -> None:
    """No more than the configured number is under way, and all are answered."""

    async def run(url: str) -> list[str]:
        async with desk(url, max_in_flight=2) as at:
            return await asyncio.gather(*(at.ask(f"storm {number}") for number in range(6)))

    with Provider() as fake:
        fake.default = hang(0.05)
        assert asyncio.run(run(fake.url)) == [ANSWERED] * 6

    assert fake.max_in_flight == 2


def test_who_gets_no_slot_in_time_is_told_so_and_nobody_is_blamed() -> None:
    """A question that waited in vain was never sent: it costs no budget and says nothing of the provider."""

    async def run(fake: Provider) -> tuple[str, Desk]:
        async with desk(fake.url, max_in_flight=1, timeout_s=1.0, calls_per_minute=2) as at:
            first = asyncio.create_task(at.ask("one"))
            await asyncio.to_thread(fake.wait, 1)
            with pytest.raises(NotAskedError, match="busy: too many other calls were under way"):
                await at.reply("two", seconds=0.35)
            assert await first == ANSWERED
            return await at.ask("three"), at

    with Provider() as fake:
        fake.default = hang(0.3)
        reason, at = asyncio.run(run(fake))

    assert (reason, len(fake.requests)) == (ANSWERED, 2)
    assert at.figure("requests_total") == 2


def test_nobody_waits_for_a_slot_until_it_is_too_late() -> None:
    """Behind calls that hang the next ones leave as soon as no answer could come in time any more."""

    async def run(fake: Provider) -> tuple[list[str], float]:
        async with desk(fake.url, max_in_flight=1, timeout_s=1.0) as at:
            first = asyncio.create_task(at.ask("one"))
            await asyncio.to_thread(fake.wait, 1)
            began = time.monotonic()
            reasons = await asyncio.gather(at.ask("two"), at.ask("three"))
            seconds = time.monotonic() - began
            return [*reasons, await first], seconds

    with Provider() as fake:
        fake.default = hang()
        reasons, seconds = asyncio.run(run(fake))

    assert reasons == [BUSY, BUSY, TIMEOUT]
    assert seconds == pytest.approx(0.7, abs=0.15)
    assert len(fake.requests) == 1


def test_the_queue_is_bounded() -> None:
    """Two wait for each call under way; the next one is turned away at once, and costs no budget."""

    async def run(fake: Provider) -> tuple[list[str], float]:
        async with desk(fake.url, max_in_flight=1, calls_per_minute=4) as at:
            first = [asyncio.create_task(at.ask(f"storm {number}")) for number in range(3)]
            await asyncio.to_thread(fake.wait, 1)
            began = time.monotonic()
            with pytest.raises(NotAskedError, match="busy: too many other calls wait already"):
                await at.reply("one more")
            seconds = time.monotonic() - began
            return [*await asyncio.gather(*first), await at.ask("later")], seconds

    with Provider() as fake:
        fake.default = hang(0.1)
        reasons, seconds = asyncio.run(run(fake))

    assert reasons == [ANSWERED] * 4
    assert seconds < 0.05


def test_sharers_of_one_question_are_bounded_too() -> None:
    """Sixteen wait for each call at once, whatever they ask; a kept answer is still there for all."""

    async def run(fake: Provider) -> tuple[list[str], str, str]:
        async with desk(fake.url, max_in_flight=1) as at:
            assert await at.ask("kept") == ANSWERED
            waiting = [asyncio.create_task(at.ask()) for _ in range(20)]
            await asyncio.to_thread(fake.wait, 2)
            kept = await at.ask("kept")
            seen = await asyncio.gather(*waiting)
            return seen, kept, await at.ask()

    with Provider() as fake:
        fake.script(ok(), hang(0.1))
        seen, kept, after = asyncio.run(run(fake))

    assert seen == [ANSWERED] * 16 + [BUSY] * 4
    assert (kept, after) == (ANSWERED, ANSWERED)


def test_a_late_sharer_asks_once_more() -> None:
    """One with plenty of time does not fail with the first asker, who had little: it asks by itself."""

    async def run(fake: Provider) -> tuple[list[str], Desk]:
        async with desk(fake.url, timeout_s=1.0) as at:
            first = asyncio.create_task(at.ask(seconds=0.35))
            await asyncio.to_thread(fake.wait, 1)
            late = [asyncio.create_task(at.ask(seconds=2.0)) for _ in range(5)]
            return [await first, *await asyncio.gather(*late)], at

    with Provider() as fake:
        fake.script(hang())
        seen, at = asyncio.run(run(fake))

    assert seen == [TIMEOUT] + [ANSWERED] * 5
    assert len(fake.requests) == 2
    assert at.figure("cache_hits_total", kind="shared") == 4


def test_closing_ends_what_is_under_way() -> None:
    """Who still waits is told so, and the connection is closed."""

    async def run(fake: Provider) -> str:
        async with desk(fake.url) as at:
            task = asyncio.create_task(at.ask())
            await asyncio.to_thread(fake.wait, 1)
        return await task

    with Provider() as fake:
        fake.default = hang()
        assert asyncio.run(run(fake)) == TIMEOUT
        assert fake.wait_gone() == 1


def test_a_question_that_is_cancelled_before_it_went_out_costs_nothing() -> None:
    """Cancelled in the queue, it gives its place in the budget back."""

    async def run(fake: Provider) -> str:
        async with desk(fake.url, max_in_flight=1, tokens_per_minute=2 * TOKENS) as at:
            first = asyncio.create_task(at.ask("one"))
            await asyncio.to_thread(fake.wait, 1)
            second = asyncio.create_task(at.ask("two"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
            third = asyncio.create_task(at.ask("three"))
            return f"{await first} {await third}"

    with Provider() as fake:
        fake.script(hang(0.1, then=ok("short")))
        assert asyncio.run(run(fake)) == f"{ANSWERED} {ANSWERED}"
