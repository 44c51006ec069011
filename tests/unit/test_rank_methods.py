"""The one interface of ranking: both methods, their candidates, terms and confidences."""

from __future__ import annotations

import math

import pytest

from aiops_rca.domain.candidate import Candidate, Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import HOSTED_ON, Edge, ServiceGraph
from aiops_rca.domain.release import Parameters
from aiops_rca.rank import FEATURES, STARTING_WEIGHTS, describe, rank
from aiops_rca.rank.document import read_ranker
from aiops_rca.rank.pagerank import personalised
from builders import alert, chain, cluster, graph, history, incident, release

METHODS = ("logit", "pagerank")
SHOP = graph("web -> cart", "cart -> redis", "web -> ads", kinds={"redis": "cache"})
STORM = cluster(
    alert("web", "latency_p99", at=3, labels={"z": 8}),
    alert("cart", "latency_p99", at=2, labels={"z": 9}),
    alert("redis", "latency_p99", at=1, labels={"z": 12}),
    alert("redis", "memory_used", labels={"z": 12}),
)


def ranked(
    storm: Cluster = STORM, shop: ServiceGraph = SHOP, *, method: str = "logit", target: str | None = None
) -> Ranking:
    """Rank *storm* with the starting weights."""
    pin = release(shop, weights=STARTING_WEIGHTS, parameters=Parameters(rca_method=method))
    return rank(storm, pin, target=target)


def names(ranking: Ranking) -> list[str]:
    """Return the candidates' names, best first."""
    return [candidate.service for candidate in ranking.candidates]


def of(ranking: Ranking, service: str) -> Candidate:
    """Return one candidate."""
    return next(c for c in ranking.candidates if c.service == service)


@pytest.mark.parametrize("method", METHODS)
def test_the_deepest_service_of_a_chain_of_symptoms_comes_first(method: str) -> None:
    """Both methods flow to the callee."""
    assert names(ranked(method=method))[0] == "redis"


def test_an_unknown_method_is_named() -> None:
    """A method nobody wrote is an input error, not a crash."""
    with pytest.raises(InputError, match="unknown method 'oracle'"):
        ranked(method="oracle")


@pytest.mark.parametrize("method", METHODS)
def test_terms_add_up_to_the_score(method: str) -> None:
    """The explanation is the score."""
    for candidate in ranked(method=method).candidates:
        total = math.fsum(term.contribution for term in candidate.terms)
        assert total == pytest.approx(candidate.score, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_confidences_are_a_probability_each_and_one_together(method: str) -> None:
    """No candidate is ever certain as long as there is another."""
    confidences = [c.confidence for c in ranked(method=method).candidates]

    assert sum(confidences) == pytest.approx(1.0, abs=1e-5)
    assert all(0.0 < confidence < 1.0 for confidence in confidences)


@pytest.mark.parametrize("method", METHODS)
def test_a_service_the_graph_does_not_know_is_a_candidate(method: str) -> None:
    """An incomplete graph hides nobody."""
    storm = cluster(*STORM.alerts, alert("stranger", "error_rate"))

    assert "stranger" in names(ranked(storm, method=method))


def test_a_silent_callee_of_the_symptom_is_a_candidate_below_alerting_ones() -> None:
    """Blame that nothing explains is credited to silent callees."""
    found = ranked(cluster(alert("web", "latency_p99")))

    assert names(found) == ["web", "ads", "cart"]
    assert [term.name for term in of(found, "ads").terms] == ["lg_silflow"]


def test_a_silent_host_is_no_candidate() -> None:
    """Hosts are named only when they alert."""
    shop = graph("web -> cart", Edge("web", "node", HOSTED_ON), kinds={"node": "host"})
    quiet = ranked(cluster(alert("web", "latency_p99")), shop)
    loud = ranked(cluster(alert("web", "latency_p99"), alert("node", "cpu")), shop)

    assert "node" not in names(quiet)
    assert "node" in names(loud)


def test_a_load_balancer_passes_faults_on() -> None:
    """A passive kind costs a candidate its weight of `passive`."""
    passive = ranked(shop=graph(*("web -> cart", "cart -> redis"), kinds={"redis": "loadbalancer"}))

    assert of(ranked(), "redis").score - of(passive, "redis").score == pytest.approx(1.0)


def test_equal_scores_are_ordered_by_name() -> None:
    """Ties do not depend on the order of alerts."""
    storm = cluster(*(alert(service, "cpu") for service in "cab"))

    assert names(ranked(storm, graph(nodes="abc"))) == ["a", "b", "c"]


def test_alerts_that_are_no_symptom_still_rank() -> None:
    """A cluster without latency and errors is ranked by what there is."""
    storm = cluster(alert("web", "cpu"), alert("redis", "memory_used", labels={"z": 30}))

    assert len(ranked(storm).candidates) == 2


def test_a_look_alike_from_the_past_adds_a_history_term() -> None:
    """What caused it last time gets a bonus, shown as such."""
    past = history(incident("INC-1", "cart", ("cart", "latency_p99"), ("web", "latency_p99")))
    pin = release(SHOP, past=past, weights=STARTING_WEIGHTS)
    found = rank(cluster(alert("cart", "latency_p99"), alert("web", "latency_p99")), pin)

    assert "history" in [term.name for term in of(found, "cart").terms]
    assert "history" not in [term.name for term in of(found, "web").terms]


def test_described_rows_have_one_value_per_feature() -> None:
    """A fit sees the candidates the ranking sees."""
    table = describe(STORM, release(SHOP))

    assert list(table.services) == sorted(names(ranked()))
    assert {len(row) for row in table.rows} == {len(FEATURES)}


def test_resource_features_are_shares() -> None:
    """The strongest on a resource takes the whole of it, ties split it."""
    storm = cluster(alert("web", "cpu"), alert("cart", "cpu"), alert("redis", "memory_used"))
    table = describe(storm, release(SHOP))
    top = dict(zip(table.services, (row[FEATURES.index("res_top")] for row in table.rows), strict=True))

    assert top == {"web": 0.25, "cart": 0.25, "redis": 0.5}


def test_pagerank_restarts_where_nothing_is_called() -> None:
    """All mass stays in the system, and most of it with the last callee."""
    found = personalised(chain("a", "b", "c"), {"a": 0.5, "b": 0.25, "c": 0.25})

    assert sum(found.values()) == pytest.approx(1.0)
    assert max(found, key=lambda service: found[service]) == "c"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        pytest.param({"temperature": 0.7, "weights": {"magic": 1}}, "weights.magic", id="unknown feature"),
        pytest.param({"temperature": 0, "weights": {}}, "temperature", id="no temperature"),
        pytest.param({"weights": {}}, "temperature", id="missing"),
        pytest.param({"temperature": float("inf"), "weights": {}}, "temperature", id="infinite temperature"),
        pytest.param(
            {"temperature": 1, "weights": {"alerting": float("inf")}}, "weights", id="infinite weight"
        ),
        pytest.param({"temperature": 1, "weights": {"alerting": float("nan")}}, "weights", id="no number"),
    ],
)
def test_a_ranker_file_with_a_mistake_names_the_place(document: object, field: str) -> None:
    """Weights that would be ignored in silence are refused."""
    with pytest.raises(InputError) as caught:
        read_ranker(document, version="test")

    assert caught.value.field == field
