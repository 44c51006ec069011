"""Fitting a conditional logit with weights that cannot be negative."""

from __future__ import annotations

import random

import pytest

from aiops_rca.learn import Example, fit


def choices(count: int, weights: tuple[float, ...], *, dataset: str = "made", seed: int = 3) -> list[Example]:
    """Draw *count* cases whose roots follow a conditional logit with *weights*."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        rows = [[rng.random() for _ in weights] for _ in range(6)]
        noisy = [
            sum(w * x for w, x in zip(weights, row, strict=True)) + rng.gammavariate(1, 1) * 0.1
            for row in rows
        ]
        found.append(Example(rows, noisy.index(max(noisy)), dataset))
    return found


def test_without_examples_the_weights_stay_where_they_started() -> None:
    """Nothing seen, nothing learnt."""
    assert fit([], [1.0, 0.5]) == pytest.approx((1.0, 0.5))


def test_a_telling_feature_gets_weight_and_a_misleading_one_none() -> None:
    """The sign is kept: what speaks against a cause counts nothing rather than less."""
    telling, misleading = fit(choices(200, (5.0, -5.0)), [0.0, 1.0], pull=0.1)

    assert telling > 2.0
    assert misleading == 0.0


def test_the_pull_keeps_the_weights_near_the_start() -> None:
    """The stronger the pull the smaller the step."""
    cases = choices(50, (5.0, 1.0))
    loose, firm = (fit(cases, [1.0, 1.0], pull=pull)[0] for pull in (0.5, 50.0))

    assert 1.0 < firm < loose


def test_every_data_set_counts_the_same_whatever_its_size() -> None:
    """Seeing a data set twice changes nothing."""
    small, large = choices(20, (4.0, 0.0), dataset="a"), choices(60, (0.0, 4.0), dataset="b")

    assert fit([*small, *large], [0.0, 0.0]) == pytest.approx(
        fit([*small, *large, *large], [0.0, 0.0]), abs=1e-3
    )


def test_a_fit_can_be_repeated_to_the_last_bit() -> None:
    """The same cases give the same weights."""
    cases = choices(30, (1.0, 2.0))

    assert fit(cases, [0.0, 0.0]) == fit(cases, [0.0, 0.0])


def test_large_values_do_not_overflow() -> None:
    """Softmax is taken relative to the best candidate."""
    weights = fit([Example([[900.0], [0.0]], 1, "a")], [1.0])

    assert weights == pytest.approx((0.0,), abs=0.02)
