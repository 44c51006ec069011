"""What no cluster may break: order, neighbours that are not concerned, real paths, sums that add up."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.domain.alert import Alert, LabelValue, Severity
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.graph import HOSTED_ON, Edge, ServiceGraph
from aiops_rca.domain.incident import IncidentHistory
from aiops_rca.domain.kinds import kind_of
from aiops_rca.domain.release import Parameters, Release
from aiops_rca.rank import FEATURES, LONE_SIGNAL_CONFIDENCE, STARTING_WEIGHTS, describe, rank
from aiops_rca.rank.logit import alone, outlook
from aiops_rca.rank.prior import prior_of
from aiops_rca.rank.strength import measure
from aiops_rca.recall.similar import similar
from builders import alert, cluster, graph, history, incident, release

KNOWN = "abcdefgh"
KINDS = ("service", "database", "gateway", "host", "external")
METRICS = (
    "latency_p99",
    "latency_p50",
    "error_rate",
    "cpu",
    "memory_used",
    "log_template_7",
    "requests",
    "odd",
)
methods = st.sampled_from(("logit", "pagerank"))
numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
labels: st.SearchStrategy[dict[str, LabelValue]] = st.dictionaries(
    st.sampled_from(("z", "peak_z", "peak", "baseline_median", "change_pct", "kind", "direction")),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(("up", "down", "latency", "error", "cpu", "network", "")),
    ),
    max_size=4,
)


@st.composite
def graphs(draw: st.DrawFn) -> ServiceGraph:
    """Draw a graph with cycles, hosts and passive nodes."""
    ends = st.tuples(st.sampled_from(KNOWN), st.sampled_from(KNOWN))
    types = st.sampled_from(["calls", "calls", HOSTED_ON])
    edges = draw(st.lists(st.builds(lambda e, t: Edge(e[0], e[1], t), ends, types), max_size=16))
    return graph(*edges, kinds=draw(st.dictionaries(st.sampled_from(KNOWN), st.sampled_from(KINDS))))


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Draw a cluster of one or more alerts of any kind and size, some of services the graph lacks."""
    signals = st.tuples(
        st.sampled_from(KNOWN + "xy"),
        st.sampled_from(METRICS),
        st.integers(0, 600),
        st.sampled_from(list(Severity)),
        numbers,
        numbers,
        labels,
    )
    drawn = draw(st.lists(signals, min_size=1, max_size=15))
    return cluster(*(made(i, *signal) for i, signal in enumerate(drawn)))


def made(
    i: int,
    service: str,
    metric: str,
    at: int,
    severity: Severity,
    value: float | None,
    threshold: float | None,
    labels: dict[str, LabelValue],
) -> Alert:
    """Make one alert of a drawn signal."""
    return alert(
        service, metric, id=str(i), at=at, severity=severity, value=value, threshold=threshold, labels=labels
    )


def pinned(shop: ServiceGraph, method: str, past: IncidentHistory | None = None) -> Release:
    """Make a release with the starting weights."""
    parameters = Parameters(rca_method=method)
    return release(shop, past=past, weights=STARTING_WEIGHTS, parameters=parameters)


@given(clusters(), graphs(), methods, st.sampled_from([None, *KNOWN]), st.randoms(use_true_random=False))
def test_the_order_of_the_alerts_does_not_matter(
    storm: Cluster, shop: ServiceGraph, method: str, target: str | None, rng: random.Random
) -> None:
    """Any order of the same alerts gives an equal ranking, evidence included."""
    shuffled = list(storm.alerts)
    rng.shuffle(shuffled)
    pin = pinned(shop, method)

    assert rank(cluster(*shuffled), pin, target=target) == rank(storm, pin, target=target)


@given(clusters(), graphs(), methods, st.sampled_from([None, *KNOWN]))
def test_a_ranking_holds_together(
    storm: Cluster, shop: ServiceGraph, method: str, target: str | None
) -> None:
    """Sums, order, probabilities, path and evidence are what they are said to be, for any input."""
    found = rank(storm, pinned(shop, method), target=target)
    names = [c.service for c in found.candidates]

    assert {a.service for a in storm.alerts} <= set(names)
    assert len(names) == len(set(names))
    assert names == [c.service for c in sorted(found.candidates, key=lambda c: (-c.score, c.service))]
    signals = len({a.fingerprint for a in storm.alerts})
    if signals > 1:
        assert sum(c.confidence for c in found.candidates) == pytest.approx(1.0, abs=1e-4)
    else:
        assert max(c.confidence for c in found.candidates) <= LONE_SIGNAL_CONFIDENCE
    for candidate in found.candidates:
        assert candidate.score == pytest.approx(sum(t.contribution for t in candidate.terms), abs=1e-6)
    assert all({a.id for a in storm.alerts} >= set(e.alert_ids) for e in found.evidence)
    assert len({e.id for e in found.evidence}) == len(found.evidence) <= 8


