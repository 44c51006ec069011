"""Which past incidents are recalled, how alike they are said to be, and why."""

from __future__ import annotations

import pytest

from aiops_rca.domain.diagnosis import SimilarIncident
from aiops_rca.domain.incident import PastAlert
from aiops_rca.recall.similar import similar
from builders import alert, cluster, history, incident

REDIS = incident(
    "INC-redis",
    "redis",
    ("redis", "memory_used_bytes"),
    ("redis", "evictions"),
    ("cart", "latency_p99"),
    ("frontend", "latency_p99"),
    fix="Raised maxmemory.",
)
PAYMENT = incident(
    "INC-payment",
    "payment",
    ("payment", "error_rate"),
    ("checkout", "error_rate"),
    ("frontend", "latency_p99"),
)
ADS = incident("INC-ads", "ads", ("ads", "cpu_pct"), ("frontend", "latency_p99"))
CATALOG = incident("INC-catalog", "catalog", ("catalog", "memory_rss"), ("frontend", "error_rate"))
PAST = history(REDIS, PAYMENT, ADS, CATALOG)


def seen(*signals: tuple[str, str], limit: int = 3) -> tuple[SimilarIncident, ...]:
    """Return what is recalled when *signals* fire."""
    return similar(cluster(*(alert(*signal) for signal in signals)), PAST, limit=limit)


def test_an_empty_history_recalls_nothing() -> None:
    """No past, no look-alikes."""
    assert similar(cluster(alert()), history(), limit=3) == ()


def test_the_same_signals_score_one() -> None:
    """An incident that repeats itself is recalled first, with all that is known of it."""
    first = seen(*((a.service, a.metric) for a in REDIS.alerts))[0]

    assert (first.id, first.score) == ("INC-redis", 1.0)
    assert (first.root_cause, first.fix) == ("redis", "Raised maxmemory.")


def test_the_reason_names_what_matched_most_telling_first() -> None:
    """Shared signals are counted and named; what every incident has comes last."""
    first = seen(("frontend", "latency_p99"), ("redis", "evictions"), ("cart", "latency_p99"))[0]

    assert first.reason == "same 3 of 4 signals: cart latency_p99, redis evictions, frontend latency_p99"


def test_metrics_that_differ_in_digits_are_one_signal() -> None:
    """Another percentile of the same latency matches; the reason says what fires now."""
    first = seen(("cart", "latency_p50"), ("redis", "evictions"))[0]

    assert first.id == "INC-redis"
    assert "cart latency_p50" in first.reason


def test_rare_signals_count_more_than_common_ones() -> None:
    """One telling signal outweighs one that nearly every incident has."""
    first, second = seen(("ads", "cpu_pct"), ("frontend", "latency_p99"), ("checkout", "error_rate"))[:2]

    assert (first.id, second.id) == ("INC-ads", "INC-payment")


def test_signals_nobody_has_seen_make_less_alike() -> None:
    """What is new about the cluster counts against every past incident."""
    known = [("payment", "error_rate"), ("checkout", "error_rate")]

    assert seen(*known)[0].score > seen(*known, ("new", "cpu"), ("new", "disk"))[0].score


def test_other_metrics_of_the_same_kind_match_half() -> None:
    """With another vocabulary of metrics the kinds still tell."""
    first = seen(("catalog", "oom_kills"), ("frontend", "http_5xx"))[0]

    assert (first.id, first.score) == ("INC-catalog", 0.5)
    assert first.reason == "same 2 of 2 kinds of alert, other metrics: catalog memory, frontend error"


def test_the_same_services_match_a_quarter() -> None:
    """With nothing else in common the set of services still tells."""
    first = seen(("payment", "x"), ("checkout", "y"), ("frontend", "z"))[0]

    assert (first.id, first.score) == ("INC-payment", 0.25)
    assert first.reason == "same 3 of 3 services, other metrics: checkout, payment, frontend"


def test_the_kind_label_of_a_past_alert_counts() -> None:
    """A kind may be given where the metric's name does not tell."""
    past = history(incident("A", "db", PastAlert("db", "saturation", {"kind": "disk"})), ADS)

    assert similar(cluster(alert("db", "volume_full")), past, limit=1)[0].score == 0.5


def test_what_has_little_in_common_is_not_recalled() -> None:
    """A signal that nearly every incident has does not make one of them similar."""
    assert seen(("frontend", "latency_p99"), ("x", "m"), ("y", "m"), ("z", "m")) == ()


def test_nothing_in_common_recalls_nothing() -> None:
    """Strange services have no look-alikes."""
    assert seen(("x", "m")) == ()


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_no_more_than_the_limit_is_recalled(limit: int) -> None:
    """The limit is a limit, none included."""
    found = seen(("ads", "cpu_pct"), ("payment", "error_rate"), limit=limit)

    assert len(found) == limit


def test_ties_go_to_the_incident_closed_last() -> None:
    """Of equals the newest comes first, then the smaller id; those never closed come last."""
    signal = ("db", "cpu_pct")
    past = history(
        incident("never", "db", signal),
        incident("old", "db", signal, closed_at=1),
        incident("new-b", "db", signal, closed_at=2),
        incident("new-a", "db", signal, closed_at=2),
    )

    found = similar(cluster(alert(*signal)), past, limit=4)

    assert [s.id for s in found] == ["new-a", "new-b", "old", "never"]


def test_repeated_alerts_count_once() -> None:
    """A flapping signal is one signal."""
    flapping = cluster(*(alert("ads", "cpu_pct", at=n) for n in range(50)))

    assert similar(flapping, PAST, limit=1) == similar(cluster(alert("ads", "cpu_pct")), PAST, limit=1)


def test_the_reason_stays_short() -> None:
    """However much matches and however long the names, a reason has some 200 characters."""
    signals = [(f"service-{n}-{'x' * n * 9}", "cpu") for n in range(40)]
    past = history(incident("A", "a", *signals), ADS)

    reason = similar(cluster(*(alert(*signal) for signal in signals)), past, limit=1)[0].reason

    assert len(reason) <= 200
    assert reason.startswith("same 40 of 40 signals: ")
    assert reason.endswith(" more")
