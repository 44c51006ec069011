"""Which alerts connect."""

from __future__ import annotations

import pytest

from aiops_rca.correlate import correlate
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.graph import HOSTED_ON, Edge, ServiceGraph
from builders import alert, chain, graph


def groups(*alerts: Alert, on: ServiceGraph, gap_sec: int = 120, max_hop: int = 2) -> list[list[str]]:
    """Return the ids of the alerts, cluster by cluster, sorted."""
    clusters = correlate(alerts, on, gap_sec=gap_sec, max_hop=max_hop)
    return sorted(sorted(a.id for a in c.alerts) for c in clusters)


def test_no_alerts_make_no_clusters() -> None:
    """An empty batch has no clusters."""
    assert correlate([], chain("a", "b"), gap_sec=120, max_hop=2) == ()


def test_a_lone_alert_is_a_cluster() -> None:
    """One alert is enough."""
    assert groups(alert("a", id="x"), on=chain("a", "b")) == [["x"]]


def test_resolved_alerts_are_left_out() -> None:
    """A resolved alert belongs to no cluster and connects nothing."""
    ends = alert("a", id="1", at=0), alert("a", id="2", at=200)
    between = alert("a", id="3", at=100, resolved=True)

    assert groups(*ends, between, on=chain("a", "b")) == [["1"], ["2"]]


@pytest.mark.parametrize(("at", "clusters"), [(120, 1), (120.001, 2)])
def test_the_gap_is_included_to_the_millisecond(at: float, clusters: int) -> None:
    """Alerts as far apart as the gap connect; a millisecond more and they do not."""
    pair = alert("a", at=0), alert("b", at=at)

    assert clusters == len(groups(*pair, on=chain("a", "b")))


@pytest.mark.parametrize(("max_hop", "reached"), [(0, "a"), (1, "ab"), (2, "abc"), (3, "abcd"), (4, "abcde")])
def test_services_connect_up_to_max_hop(max_hop: int, reached: str) -> None:
    """Of five services in a row the first connects with those at most *max_hop* calls away."""
    on = chain(*"abcdef")

    together = [s for s in "abcdef" if len(groups(alert("a"), alert(s, "m"), on=on, max_hop=max_hop)) == 1]

    assert reached == "".join(together)


def test_alerts_connect_through_others() -> None:
    """Far ends of a chain are one cluster when alerts in between bridge time and topology."""
    alerts = [alert(service, id=service, at=100 * n) for n, service in enumerate("aceg")]

    assert groups(*alerts, on=chain(*"abcdefg")) == [["a", "c", "e", "g"]]


def test_near_in_time_but_not_in_topology_is_not_enough() -> None:
    """Each pair that connects must be near in both."""
    alerts = alert("a", at=0), alert("a", at=500), alert("z", at=250)

    assert len(groups(*alerts, on=graph("a -> b", "y -> z"))) == 3


def test_a_short_flap_inside_a_long_run_joins_it() -> None:
    """A neighbour that fires once in the middle of a long run is part of it."""
    long_run = [alert("a", at=100 * n) for n in range(10)]

    assert len(groups(*long_run, alert("b", at=450), on=chain("a", "b"))) == 1


def test_a_long_run_outlives_a_later_short_one() -> None:
    """What comes after both joins the one that still lasts."""
    long_run = [alert("a", at=100 * n) for n in range(10)]
    short, late = alert("b", at=150), alert("c", at=1000)

    assert len(groups(*long_run, short, late, on=chain("a", "b", "c"))) == 1


def test_callers_of_one_callee_connect() -> None:
    """Direction does not matter: siblings are two hops apart."""
    assert len(groups(alert("a"), alert("b"), on=graph("a -> db", "b -> db"))) == 1


def test_edges_of_all_types_connect() -> None:
    """Services on one host are two hops apart."""
    on = graph(Edge("a", "host", HOSTED_ON), Edge("b", "host", HOSTED_ON))

    assert len(groups(alert("a"), alert("b"), on=on)) == 1


def test_services_the_graph_does_not_know_connect_with_themselves_alone() -> None:
    """Two alerts of one unknown service are a cluster; another unknown service is another."""
    alerts = alert("x", id="1"), alert("x", "m", id="2"), alert("y", id="3"), alert("a", id="4")

    assert groups(*alerts, on=chain("a", "b")) == [["1", "2"], ["3"], ["4"]]


@pytest.mark.parametrize(("at", "clusters"), [(120, 1), (120.001, 2)])
def test_the_gap_is_the_same_for_services_the_graph_does_not_know(at: float, clusters: int) -> None:
    """To the millisecond for a stranger too."""
    assert len(groups(alert("x", at=0), alert("x", at=at), on=chain("a", "b"))) == clusters


def test_a_service_without_edges_connects_with_itself() -> None:
    """A node nothing calls is in reach of nothing else."""
    alerts = alert("x", id="1"), alert("x", "m", id="2"), alert("a", id="3")

    assert groups(*alerts, on=graph("a -> b", nodes=["x"]), max_hop=5) == [["1", "2"], ["3"]]


def test_a_call_to_oneself_is_no_hop() -> None:
    """A self-loop neither connects nor breaks anything."""
    assert len(groups(alert("a"), alert("b"), on=graph("a -> a", "b -> b"), max_hop=3)) == 2


def test_two_leaves_of_a_pair_connect() -> None:
    """Two services that have only each other are one hop apart for any reach."""
    for max_hop in (1, 2, 3, 4):
        assert len(groups(alert("a"), alert("b"), on=graph("a -> b"), max_hop=max_hop)) == 1