@given(clusters(), graphs(), st.sampled_from([None, *KNOWN]))
def test_the_path_is_a_chain_of_calls_to_the_first_candidate(
    storm: Cluster, shop: ServiceGraph, target: str | None
) -> None:
    """Every step is an edge that is a call, each starts where the last ended, no service comes twice."""
    found = rank(storm, pinned(shop, "logit"), target=target)
    steps = found.path

    assert all(step.target in shop.callees[step.source] for step in steps)
    assert all(a.target == b.source for a, b in itertools.pairwise(steps))
    assert len({step.target for step in steps}) == len(steps)
    assert not steps or steps[-1].target == found.candidates[0].service


@given(clusters(), graphs(), methods)
def test_services_far_away_change_nothing(storm: Cluster, shop: ServiceGraph, method: str) -> None:
    """Nodes and edges among services that neither alert nor are called by one that does are not seen."""
    wider = graph(
        *shop.edges,
        *("p -> q", "q -> r", "p -> a"),
        kinds={name: node.kind for name, node in shop.nodes.items()},
    )

    assert rank(storm, pinned(wider, method)) == rank(storm, pinned(shop, method))


@given(clusters(), graphs())
def test_features_lie_between_zero_and_one(storm: Cluster, shop: ServiceGraph) -> None:
    """Weights mean the same in every cluster; `passive` is the one feature below zero."""
    for row in describe(storm, pinned(shop, "logit")).rows:
        values = dict(zip(FEATURES, row, strict=True))
        assert values.pop("passive") in (0.0, -1.0)
        assert [v for v in values.values() if not 0.0 <= v <= 1.01] == []


@given(clusters(), graphs(), methods, st.permutations(KNOWN + "xy"), st.permutations(range(len(METRICS))))
def test_names_mean_nothing(
    storm: Cluster, shop: ServiceGraph, method: str, names: list[str], numbers: list[int]
) -> None:
    """Other names for services, and for metrics of given kinds, change no score and no confidence."""
    service = dict(zip(KNOWN + "xy", names, strict=True))
    metric = {m: METRICS[n] for m, n in zip(METRICS, numbers, strict=True)}
    told = [
        a._replace(labels={"direction": "up", **a.labels, "kind": kind_of(a.metric, a.labels)})
        for a in storm.alerts
    ]
    told = [a for a in told if a.labels["kind"] != "other"] or told[:1]
    plain = [a._replace(metric=f"m{METRICS.index(a.metric) * 'i'}") for a in told]
    renamed = [
        a._replace(service=service[a.service], metric=f"m{METRICS.index(metric[b.metric]) * 'i'}")
        for a, b in zip(plain, told, strict=True)
    ]
    other = graph(
        *(Edge(service[e.source], service[e.target], e.type) for e in shop.edges),
        kinds={service[name]: node.kind for name, node in shop.nodes.items()},
    )

    before = rank(cluster(*plain), pinned(shop, method)).candidates
    after = rank(cluster(*renamed), pinned(other, method)).candidates

    assert {service[c.service]: (c.score, c.confidence) for c in before} == {
        c.service: (c.score, c.confidence) for c in after
    }


@given(clusters(), graphs(), st.sampled_from([None, *KNOWN]), st.sampled_from(KNOWN))
def test_a_lone_alert_is_ranked_as_the_walk_ranks_it(
    storm: Cluster, shop: ServiceGraph, target: str | None, root: str
) -> None:
    """What is remembered of lone alerts is what a walk would find."""
    lone = storm.alerts[:1]
    pin = pinned(shop, "logit", history(incident("INC", root, (lone[0].service, lone[0].metric))))
    prior = prior_of(pin.history)
    alike = prior.look_alikes(lone)

    walked = outlook(measure(lone, prior.rarity), pin, alike, target)
    remembered = alone(lone[0], pin, alike)

    assert (remembered.candidates, remembered.path) == (walked.candidates, walked.path)


@given(
    clusters(), st.lists(st.tuples(st.sampled_from(KNOWN), st.sampled_from(METRICS)), min_size=1, max_size=30)
)
def test_evidence_names_only_incidents_that_recall_shows(storm: Cluster, seen: list[tuple[str, str]]) -> None:
    """What ranking calls similar is similar to whoever looks the incidents up."""
    past = history(*(incident(f"INC-{i}", "a", *seen[i : i + 4]) for i in range(len(seen))))
    shown = {s.id for s in similar(storm, past, limit=len(seen))}
    spoken = prior_of(past).look_alikes(storm.alerts).incidents

    assert {id_ for ids in spoken.values() for id_ in ids} <= shown


@given(clusters(), graphs(), st.sampled_from(KNOWN))
def test_a_past_that_looks_alike_only_ever_helps_its_cause(
    storm: Cluster, shop: ServiceGraph, root: str
) -> None:
    """One past incident adds a history term to its root cause and to no other candidate."""
    signals = [(a.service, a.metric) for a in storm.alerts]
    found = rank(storm, pinned(shop, "logit", history(incident("INC", root, *signals))))
    touched = {c.service for c in found.candidates if any(t.name == "history" for t in c.terms)}

    assert touched <= {root}
