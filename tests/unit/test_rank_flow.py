"""Where blame flows: to the callee whose own deviation explains the caller's."""

from __future__ import annotations

import pytest

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.graph import HOSTED_ON, Edge, ServiceGraph
from aiops_rca.rank.flow import AILING, Blame, Link, blame
from aiops_rca.rank.strength import measure
from builders import alert, chain, graph


def slow(service: str, by: float, metric: str = "latency_p99") -> Alert:
    """Make a latency alert *by* seconds over its baseline."""
    return alert(service, metric, labels={"peak": 1.0 + by, "baseline_median": 1.0, "z": 8})


def failing(service: str) -> Alert:
    """Make an error alert."""
    return alert(service, "error_rate", labels={"z": 8})


def flow(service_graph: ServiceGraph, *alerts: Alert, target: str | None = None) -> Blame:
    """Let blame flow over *alerts*."""
    return blame(measure(alerts), service_graph, target)


def test_a_callee_that_explains_all_of_it_gets_nearly_all_the_mass() -> None:
    """Five per cent of doubt stay with each caller."""
    found = flow(chain("web", "cart", "redis"), slow("web", 1), slow("cart", 1), slow("redis", 1))

    assert found.targeted == pytest.approx({"web": 0.05, "cart": 0.0475, "redis": 0.9025})


def test_blame_never_flows_to_a_caller() -> None:
    """The root keeps its mass although its caller is slower."""
    found = flow(chain("web", "cart"), slow("web", 5), slow("cart", 1), target="cart")

    assert found.targeted == {"cart": 1.0}


def test_a_callee_explains_as_much_as_its_own_excess() -> None:
    """+1 s below accounts for a quarter of +4 s above."""
    found = flow(chain("web", "cart"), slow("web", 4), slow("cart", 1))

    assert found.links["web", "lat"] == (Link("cart", "lat", 0.25, None),)


def test_the_better_explanation_takes_the_square_of_its_lead() -> None:
    """Twice the ratio is four times the share."""
    shop = graph("web -> cart", "web -> ads")
    found = flow(shop, slow("web", 1), slow("cart", 1), slow("ads", 0.5))

    assert found.targeted["cart"] / found.targeted["ads"] == pytest.approx(4.0)


def test_without_a_shared_metric_strengths_are_compared() -> None:
    """Another metric of the same layer explains 70 % at most."""
    found = flow(chain("web", "cart"), slow("web", 1), slow("cart", 1, metric="query_duration"))

    assert found.links["web", "lat"] == (Link("cart", "lat", 0.7, None),)


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        pytest.param(slow("web", 1), failing("cart"), Link("cart", "err", 0.5, None), id="errors below"),
        pytest.param(failing("web"), slow("cart", 1), Link("cart", "lat", 0.3, None), id="latency below"),
    ],
)
def test_the_other_layer_explains_less(above: Alert, below: Alert, expected: Link) -> None:
    """Errors explain half of a latency, latency a third of errors."""
    found = flow(chain("web", "cart"), above, below)

    assert [*found.links.values()][-1] == (expected,) or found.links["web", "err"] == (expected,)


def test_one_silent_service_halves_what_is_explained() -> None:
    """The fault may pass through a proxy that does not alert; through two it is lost."""
    found = flow(chain("web", "proxy", "cart"), slow("web", 1), slow("cart", 1))
    lost = flow(chain("web", "proxy", "mesh", "cart"), slow("web", 1), slow("cart", 1))

    assert found.links["web", "lat"] == (Link("cart", "lat", 0.5, "proxy"),)
    assert lost.links["web", "lat"] == ()


def test_a_callee_that_ails_without_a_symptom_explains_half_at_most() -> None:
    """A database with a full disk is to blame though it measures no latency."""
    found = flow(chain("web", "db"), slow("web", 1), alert("db", "disk_used", labels={"z": 8}))

    assert found.links["web", "lat"] == (Link("db", AILING, 0.5, None),)
    assert found.targeted["db"] == pytest.approx(0.475)


def test_services_that_share_a_host_do_not_blame_it() -> None:
    """`hosted_on` is no call."""
    shop = graph("web -> cart", Edge("web", "node", HOSTED_ON))
    found = flow(shop, slow("web", 1), slow("node", 1), target="web")

    assert found.links["web", "lat"] == ()
    assert found.silent == {"cart": pytest.approx(1.0)}


def test_silent_callees_share_what_stays_with_their_caller() -> None:
    """What nothing explains is credited to the callees that do not alert, and not taken from the caller."""
    found = flow(graph("web -> cart", "web -> ads"), slow("web", 1))

    assert found.silent == {"cart": 0.5, "ads": 0.5}
    assert found.targeted == {"web": 1.0}


def test_a_cycle_of_services_that_blame_each_other_keeps_all_mass() -> None:
    """The walk ends after twelve steps and loses nothing."""
    found = flow(graph("a -> b", "b -> a"), slow("a", 1), slow("b", 1))

    assert sum(found.targeted.values()) == pytest.approx(1.0)
    assert sum(found.overall.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("cart", {("cart", "lat"): 1.0}, id="the target where it shows a symptom"),
        pytest.param("nowhere", None, id="else whoever explains nobody"),
        pytest.param(None, None, id="no target"),
    ],
)
def test_the_walk_starts_where_users_feel_it(
    target: str | None, expected: dict[tuple[str, str], float] | None
) -> None:
    """The error layer goes first where a service has both."""
    alerts = [slow("web", 1), failing("web"), slow("cart", 1)]
    found = flow(chain("web", "cart"), *alerts, target=target)

    assert found.starts == (expected or {("web", "err"): measure(alerts).loudest["web", "err"]})


def test_a_vanishing_share_is_no_link() -> None:
    """A callee whose excess is next to nothing explains nothing, and divides by nothing."""
    found = flow(chain("web", "cart"), slow("web", 1e300), slow("cart", 1e-12))

    assert found.links["web", "lat"] == ()


def test_without_symptoms_nothing_flows() -> None:
    """A full disk alone is no symptom."""
    found = flow(chain("web", "db"), alert("db", "disk_used"))

    assert (found.targeted, found.overall, found.silent) == ({}, {}, {})


@pytest.mark.parametrize("size", [8, 9, 300])
def test_links_do_not_grow_with_the_square_of_a_storm_around_a_silent_hub(size: int) -> None:
    """A silent hub joins few callers to few callees; among many it says nothing specific."""
    calls = [*(f"c{i} -> hub" for i in range(size)), *(f"hub -> d{i}" for i in range(size))]
    found = flow(graph(*calls), *(slow(f"{side}{i}", 1) for side in "cd" for i in range(size)))

    assert sum(map(len, found.links.values())) == (64 if size == 8 else 0)


@pytest.mark.parametrize("size", [50, 2000])
def test_an_alerting_hub_has_one_link_per_caller(size: int) -> None:
    """However many services call it, each blames it once."""
    calls = [f"c{i} -> hub" for i in range(size)]
    found = flow(graph(*calls), slow("hub", 1), *(slow(f"c{i}", 1) for i in range(size)))

    assert sum(map(len, found.links.values())) == size
    assert found.targeted["hub"] == pytest.approx(0.95)
