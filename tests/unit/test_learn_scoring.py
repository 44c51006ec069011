"""Expected top-k and reciprocal rank under random tie-breaking."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from aiops_rca.learn.scoring import MISS, Score, mean, score


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param({"root": 2.0, "a": 1.0}, Score(1, 1, 1, 1), id="first"),
        pytest.param({"a": 2.0, "root": 1.0}, Score(0, 1, 1, 0.5), id="second"),
        pytest.param({"a": 1.0, "root": 1.0}, Score(0.5, 1, 1, 0.75), id="tied for first"),
        pytest.param(
            {"a": 9.0, "b": 9.0, "c": 1.0, "root": 1.0}, Score(0, 0.5, 1, 7 / 24), id="tied for 3rd"
        ),
        pytest.param({"a": 1.0 + 1e-12, "root": 1.0}, Score(0.5, 1, 1, 0.75), id="equal but for noise"),
        pytest.param({"a": 1.0}, MISS, id="not in the list"),
        pytest.param({}, MISS, id="no list"),
    ],
)
def test_a_ranking_is_scored_by_expectation(scores: Mapping[str, float], expected: Score) -> None:
    """A tie counts as what random order would give; a root outside the list is a miss."""
    assert score(scores, "root") == pytest.approx(expected)


def test_the_expectation_is_the_mean_over_random_orders() -> None:
    """Shuffling a tie many times gives the same mean."""
    scores = {"a": 3.0, "root": 1.0, "b": 1.0, "c": 1.0, "d": 0.0}
    rng = random.Random(7)
    places = []
    for _ in range(4000):
        order = sorted(scores, key=lambda name: (-scores[name], rng.random()))
        places.append(order.index("root") + 1)

    top1, top3, top5 = (sum(place <= k for place in places) / 4000 for k in (1, 3, 5))
    seen = Score(top1, top3, top5, sum(1 / place for place in places) / 4000)
    assert score(scores, "root") == pytest.approx(seen, abs=0.03)


def test_the_mean_is_taken_measure_by_measure() -> None:
    """Two cases, one hit."""
    assert mean([Score(1, 1, 1, 1), MISS]) == Score(0.5, 0.5, 0.5, 0.5)
