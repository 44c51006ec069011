"""A provider that is down is asked once a minute and costs nobody any time; alone, and over real HTTP."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.adapters.llm.breaker import CLOSED, FAILURES, OPEN, PASS, PAUSE_SEC, PROBE, REFUSE, Breaker
from aiops_rca.enrich.asking import (
    AUTH,
    CALLS_MINUTE,
    CIRCUIT_OPEN,
    CLIENT_ERROR,
    PARSE_ERROR,
    RATE_LIMIT,
    SERVER,
    TIMEOUT,
    StepError,
)
from asked import ANSWERED, Clock, Desk, desk, question
from provider import Provider, Step, err, hang, html, ok, refusal, spend_limit

DOWN = err(503, {"x-should-retry": "false"})


async def probed(at: Desk) -> None:
    """Wait until no probe is under way."""
    if at.asker._probe is not None:
        await at.asker._probe


def opened(clock: Clock) -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker(lambda _: None, clock=clock)
    breaker.failed("5xx (503)", at_once=True)
    return breaker


def test_five_failures_in_a_row_open_it() -> None:
    """The fifth does; an answer in between starts the count anew."""
    breaker = Breaker(lambda _: None, clock=Clock())
    seen = []
    for good in [False] * 4 + [True] + [False] * 5:
        breaker.answered() if good else breaker.failed("5xx (500)")
        seen.append(breaker.admit())

    assert seen == [PASS] * 9 + [REFUSE]
    assert breaker.why == "5xx (500)"


def test_one_probe_a_minute() -> None:
    """When the pause is over one asker becomes the probe; a probe that fails starts another pause."""
    clock = Clock()
    breaker = opened(clock)
    clock.seconds += PAUSE_SEC - 0.1
    early = breaker.admit()
    clock.seconds += 0.1

    assert (early, breaker.admit(), breaker.admit()) == (REFUSE, PROBE, REFUSE)
    breaker.failed("timeout", probe=True)
    assert (breaker.admit(), breaker.why) == (REFUSE, "timeout")
    clock.seconds += PAUSE_SEC
    assert breaker.admit() == PROBE
    breaker.answered(probe=True)
    assert (breaker.admit(), breaker.state) == (PASS, CLOSED)


def test_a_probe_that_came_to_nothing_is_sent_again() -> None:
    """Cancelled, it says nothing of the provider: the next asker tries."""
    clock = Clock()
    breaker = opened(clock)
    clock.seconds += PAUSE_SEC
    breaker.admit()
    breaker.let_go()

    assert (breaker.state, breaker.admit()) == (OPEN, PROBE)


def test_what_comes_in_late_counts_for_nothing() -> None:
    """Calls that went out before it opened neither close it nor make the pause longer."""
    clock = Clock()
    breaker = opened(clock)
    clock.seconds += PAUSE_SEC / 2
    breaker.answered()
    breaker.failed("timeout", at_once=True)

    assert (breaker.admit(), breaker.why) == (REFUSE, "5xx (503)")
    clock.seconds += PAUSE_SEC / 2
    assert breaker.admit() == PROBE


@given(
    st.lists(st.tuples(st.sampled_from(["ok", "bad", "worst", "cancel"]), st.integers(0, 90)), max_size=60)
)
def test_probes_are_always_a_pause_apart(story: list[tuple[str, int]]) -> None:
    """Whatever happens, there is one probe at a time, and none within a minute after one that failed."""
    clock = Clock()
    breaker = Breaker(lambda _: None, clock=clock)
    failed_at: list[float] = []
    for outcome, later in story:
        clock.seconds += later
        admitted = breaker.admit()
        probe = admitted == PROBE
        if probe:
            assert breaker.admit() == REFUSE
            assert all(clock.seconds - at >= PAUSE_SEC for at in failed_at)
        if admitted == REFUSE:
            continue
        if outcome == "ok":
            breaker.answered(probe=probe)
        elif outcome == "cancel":
            breaker.let_go()
        else:
            breaker.failed("x", at_once=outcome == "worst", probe=probe)
            failed_at += [clock.seconds] if probe else []


def test_an_hour_of_outage_costs_a_probe_a_minute() -> None:
    """A question a second for an hour: five failures, then one request a minute, which nobody waits for."""
    clock = Clock()
    sent_at: list[float] = []

    async def run(fake: Provider) -> Desk:
        async with desk(fake.url, clock=clock, calls_per_minute=1000) as at:
            for second in range(3600):
                before = len(fake.requests)
                reason = await at.ask(f"storm {second}")
                if second >= FAILURES:
                    assert reason == CIRCUIT_OPEN
                await probed(at)
                sent_at.extend([clock.seconds] * (len(fake.requests) - before))
                clock.seconds += 1
            return at

    with Provider() as fake:
        fake.default = DOWN
        at = asyncio.run(run(fake))

    assert len(sent_at) - FAILURES == 59
    assert all(later - earlier >= PAUSE_SEC for earlier, later in pairwise(sent_at[FAILURES - 1 :]))
    assert at.figure("breaker_state", process="worker") == 2


def test_askers_do_not_wait_for_the_probe() -> None:
    """While a probe hangs, all are turned away at once; its answer is there for who asks the same later."""
    clock = Clock()

    async def run(fake: Provider) -> list[str]:
        async with desk(fake.url, clock=clock) as at:
            seen = [await at.ask()]
            clock.seconds += PAUSE_SEC
            seen += await asyncio.gather(*(at.ask() for _ in range(20)))
            assert at.figure("breaker_state", process="worker") == 1  # the probe is still under way
            await probed(at)
            return [*seen, await at.ask(), await at.ask("another storm")]

    with Provider() as fake:
        fake.script(err(401), hang(0.5))
        seen = asyncio.run(run(fake))

    assert seen == [AUTH] + [CIRCUIT_OPEN] * 20 + [ANSWERED] * 2
    assert len(fake.requests) == 3


@pytest.mark.parametrize(
    ("step", "reason", "why"),
    [
        (err(401), AUTH, "auth (401)"),
        (err(403), AUTH, "auth (403)"),
        (spend_limit(), RATE_LIMIT, "rate_limit (429 enforced_spend_limit_reached)"),
        (err(404), CLIENT_ERROR, "client_error (404)"),
    ],
)
def test_what_will_not_pass_by_itself_opens_it_at_once(step: Step, reason: str, why: str) -> None:
    """A refused key, a spend limit and a model that is not there are not tried again; the reason is told."""

    async def run(url: str) -> tuple[str, StepError]:
        async with desk(url) as at:
            first = await at.ask("one")
            with pytest.raises(StepError) as caught:
                await at.reply("two")
            return first, caught.value

    with Provider() as fake:
        fake.script(step)
        first, second = asyncio.run(run(fake.url))

    assert (first, second.reason, second.detail) == (
        reason,
        CIRCUIT_OPEN,
        f"not asked for a while after {why}",
    )
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("step", "reason"), [(err(400), CLIENT_ERROR), (html(), PARSE_ERROR), (refusal(), PARSE_ERROR)]
)
def test_an_answer_of_no_use_never_opens_it(step: Step, reason: str) -> None:
    """A provider that answers, whatever it says, is asked again."""

    async def run(url: str) -> list[str]:
        async with desk(url) as at:
            return [await at.ask(f"storm {number}") for number in range(8)]

    with Provider() as fake:
        fake.default = step
        seen = asyncio.run(run(fake.url))

    assert seen == [reason] * 8


@pytest.mark.parametrize("step", [hang(), DOWN, err(429, {"retry-after": "60"})], ids=["hang", "503", "429"])
def test_trouble_that_lasts_opens_it(step: Step) -> None:
    """Timeouts, errors of the server and rate limits count, five in a row."""

    async def run(url: str) -> list[str]:
        async with desk(url, timeout_s=0.1, max_in_flight=5) as at:
            first = await asyncio.gather(*(at.ask(f"storm {number}") for number in range(5)))
            return [*first, await at.ask()]

    with Provider() as fake:
        fake.default = step
        seen = asyncio.run(run(fake.url))

    assert seen[0] in {TIMEOUT, SERVER, RATE_LIMIT}
    assert seen == [seen[0]] * 5 + [CIRCUIT_OPEN]


def test_a_timeout_of_those_in_a_hurry_is_not_held_against_the_provider() -> None:
    """Five questions with little time left run out of it; one with all of its time is asked."""

    async def run(url: str) -> list[str]:
        async with desk(url, timeout_s=0.5, max_in_flight=5) as at:
            hurried = (at.ask(f"storm {number}", seconds=0.2) for number in range(5))
            return [*await asyncio.gather(*hurried), await at.ask()]

    with Provider() as fake:
        fake.script(*[hang()] * 5)
        assert asyncio.run(run(fake.url)) == [TIMEOUT] * 5 + [ANSWERED]


def test_no_second_attempt_once_it_is_open() -> None:
    """Who waits for a second attempt while another finds the key refused stays with the first."""

    async def run(fake: Provider) -> list[str]:
        async with desk(fake.url) as at:
            first = asyncio.create_task(at.ask("one"))
            await asyncio.to_thread(fake.wait, 1)
            await asyncio.sleep(0.05)
            return [await at.ask("two"), await first]

    with Provider() as fake:
        fake.script(err(529), err(401))
        assert asyncio.run(run(fake)) == [AUTH, SERVER]

    assert len(fake.requests) == 2


def test_a_cancelled_call_is_not_held_against_the_provider() -> None:
    """Six callers that hang up leave it closed."""

    async def run(fake: Provider) -> str:
        async with desk(fake.url, max_in_flight=6) as at:
            tasks = [asyncio.create_task(at.ask(f"storm {number}")) for number in range(6)]
            await asyncio.to_thread(fake.wait, 6)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return await at.ask()

    with Provider() as fake:
        fake.script(*[hang()] * 6)
        assert asyncio.run(run(fake)) == ANSWERED


def test_a_probe_needs_room_in_the_budget() -> None:
    """Without, nothing is sent, and the breaker stays open until there is some."""
    clock = Clock()

    async def run(url: str) -> list[str]:
        async with desk(url, clock=clock, calls_per_minute=1, tokens_per_day=600) as at:
            seen = [await at.ask(tokens=500)]
            clock.seconds += PAUSE_SEC + 2  # the budget's minute is a slot longer
            seen.append(await at.ask(tokens=601))
            await probed(at)
            seen.append(await at.ask(tokens=500))
            await probed(at)
            return [*seen, await at.ask("another", tokens=500)]

    with Provider() as fake:
        fake.script(err(401), ok("well"))
        seen = asyncio.run(run(fake.url))

    assert seen == [AUTH, CIRCUIT_OPEN, CIRCUIT_OPEN, CALLS_MINUTE]
    assert len(fake.requests) == 2


def test_it_says_beforehand_that_asking_is_in_vain() -> None:
    """While it is open, also while a probe is out; not once a probe is due. Saying so sends nothing."""
    clock = Clock()

    async def run(fake: Provider) -> list[str]:
        async with desk(fake.url, clock=clock) as at:
            seen = [told(at)]
            await at.ask()
            seen.append(told(at))
            clock.seconds += PAUSE_SEC
            seen.append(told(at))
            await at.ask()
            seen.append(told(at))
            await probed(at)
            return [*seen, told(at)]

    with Provider() as fake:
        fake.script(err(401))
        seen = asyncio.run(run(fake))

    refused = "circuit_open: not asked for a while after auth (401)"
    assert seen == ["", refused, "", refused, ""]
    assert len(fake.requests) == 2


def told(at: Desk) -> str:
    """Why asking would be in vain, in words."""
    return str(at.asker.closed() or "")


def test_a_probe_that_ends_in_a_fault_of_ours_opens_it_again(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next probe is a minute away: nobody asks in vain in between."""
    clock = Clock()

    async def run(url: str) -> list[str]:
        async with desk(url, clock=clock) as at:
            seen = [await at.ask()]
            clock.seconds += PAUSE_SEC
            unserializable = question()._replace(body={"model": "m", "max_tokens": 1, "messages": object()})
            with pytest.raises(StepError):
                await at.asker.ask(
                    unserializable, lambda _: None, deadline=asyncio.get_running_loop().time() + 1
                )
            await probed(at)
            seen += [told(at), await at.ask()]
            clock.seconds += PAUSE_SEC
            seen.append(await at.ask())
            await probed(at)
            return [*seen, await at.ask()]

    with Provider() as fake:
        fake.script(err(401))
        seen = asyncio.run(run(fake.url))

    refused = "circuit_open: not asked for a while after a fault of the service"
    assert seen == [AUTH, refused, CIRCUIT_OPEN, CIRCUIT_OPEN, ANSWERED]
    assert [record.message for record in caplog.records if record.exc_info] == ["the probe failed"]
    assert len(fake.requests) == 2
