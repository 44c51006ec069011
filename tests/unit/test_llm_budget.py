"""No minute and no day ever sees more calls or tokens than the settings allow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.adapters.llm.budget import DAY_SEC, MINUTE_SEC, Budget
from aiops_rca.enrich.asking import (
    CALLS_DAY,
    CALLS_MINUTE,
    SERVER,
    TIMEOUT,
    TOKENS_DAY,
    TOKENS_MINUTE,
    NotAskedError,
)
from aiops_rca.settings import Llm
from asked import ANSWERED, Clock, Desk, desk
from provider import Provider, counted, err, hang, ok

AMPLE = {
    "calls_per_minute": 10**6,
    "calls_per_day": 10**6,
    "tokens_per_minute": 10**9,
    "tokens_per_day": 10**9,
}


def budget(clock: Clock, **limits: int) -> Budget:
    """A budget with these limits and no others."""
    return Budget(Llm.model_validate({**AMPLE, **limits}), clock=clock)


def refused(given: Budget, tokens: int = 10) -> str | None:
    """Why a call is not let out; None when it is."""
    try:
        given.book(tokens)
    except NotAskedError as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("limit", "reason", "span"),
    [
        ({"calls_per_minute": 3}, CALLS_MINUTE, MINUTE_SEC),
        ({"calls_per_day": 3}, CALLS_DAY, DAY_SEC),
        ({"tokens_per_minute": 35}, TOKENS_MINUTE, MINUTE_SEC),
        ({"tokens_per_day": 35}, TOKENS_DAY, DAY_SEC),
    ],
)
def test_each_limit_has_its_reason_and_its_span(limit: dict[str, int], reason: str, span: float) -> None:
    """Three calls of ten tokens fit, the fourth does not, until the span is over."""
    clock = Clock()
    clock.seconds = 1199.9  # near the end of a slot, of the minute's and of the day's
    given = budget(clock, **limit)
    seen = [refused(given) for _ in range(4)]
    clock.seconds += span * 0.999
    seen.append(refused(given))
    clock.seconds += span * 0.02
    seen.append(refused(given))

    assert seen == [None, None, None, reason, reason, None]


@pytest.mark.parametrize("limit", [*AMPLE])
def test_a_limit_of_nothing_lets_nothing_out(limit: str) -> None:
    """0 is a limit like any other."""
    assert refused(budget(Clock(), **{limit: 0})) is not None


def test_what_was_not_used_is_given_back() -> None:
    """A call that took less leaves room for another, one that never went out leaves all of it."""
    given = budget(Clock(), tokens_per_minute=100, calls_per_minute=2)
    given.settle(given.book(100), 20)
    given.undo(given.book(80))

    assert refused(given, 80) is None
    assert refused(given, 1) == CALLS_MINUTE


def test_a_call_that_took_more_is_counted_in_full() -> None:
    """What the provider says it took counts, not what was guessed."""
    given = budget(Clock(), tokens_per_minute=100)
    given.settle(given.book(10), 95)

    assert refused(given) == TOKENS_MINUTE


def test_settling_late_changes_nothing_that_is_forgotten() -> None:
    """A call whose minute is over no longer counts in it, whatever it took."""
    clock = Clock()
    given = budget(clock, tokens_per_minute=100, tokens_per_day=150)
    booking = given.book(100)
    clock.seconds += 2 * MINUTE_SEC
    given.book(40)
    given.settle(booking, 110)

    assert refused(given, 60) == TOKENS_DAY
    given.settle(booking, 50)
    assert refused(given, 61) == TOKENS_MINUTE


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 40)), max_size=80))
def test_no_minute_sees_more_than_its_limits(story: list[tuple[float, int]]) -> None:
    """Over any 60 seconds, wherever they begin, what was let out stays within both limits."""
    clock = Clock()
    given = budget(clock, calls_per_minute=5, tokens_per_minute=100)
    out: list[tuple[float, int]] = []
    for later, tokens in story:
        clock.seconds += later
        if refused(given, tokens) is None:
            out.append((clock.seconds, tokens))
    for start, _ in out:
        within = [tokens for at, tokens in out if start <= at <= start + MINUTE_SEC]
        assert len(within) <= 5
        assert sum(within) <= 100


def test_a_storm_makes_a_bounded_number_of_calls() -> None:
    """Of forty incidents at once as many are asked about as the budget allows, the others told why not."""

    async def run(url: str) -> list[str]:
        async with desk(url, calls_per_minute=20, max_in_flight=8) as at:
            return await asyncio.gather(*(at.ask(f"storm {number}") for number in range(40)))

    with Provider() as fake:
        seen = asyncio.run(run(fake.url))

    assert sorted(seen) == [ANSWERED] * 20 + [CALLS_MINUTE] * 20
    assert len(fake.requests) == 20


def test_attempts_count_as_calls() -> None:
    """A second attempt needs room as well: without, the first failure stands."""

    async def run(url: str) -> list[str]:
        async with desk(url, calls_per_minute=1) as at:
            return [await at.ask(), await at.ask()]

    with Provider() as fake:
        fake.script(err(529, {"retry-after-ms": "1"}))
        assert asyncio.run(run(fake.url)) == [SERVER, CALLS_MINUTE]

    assert len(fake.requests) == 1


def test_answers_count_with_what_they_took_and_errors_with_nothing() -> None:
    """A guess of 600 tokens that turns out small leaves room, and so does a call the provider refused."""

    async def run(url: str) -> list[str]:
        async with desk(url, tokens_per_minute=1000) as at:
            return [await at.ask(f"storm {number}", tokens=600) for number in range(3)]

    with Provider() as fake:
        fake.script(err(400), ok("short"))
        seen = asyncio.run(run(fake.url))

    assert seen[1:] == [ANSWERED, ANSWERED]


def test_a_call_that_was_given_up_counts_as_guessed() -> None:
    """The provider may have worked on it, and may charge for it."""

    async def run(url: str) -> list[str]:
        async with desk(url, timeout_s=0.1, tokens_per_minute=1000) as at:
            return [await at.ask("one", tokens=600), await at.ask("two", tokens=600)]

    with Provider() as fake:
        fake.script(hang())
        assert asyncio.run(run(fake.url)) == [TIMEOUT, TOKENS_MINUTE]


def test_answers_that_are_kept_cost_nothing() -> None:
    """With one call a minute the same question is answered as often as one likes."""

    async def run(url: str) -> list[str]:
        async with desk(url, calls_per_minute=1) as at:
            return [await at.ask() for _ in range(5)]

    with Provider() as fake:
        assert asyncio.run(run(fake.url)) == [ANSWERED] * 5


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 9_223_372_036_854_775_807},
        {"input_tokens": 10**23},
        {"input_tokens": 1e308},
        {"input_tokens": -1},
        {"input_tokens": 100, "output_tokens": 10_000_001},
        {"input_tokens": "many"},
        {},
    ],
    ids=str,
)
def test_a_count_that_cannot_be_is_none(usage: dict[str, object]) -> None:
    """The answer is taken, the call stands at what was set aside for it, and no metric shows the figure."""

    async def run(url: str) -> tuple[list[str], Desk]:
        async with desk(url, tokens_per_day=1250) as at:
            return [await at.ask(f"storm {number}", tokens=500) for number in range(3)], at

    with Provider() as fake:
        fake.default = counted(**usage)
        seen, at = asyncio.run(run(fake.url))

    assert seen == [ANSWERED, ANSWERED, TOKENS_DAY]
    assert [at.figure("tokens_total", type=kind) for kind in ("input", "output")] == [0, 0]
    assert at.figure("cost_usd_total") == 0


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"calls_per_minute": 1}, CALLS_MINUTE), ({"calls_per_day": 1}, CALLS_DAY), ({}, "")],
    ids=str,
)
def test_it_says_beforehand_that_no_call_is_left(limits: dict[str, Any], reason: str) -> None:
    """With the calls used up there is no use in asking anything."""

    async def run(url: str) -> tuple[object, object]:
        async with desk(url, **limits) as at:
            before = at.asker.closed()
            await at.ask()
            return before, at.asker.closed()

    with Provider() as fake:
        before, after = asyncio.run(run(fake.url))

    assert before is None
    assert getattr(after, "reason", "") == reason
