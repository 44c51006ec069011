"""One correlator at a time: who holds the lease, for how long, and who may take it over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from aiops_rca.domain.errors import LeaseLostError
from aiops_rca.live.records import Changes
from stored import HOLDER, T0, TTL_MS, Database, apply


@pytest.fixture
def free(database: Database) -> Database:
    """A database whose lease nobody holds."""
    database.store.release(HOLDER)
    return database


def take(free: Database, holder: str, *, now: int = T0, dead: str = "") -> bool:
    """Try to take the lease."""
    return free.store.take_lease(holder, now=now, ttl_ms=TTL_MS, is_dead=lambda other: other == dead)


def test_the_first_one_gets_it(free: Database) -> None:
    """And its end is noted."""
    assert take(free, "a")
    assert free.store.standing()[2:4] == ("a", T0 + TTL_MS)


@pytest.mark.parametrize(
    ("holder", "now", "dead", "expected"),
    [
        pytest.param("b", T0 + TTL_MS - 1, "", False, id="held"),
        pytest.param("b", T0 + TTL_MS, "", True, id="run out"),
        pytest.param("b", T0 + 1, "a", True, id="dead"),
        pytest.param("b", T0 + 1, "c", False, id="another one is dead"),
        pytest.param("a", T0 + 1, "", True, id="its own"),
    ],
)
def test_a_held_lease_is_taken_over(
    free: Database, holder: str, now: int, dead: str, expected: object
) -> None:
    """By its holder at any time, by others when it has run out or its holder is dead."""
    take(free, "a")

    assert take(free, holder, now=now, dead=dead) is expected


def test_a_lease_given_back_is_free(free: Database) -> None:
    """Only its holder can give it back."""
    take(free, "a")
    free.store.release("b")
    still_held = not take(free, "b")
    free.store.release("a")

    assert (still_held, take(free, "b")) == (True, True)


def test_a_step_prolongs_the_lease(free: Database) -> None:
    """Who works keeps it."""
    take(free, "a")
    apply(free.store, Changes(), now=T0 + TTL_MS - 1, holder="a")

    assert not take(free, "b", now=T0 + TTL_MS + 1)


def test_only_one_of_many_gets_it(free: Database) -> None:
    """Eight ask at the same moment."""
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: take(free, f"holder {number}"), range(8)))

    assert got.count(True) == 1


def test_only_one_of_two_stores_a_step(free: Database) -> None:
    """Two that believe they hold it, from the same offset: one step is stored, the other one refused."""
    take(free, "a")

    def step(_number: int) -> bool:
        try:
            apply(free.store, Changes(events=1), after=0, holder="a")
        except LeaseLostError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        stored = list(pool.map(step, range(2)))

    assert (sorted(stored), free.store.standing().events) == ([False, True], 1)
