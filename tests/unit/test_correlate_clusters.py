"""What a cluster says of its alerts, and which cluster comes first."""

from __future__ import annotations

from aiops_rca.correlate import correlate
from aiops_rca.correlate.clusters import ranked
from aiops_rca.domain.alert import Severity
from builders import T0, alert, chain, cluster, graph

APART = graph(nodes=["a", "b"])


def test_a_cluster_sums_up_its_alerts() -> None:
    """Alerts are sorted by time and id; services, times and severity are those of the alerts."""
    late = alert("b", at=30, severity=Severity.CRITICAL)
    early = alert("a", at=10, severity=Severity.INFO)

    made = cluster(late, early)

    assert (early, late) == made.alerts
    assert made.services == ("a", "b")
    assert (made.first_ts, made.last_ts) == (T0 + 10_000, T0 + 30_000)
    assert Severity.CRITICAL is made.max_severity


def test_alerts_of_one_moment_are_sorted_by_id() -> None:
    """Equal times are no source of disorder."""
    second, first = alert("a", id="2"), alert("b", id="1")

    assert (first, second) == cluster(second, first).alerts


def test_the_id_does_not_depend_on_when_or_how_often_signals_fired() -> None:
    """The same set of signals has the same id on any day."""
    once = cluster(alert("a"), alert("b"))
    again = cluster(alert("a", at=9000), alert("b", at=9001), alert("b", at=9002))

    assert once.id == again.id
    assert len(once.id) == 16
    assert int(once.id, 16) >= 0


def test_the_id_depends_on_the_set_of_signals() -> None:
    """Another signal more makes another cluster id."""
    assert cluster(alert("a")).id != cluster(alert("a"), alert("b")).id


def test_the_cluster_with_most_alerts_comes_first() -> None:
    """Number of alerts outranks severity."""
    few = [alert("a", severity=Severity.CRITICAL)]
    many = [alert("b", at=1, severity=Severity.INFO), alert("b", "errors", at=2)]

    assert [len(c.alerts) for c in ranked([few, many])] == [2, 1]


def test_severity_decides_between_clusters_of_one_size() -> None:
    """The worse cluster comes first whatever its id."""
    mild = [alert("a", severity=Severity.WARNING)]
    bad = [alert("b", severity=Severity.CRITICAL)]

    assert [c.services[0] for c in ranked([mild, bad])] == ["b", "a"]


def test_the_id_decides_between_equals() -> None:
    """Clusters of one size and severity are sorted by id."""
    ids = [c.id for c in correlate([alert("a"), alert("b")], APART, gap_sec=120, max_hop=2)]

    assert sorted(ids) == ids
    assert len(set(ids)) == 2


def test_the_first_time_decides_between_clusters_of_one_id() -> None:
    """The same signal twice, far apart, makes two clusters of one id, the earlier first."""
    late, early = alert("a", at=5000, id="1"), alert("a", at=0, id="2")

    clusters = correlate([late, early], chain("a", "b"), gap_sec=120, max_hop=2)

    assert [(early,), (late,)] == [c.alerts for c in clusters]
    assert clusters[0].id == clusters[1].id
