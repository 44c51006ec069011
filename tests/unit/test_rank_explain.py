"""The path and the sentences that say why the first candidate leads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.candidate import PathStep, Ranking
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.rank import STARTING_WEIGHTS, rank
from aiops_rca.rank.wording import deviation, listed
from builders import T0, alert, chain, cluster, graph, history, incident, release

MIDNIGHT = T0 // 86_400_000 * 86_400_000


def explained(shop: ServiceGraph, *alerts: Alert, target: str | None = None) -> Ranking:
    """Rank *alerts* with the starting weights."""
    return rank(cluster(*alerts), release(shop, weights=STARTING_WEIGHTS), target=target)


def slow(service: str, z: float = 8) -> Alert:
    """Make a latency alert."""
    return alert(service, "latency_p99", labels={"z": z})


def test_the_path_runs_from_the_symptom_along_calls() -> None:
    """Each step is a call, the last one ends at the root cause."""
    found = explained(chain("web", "cart", "redis"), slow("web"), slow("cart"), slow("redis"))

    assert found.path == (PathStep("web", "cart"), PathStep("cart", "redis"))


def test_the_path_names_the_silent_service_in_between() -> None:
    """A proxy that does not alert is part of the chain."""
    found = explained(chain("web", "proxy", "cart"), slow("web"), slow("cart"), alert("cart", "cpu"))

    assert found.path == (PathStep("web", "proxy"), PathStep("proxy", "cart"))


def test_the_path_takes_the_way_that_explains_more() -> None:
    """Of two ways of equal length the one whose latency matches is shown."""
    shop = graph("web -> a", "web -> b", "a -> db", "b -> db")
    found = explained(shop, slow("web", 9), slow("a", 4), slow("b", 9), slow("db", 30), alert("db", "cpu"))

    assert found.path == (PathStep("web", "b"), PathStep("b", "db"))


@pytest.mark.parametrize(
    ("shop", "alerts"),
    [
        pytest.param(chain("web", "cart"), (slow("web"),), id="the symptom itself"),
        pytest.param(graph(nodes=["web", "db"]), (slow("web"), alert("db", "cpu")), id="nobody calls it"),
        pytest.param(graph(), (slow("web"),), id="not in the graph"),
    ],
)
def test_the_path_is_empty_where_there_is_none(shop: ServiceGraph, alerts: tuple[Alert, ...]) -> None:
    """No chain of calls is made up."""
    assert explained(shop, *alerts).path == ()


def test_every_sentence_rests_on_alerts_of_the_cluster() -> None:
    """Evidence can be checked: its alerts exist, its ids differ, there are eight at most."""
    alerts = [slow(s) for s in ("web", "cart", "redis")] + [
        alert("redis", metric, at=i) for i, metric in enumerate(("cpu", "memory", "disk", "evictions"))
    ]
    found = explained(chain("web", "cart", "redis"), *alerts).evidence
    known = {a.id for a in alerts}

    assert 0 < len({e.id for e in found}) == len(found) <= 8
    assert all(e.alert_ids and known.issuperset(e.alert_ids) for e in found)


@pytest.mark.parametrize(
    ("feature", "kind"), [("res_top", "resource"), ("alerting", "alert"), ("lg_flow", "blame")]
)
def test_the_weightiest_reason_comes_first(feature: str, kind: str) -> None:
    """Reasons are ordered by what their terms contribute to the score."""
    pin = release(chain("web", "cart"), weights={feature: 9.0, "lg_loc": 1.0})
    found = rank(cluster(slow("web"), slow("cart"), alert("cart", "cpu")), pin)

    assert (found.candidates[0].service, found.evidence[0].kind) == ("cart", kind)


def test_the_share_a_callee_accounts_for_is_told() -> None:
    """The link that moved the blame is a sentence."""
    found = explained(chain("web", "cart"), slow("web"), slow("cart"), alert("cart", "cpu"))

    assert "100 % of web's latency is accounted for by cart's latency" in [e.text for e in found.evidence]


def test_a_silent_candidate_says_so() -> None:
    """Nothing is claimed of a service that sent nothing."""
    pin = release(chain("web", "cart"), weights={"lg_silflow": 5.0})
    found = rank(cluster(slow("web")), pin)

    assert found.evidence[0].text == (
        "cart has no alert of its own; what web suffers from is not accounted for by anything else it calls"
    )


def test_past_incidents_with_the_same_cause_are_named() -> None:
    """A look-alike is evidence with its id."""
    past = history(incident("INC-7", "web", ("web", "latency_p99")))
    pin = release(chain("web"), past=past, weights=STARTING_WEIGHTS)
    texts = [e.text for e in rank(cluster(slow("web")), pin).evidence]

    assert "web was the cause of 1 similar past incident: INC-7" in texts


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(alert(value=6, threshold=0.5), "is 12x its threshold", id="times"),
        pytest.param(alert(value=2.44, threshold=1), "is 2.4x its threshold", id="a few times"),
        pytest.param(alert(value=1.01, threshold=1), "is just over its threshold", id="barely"),
        pytest.param(alert(value=1, threshold=1), "is at its threshold", id="on it"),
        pytest.param(
            alert(value=0.4, threshold=1, labels={"direction": "down"}),
            "is at 40 % of its threshold",
            id="below",
        ),
        pytest.param(
            alert(value=0.4, threshold=1),
            "alerts (warning), though 0.4 is better than its threshold 1",
            id="on the good side",
        ),
        pytest.param(alert(value=9e9, threshold=1), "is more than 10000x its threshold", id="absurd"),
        pytest.param(
            alert(labels={"peak": 3, "baseline_median": 1}), "is 3.0x its usual value", id="over the usual"
        ),
        pytest.param(alert(value=1, threshold=0), "is at 1, threshold 0", id="no ratio"),
        pytest.param(alert(severity=Severity.CRITICAL), "alerts (critical)", id="nothing measured"),
    ],
)
def test_a_deviation_reads_like_a_sentence(given: Alert, words: str) -> None:
    """How far, since when, how often."""
    at_three = replace_time(given, 3 * 3600 + 61)

    assert deviation([at_three]) == f"latency_p99 on cart {words} since 03:01:01 UTC (1 alert)"


def test_the_worst_alert_speaks_for_its_metric_since_the_first() -> None:
    """Four alerts of one metric are one sentence."""
    alerts = [replace_time(alert(value=v, threshold=1), i) for i, v in enumerate((2, 8, 3, 3))]

    assert deviation(alerts) == "latency_p99 on cart is 8.0x its threshold since 00:00:00 UTC (4 alerts)"


def test_times_have_a_date_where_a_cluster_lasts_more_than_a_day() -> None:
    """A time of day alone would be ambiguous."""
    first = replace_time(alert("web", "cpu"), 60)
    short, long = (explained(graph(nodes=["web"]), first, replace_time(first, s)) for s in (86_459, 86_460))

    assert "since 00:01:00 UTC" in short.evidence[0].text
    assert f"since {date_of(MIDNIGHT)} 00:01:00 UTC" in long.evidence[0].text


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("web", "users feel it at web: "),
        ("nowhere", "the symptom shows at web: "),
        (None, "the symptom shows"),
    ],
)
def test_where_it_is_felt_is_said_without_claiming_an_order(target: str | None, words: str) -> None:
    """Only a target is where users feel it; nothing is said of what came first."""
    storm = (slow("web"), slow("cart"), alert("cart", "cpu"))
    found = explained(chain("web", "cart"), *storm, target=target).evidence
    (text,) = (e.text for e in found if e.kind == "symptom")

    assert text.startswith(words)


def test_what_is_within_its_threshold_explains_nothing() -> None:
    """A callee that is faster than its threshold accounts for no share of its caller's latency."""
    calm = alert("cart", "latency_p99", value=0.001, threshold=1)
    storm = (alert("web", "latency_p99", value=2, threshold=1), calm)
    found = explained(chain("web", "cart"), *storm, target="web")

    assert [e.kind for e in found.evidence if e.kind == "blame"] == []
    assert found.candidates[0].service == "web"


