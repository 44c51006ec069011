"""Correlation against an oracle that compares all pairs, and what must not change it."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.correlate import correlate
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.graph import HOSTED_ON, Edge, ServiceGraph
from builders import T0, alert, graph

KNOWN = "abcdefghij"
GAP_SEC = 20

hops = st.integers(0, 6)
services = st.sampled_from(KNOWN + "xyz")
moments = st.one_of(
    st.integers(0, 200).map(lambda tenths: tenths * 10.0),
    st.integers(0, 200_000).map(lambda ms: ms / 1000),
)


@st.composite
def graphs(draw: st.DrawFn) -> ServiceGraph:
    """Draw a graph over some of the known services, from a forest to a thicket."""
    ends = st.tuples(st.sampled_from(KNOWN), st.sampled_from(KNOWN))
    types = st.sampled_from(["calls", HOSTED_ON])
    edges = draw(st.lists(st.builds(lambda e, t: Edge(e[0], e[1], t), ends, types), max_size=14))
    return graph(*edges, nodes=draw(st.sets(st.sampled_from(KNOWN), max_size=3)))


@st.composite
def batches(draw: st.DrawFn) -> list[Alert]:
    """Draw a batch of alerts with distinct ids, some of them resolved."""
    rows = draw(st.lists(st.tuples(services, st.sampled_from("mn"), moments, st.integers(0, 9)), max_size=30))
    return [
        alert(service, metric, at=at, id=f"{n:03}", resolved=not chance)
        for n, (service, metric, at, chance) in enumerate(rows)
    ]


def distances(on: ServiceGraph, start: str) -> dict[str, int]:
    """Return the hops from *start* to every service in reach, breadth first."""
    neighbours: dict[str, set[str]] = {}
    for edge in on.edges:
        neighbours.setdefault(edge.source, set()).add(edge.target)
        neighbours.setdefault(edge.target, set()).add(edge.source)
    found, queue = {start: 0}, deque([start])
    while queue:
        node = queue.popleft()
        for near in neighbours.get(node, ()):
            if near not in found:
                found[near] = found[node] + 1
                queue.append(near)
    return found


def widened(alerts: list[Alert], gap_sec: int) -> int:
    """Return the gap in ms that a batch is to be linked with."""
    times = [a.ts for a in alerts]
    if len(times) < 10 or len(set(times)) < 3:
        return gap_sec * 1000
    agreed = [g for g in (60, 300, 600, 900, 3600) if len({t % (g * 1000) for t in times}) == 1]
    return max([gap_sec, *agreed]) * 1000


def oracle(alerts: list[Alert], on: ServiceGraph, gap_sec: int, max_hop: int) -> set[frozenset[str]]:
    """Return the groups of alert ids by comparing every pair of firing alerts."""
    firing = [a for a in alerts if not a.resolved]
    gap_ms = widened(firing, gap_sec)
    reach = {a.service: distances(on, a.service) for a in firing}
    group = {a.id: {a.id} for a in firing}
    for one in firing:
        for other in firing:
            near = reach[one.service].get(other.service, max_hop + 1) <= max_hop
            if near and abs(one.ts - other.ts) <= gap_ms and group[one.id] is not group[other.id]:
                group[one.id] |= group[other.id]
                for member in group[other.id]:
                    group[member] = group[one.id]
    return {frozenset(members) for members in group.values()}


def ids(clusters: tuple[Cluster, ...]) -> set[frozenset[str]]:
    """Return the clusters as groups of alert ids."""
    return {frozenset(a.id for a in c.alerts) for c in clusters}


@given(batches(), graphs(), hops)
def test_clusters_equal_those_of_comparing_all_pairs(
    alerts: list[Alert], on: ServiceGraph, max_hop: int
) -> None:
    """The near-linear method finds exactly the groups of the slow and obvious one."""
    clusters = correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop)

    assert oracle(alerts, on, GAP_SEC, max_hop) == ids(clusters)


@given(st.randoms(use_true_random=False), st.integers(0, 4))
def test_large_batches_equal_those_of_comparing_all_pairs(rng: random.Random, max_hop: int) -> None:
    """The same on a larger, sparser graph, where clusters are many."""
    names = [f"s{n}" for n in range(60)]
    on = graph(*(Edge(rng.choice(names), rng.choice(names)) for _ in range(70)), nodes=names)
    alerts = [alert(rng.choice(names), at=rng.uniform(0, 900), id=f"{n:03}") for n in range(150)]

    clusters = correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop)

    assert oracle(alerts, on, GAP_SEC, max_hop) == ids(clusters)


@given(batches(), graphs(), hops, st.randoms(use_true_random=False))
def test_order_of_alerts_does_not_matter(
    alerts: list[Alert], on: ServiceGraph, max_hop: int, rng: random.Random
) -> None:
    """Any order of the same alerts gives the same clusters in the same order."""
    shuffled = rng.sample(alerts, len(alerts))

    assert repr(correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop)) == repr(
        correlate(shuffled, on, gap_sec=GAP_SEC, max_hop=max_hop)
    )


@given(batches(), graphs(), hops)
def test_every_firing_alert_is_in_exactly_one_cluster(
    alerts: list[Alert], on: ServiceGraph, max_hop: int
) -> None:
    """Clusters part the firing alerts; nothing is lost, nothing counted twice."""
    clusters = correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop)

    assert sorted(a.id for a in alerts if not a.resolved) == sorted(a.id for c in clusters for a in c.alerts)


@given(batches(), graphs(), hops, st.integers(-T0, 10**12))
def test_shifting_all_times_shifts_nothing_but_times(
    alerts: list[Alert], on: ServiceGraph, max_hop: int, shift_ms: int
) -> None:
    """Clusters depend on how far apart alerts are, not on when they were."""
    moved = [a._replace(ts=a.ts + shift_ms) for a in alerts]

    expected = tuple(
        replace(
            c,
            alerts=tuple(a._replace(ts=a.ts + shift_ms) for a in c.alerts),
            first_ts=c.first_ts + shift_ms,
            last_ts=c.last_ts + shift_ms,
        )
        for c in correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop)
    )
    assert expected == correlate(moved, on, gap_sec=GAP_SEC, max_hop=max_hop)


@given(batches(), graphs(), hops)
def test_unrelated_nodes_change_nothing(alerts: list[Alert], on: ServiceGraph, max_hop: int) -> None:
    """Services that neither alert nor touch the others do not change a cluster."""
    elsewhere = [Edge("p", "q"), Edge("q", "r"), Edge("p", "r")]
    larger = graph(*on.edges, *elsewhere, nodes=[*on.nodes, "lonely"])

    assert correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop) == correlate(
        alerts, larger, gap_sec=GAP_SEC, max_hop=max_hop
    )


@given(batches(), graphs(), st.integers(0, 5))
def test_a_longer_reach_only_merges(alerts: list[Alert], on: ServiceGraph, max_hop: int) -> None:
    """Each cluster at one reach lies within one cluster at the next."""
    near = ids(correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop))
    far = ids(correlate(alerts, on, gap_sec=GAP_SEC, max_hop=max_hop + 1))

    assert all(any(small <= large for large in far) for small in near)
