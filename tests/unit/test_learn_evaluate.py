"""Scoring a ranker over data sets, and which cases are too alike to test each other."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from aiops_rca.domain.candidate import Candidate
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.learn import Case, evaluate, source_of, systems_of
from builders import graph, ranking

SHOP = graph(nodes=["web", "cart", "redis"])


def case(dataset: str, root: str) -> Case:
    """Make a case of which only data set and root matter."""
    return Case(dataset, f"{dataset}-{root}", SHOP, (), root, None)


def always_cart(_: Case) -> Iterable[Candidate]:
    """Blame the cart."""
    return ranking("cart", "web").candidates


def test_scores_are_reported_per_data_set_and_as_the_mean_of_data_sets() -> None:
    """A large data set does not outweigh a small one."""
    cases = [case("a", "cart"), case("b", "cart"), case("b", "web"), case("b", "web"), case("b", "redis")]
    report = evaluate(cases, always_cart).as_json()

    assert report["datasets"] == {
        "a": {"n": 1, "top1": 1.0, "top3": 1.0, "top5": 1.0, "mrr": 1.0},
        "b": {"n": 4, "top1": 0.25, "top3": 0.75, "top5": 0.75, "mrr": 0.5},
    }
    assert report["macro"] == {"top1": 0.625, "top3": 0.875, "top5": 0.875, "mrr": 0.75}


def test_every_finished_case_is_told() -> None:
    """Progress can be shown."""
    told: list[str] = []
    evaluate([case("a", "cart"), case("a", "web")], always_cart, done=lambda c: told.append(c.root))

    assert told == ["cart", "web"]


@pytest.mark.parametrize(
    ("dataset", "source"),
    [
        ("openrca-ob1", "openrca"),
        ("openrca-ob2", "openrca"),
        ("petshop", "petshop"),
        ("shop2", "shop"),
        ("7", "7"),
    ],
)
def test_data_sets_of_one_recorder_are_one_source(dataset: str, source: str) -> None:
    """The name up to the first dash, without trailing digits."""
    assert source_of(dataset) == source


@pytest.mark.parametrize(
    ("graphs", "expected"),
    [
        pytest.param([SHOP, graph(nodes=["web", "cart", "db"])], (0, 0), id="two of three names"),
        pytest.param([SHOP, graph(nodes=["web", "mail", "db"])], (0, 1), id="one of three names"),
        pytest.param(
            [graph(nodes=["a", "b"]), graph(nodes=["c", "d"]), graph(nodes=["b", "a", "c", "d"])],
            (0, 0, 0),
            id="joined by a third",
        ),
        pytest.param(
            [graph(kinds={"node-1": "host"}), graph(kinds={"node-1": "host"})],
            (0, 1),
            id="hosts do not count",
        ),
    ],
)
def test_graphs_that_share_services_are_one_system(
    graphs: list[ServiceGraph], expected: tuple[int, ...]
) -> None:
    """Half of the smaller graph's service names are enough."""
    assert systems_of(graphs) == expected
