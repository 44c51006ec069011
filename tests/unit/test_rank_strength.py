"""How loud one alert is, whatever its source measures, and how alerts of one key add up."""

from __future__ import annotations

import math

import pytest

from aiops_rca.domain.alert import Alert, LabelValue, Severity
from aiops_rca.domain.kinds import kind_of
from aiops_rca.rank.strength import excess, magnitude, measure, number
from builders import alert


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(alert(labels={"z": 4, "peak_z": 12.0}), math.log(4), id="peak_z before z"),
        pytest.param(alert("a", "odd", labels={"z": -4.0}), math.log(2), id="z of either sign"),
        pytest.param(alert(labels={"z": "4"}), math.log(2), id="z as text"),
        pytest.param(alert("a", "odd", labels={"change_pct": -60}), math.log(4), id="change in percent"),
        pytest.param(
            alert(value=math.e, threshold=1.0, severity=Severity.INFO), math.log(3.5), id="over threshold"
        ),
        pytest.param(alert("a", "odd", value=1.0, threshold=math.e), math.log(3.5), id="under threshold"),
        pytest.param(alert(value=0.1, threshold=1.0), math.log(3), id="a latency below its threshold"),
        pytest.param(alert(labels={"z": -9}), math.log(3), id="a latency below normal"),
        pytest.param(alert(labels={"z": -9, "change_pct": 60}), math.log(4), id="the next measure"),
        pytest.param(
            alert(labels={"z": -4, "direction": "down"}), math.log(2), id="a latency that should not fall"
        ),
        pytest.param(alert("a", "availability", value=0.999, threshold=0.99), math.log(3), id="all is well"),
        pytest.param(
            alert("a", "disk_free_bytes", value=1.0, threshold=math.e), math.log(3.5), id="little is left"
        ),
        pytest.param(alert(severity=Severity.INFO), math.log(2), id="info"),
        pytest.param(alert(severity=Severity.CRITICAL), math.log(5), id="critical"),
        pytest.param(
            alert(value=0.0, threshold=5.0, severity=Severity.WARNING), math.log(3), id="no ratio to zero"
        ),
    ],
)
def test_magnitude_uses_the_best_measure_an_alert_carries(given: Alert, expected: float) -> None:
    """z, then change, then value over threshold, then severity."""
    assert magnitude(given) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(alert(value=9, threshold=5, labels={"peak": 12, "baseline_median": 2}), 10.0, id="peak"),
        pytest.param(alert(value=9, threshold=5, labels={"baseline_median": 2}), 7.0, id="value"),
        pytest.param(alert(value=9, threshold=5), 4.0, id="threshold"),
        pytest.param(alert(value=1, threshold=5), 0.0, id="on the good side"),
        pytest.param(alert("a", "success_ratio", value=0.75, threshold=1), 0.25, id="less is worse"),
        pytest.param(alert("a", "success_ratio", value=1, threshold=0.75), 0.0, id="more is better"),
        pytest.param(alert("a", "odd", value=1, threshold=5), 4.0, id="nobody knows"),
        pytest.param(alert(value=9), None, id="unknown"),
        pytest.param(alert(value=1e308, threshold=-1e308), None, id="beyond a float"),
    ],
)
def test_excess_is_the_distance_from_normal_where_known(given: Alert, expected: float | None) -> None:
    """Over the baseline if there is one, else over the threshold."""
    assert excess(given) == expected


@pytest.mark.parametrize("label", [None, True, "", "high", "nan", float("inf"), "1e999", 10**400])
def test_a_label_that_is_no_finite_number_is_none(label: LabelValue) -> None:
    """Odd labels are not measures."""
    assert number(label) is None


def test_the_less_is_available_the_louder_and_a_total_outage_is_loudest() -> None:
    """Availability of 0 has no logarithm, yet nothing is worse."""
    values = (0.98, 0.9, 0.5, 0.2, 0.05, 0.0)
    heard = [magnitude(alert("a", "availability", value=v, threshold=0.99)) for v in values]

    assert heard == sorted(heard)
    assert len({*heard}) == len(values)


def test_repeated_alerts_of_one_metric_grow_logarithmically() -> None:
    """Four alerts are 1 + ln 4 times as loud as one."""
    one = measure([alert("a", "latency", labels={"z": 4})])
    four = measure([alert("a", "latency", at=i, labels={"z": 4}) for i in range(4)])

    growth = four.loudest["a", "lat"] / one.loudest["a", "lat"]
    assert growth == pytest.approx(1 + math.log(4))


def test_percentiles_of_one_resource_metric_are_one_family() -> None:
    """Metric names that differ in digits only are counted together."""
    signals = measure([alert("a", "cpu_0"), alert("a", "cpu_17")])

    assert list(signals.families) == [("res", "cpu_#")]


def test_less_network_traffic_than_usual_speaks_for_nobody() -> None:
    """A fault elsewhere makes a network quiet, so `down` does not count as a local sign."""
    quiet = alert("a", "network_receive_bytes", labels={"direction": "down"})
    busy = alert("b", "network_receive_bytes", labels={"direction": "up"})

    assert measure([quiet, busy]).families == {
        ("net", "network_receive_bytes"): {"b": pytest.approx(math.log(3))}
    }


def test_rarity_scales_the_strength() -> None:
    """What has always been alerting counts less."""
    signals = measure([alert("a", "cpu"), alert("b", "cpu")], lambda service, _: {"a": 0.5}.get(service, 1.0))

    strengths = signals.families["res", "cpu"]
    assert strengths["a"] == pytest.approx(strengths["b"] / 2)


@pytest.mark.parametrize(
    ("metric", "label", "expected"),
    [
        pytest.param("container_fs_reads./dev/vda", "other", "disk", id="other asks the name"),
        pytest.param("container_threads", "other", "other", id="a name that says nothing either"),
        pytest.param("weird", "cpu", "cpu", id="a kind that is given counts"),
        pytest.param("cpu_" + "x" * 5000, None, "cpu", id="a very long name"),
        pytest.param("odd", "x" * 5000, "other", id="a very long label"),
    ],
)
def test_other_is_no_answer_to_what_an_alert_measures(metric: str, label: LabelValue, expected: str) -> None:
    """The kind `other` says as little as none, so the metric's name decides."""
    assert kind_of(metric, {"kind": label}) == expected
