"""What the past adds to a ranking, and that it stays modest."""

from __future__ import annotations

import pytest

from aiops_rca.rank.prior import NO_LOOK_ALIKES, Prior, prior_of
from builders import alert, history, incident

CART = [incident(f"INC-{i}", "cart", ("cart", "cpu"), ("web", "latency_p99")) for i in range(4)]
NOISY = history(*CART, incident("INC-9", "db", ("db", "disk"), ("web", "latency_p99")))


def test_an_empty_history_changes_nothing() -> None:
    """Rarity is one and there is no bonus."""
    prior = Prior(history())

    assert prior.rarity("web", "latency_p#") == 1.0
    assert prior.look_alikes([alert()]) is NO_LOOK_ALIKES


def test_what_always_alerts_is_worth_less() -> None:
    """Rarity falls with the number of incidents in which the signal was there; new signals keep one."""
    prior = Prior(NOISY)
    always, often, never = (
        prior.rarity(*key) for key in (("web", "latency_p#"), ("cart", "cpu"), ("ads", "cpu"))
    )

    assert 0.0 < always < often < never == pytest.approx(1.0)


def test_a_short_history_is_hardly_trusted() -> None:
    """With one incident even a signal seen in all of them keeps most of its strength."""
    assert Prior(history(CART[0])).rarity("cart", "cpu") > 0.9


def test_the_cause_of_look_alikes_gets_the_bonus() -> None:
    """The same signals point at the same cause, and name the incidents."""
    found = prior_of(NOISY).look_alikes([alert("cart", "cpu"), alert("web", "latency_p50")])

    assert max(found.bonus, key=lambda root: found.bonus[root]) == "cart"
    assert found.incidents["cart"] == ("INC-0", "INC-1", "INC-2", "INC-3")


def test_the_bonus_never_exceeds_its_cap() -> None:
    """However many incidents agree, history adds 1.5 at most (and a little for the floor)."""
    same = history(*(incident(f"INC-{i:03}", "cart", ("cart", "cpu")) for i in range(200)))
    found = Prior(same).look_alikes([alert("cart", "cpu")])

    assert 1.3 < found.bonus["cart"] < 1.53


def test_nothing_in_common_gives_no_bonus() -> None:
    """A new kind of incident is ranked as if there were no past."""
    found = Prior(NOISY).look_alikes([alert("ads", "error_rate")])

    assert found is NO_LOOK_ALIKES


def test_what_is_hardly_alike_has_no_say() -> None:
    """One common signal among many new ones makes no past incident similar."""
    new = [alert(f"new-{i}", "cpu") for i in range(9)]
    found = Prior(NOISY).look_alikes([alert("web", "latency_p99"), *new])

    assert (found.bonus, found.incidents) == ({}, {})


def test_a_lone_trait_is_remembered_with_the_history() -> None:
    """The second lone alert of a kind costs nothing, a stranger leaves nothing behind."""
    prior = Prior(NOISY)
    first = prior.look_alikes([alert("cart", "cpu")])
    prior.look_alikes([alert("stranger", "cpu")])

    assert prior.look_alikes([alert("cart", "cpu", at=9)]) is first
    assert list(prior._alone) == [("cart", "cpu")]


def test_one_index_serves_a_history() -> None:
    """The index is built once per history."""
    assert prior_of(NOISY) is prior_of(NOISY)