def test_a_service_seen_through_is_said_to_show_no_symptom() -> None:
    """It may alert on something else, so it is not called silent."""
    storm = (
        slow("web"),
        alert("proxy", "queue_depth"),
        slow("cart"),
        alert("cart", "cpu"),
        alert("cart", "disk"),
    )
    texts = [e.text for e in explained(chain("web", "proxy", "cart"), *storm).evidence]

    assert any(text.endswith("through proxy, which shows neither latency nor errors") for text in texts)


def test_the_worst_of_equals_is_not_called_the_worst() -> None:
    """Two services with the same load are said to be equal."""
    storm = (slow("web"), alert("cart", "cpu", labels={"z": 9}), alert("ads", "cpu", labels={"z": 9}))
    texts = [e.text for e in explained(graph("web -> cart", nodes=["ads"]), *storm).evidence]

    assert "none of the 2 services that alert on cpu is worse than cart" in texts


def test_what_else_explains_a_caller_is_told_of_a_silent_candidate() -> None:
    """A caller that is partly explained is not said to be unexplained."""
    shop = graph("web -> cart", "web -> ads")
    pin = release(shop, weights={"lg_silflow": 9.0})
    storm = cluster(
        alert("web", labels={"peak": 11, "baseline_median": 1, "z": 8}),
        alert("cart", labels={"peak": 3, "baseline_median": 1, "z": 8}),
    )

    assert rank(storm, pin).evidence[0].text == (
        "ads has no alert of its own; what web suffers from is accounted for up to 20 % only "
        "by anything else it calls"
    )


def test_lists_read_naturally() -> None:
    """Commas, and an `and` before the last."""
    assert [listed(words) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


def date_of(ts: int) -> str:
    """Return the day of *ts*."""
    return f"{datetime.fromtimestamp(ts / 1000, UTC):%Y-%m-%d}"


def replace_time(given: Alert, seconds: int) -> Alert:
    """Return *given* at *seconds* after midnight."""
    return given._replace(ts=MIDNIGHT + seconds * 1000)
