"""Wire rows to domain alerts: times, severities, resolved ones, duplicates."""

from __future__ import annotations

import pytest

from aiops_rca.domain.alert import Severity
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.times import epoch_ms
from aiops_rca.ingest.batch import read_alerts

ROW = {"id": "a", "ts": "2026-06-08T03:00:00Z", "service": "s", "metric": "m", "severity": "info"}
AT = 1_780_887_600_000


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-06-08T03:00:00Z", AT),
        ("2026-06-08t03:00:00z", AT),
        ("2026-06-08 03:00:00", AT),
        ("2026-06-08T03:00:00", AT),
        ("2026-06-08T05:00:00+02:00", AT),
        ("2026-06-08T03:00:00.123Z", AT + 123),
        ("2026-06-08T03:00:00.1234567Z", AT + 123),
        ("2026-06-08T03:00:00.123456789Z", AT + 123),
        (AT / 1000, AT),
        (AT, AT),
        (AT + 0.4, AT),
        (0, 0),
    ],
)
def test_times_are_read(written: str | float, expected: int) -> None:
    """RFC 3339 with or without zone, epoch seconds and milliseconds give the same instant."""
    assert epoch_ms(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *("", "yesterday", "2026-06-08", "20260608T030000Z", "2026-W23-1T03:00:00"),
        *("2026-13-01T00:00:00Z", "2026-06-08T25:00:00Z", "9999-99-99T99:99:99Z", "0001-01-01T00:00:00Z"),
        *("2026-06-08T03:00:00+99:00", "1780887600", "\uff12\uff10\uff12\uff16-06-08T03:00:00Z"),
        *(-1.0, 1e18, float("inf"), float("nan")),
    ],
)
def test_other_times_are_refused(written: str | float) -> None:
    """What is neither is an error, not a guess."""
    with pytest.raises(ValueError, match=r"."):
        epoch_ms(written)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("CRITICAL", Severity.CRITICAL), ("Info", Severity.INFO), (" error ", Severity.ERROR)],
)
def test_severities_come_in_any_case(word: str, expected: Severity) -> None:
    """Case and surrounding blanks do not matter."""
    assert read_alerts([{**ROW, "severity": word}])[0].severity == expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"severity": "loud"}, "alerts[1].severity"),
        ({"ts": "soon"}, "alerts[1].ts"),
        ({"id": "a"}, "alerts[1].id"),
        ({"service": None}, "alerts[1].service"),
    ],
)
def test_the_row_at_fault_is_named(change: dict[str, object], field: str) -> None:
    """The error says which alert and which key."""
    with pytest.raises(InputError) as caught:
        read_alerts([ROW, {**ROW, "id": "b", **change}])

    assert caught.value.field == field


@pytest.mark.parametrize(
    "change", [{"status": "resolved"}, {"status": "Resolved"}, {"labels": {"status": "resolved"}}]
)
def test_resolved_alerts_are_told_apart(change: dict[str, object]) -> None:
    """Both the key and the label say that an alert is over."""
    assert read_alerts([{**ROW, **change}])[0].resolved
    assert not read_alerts([ROW])[0].resolved


def test_measuring_does_not_change_who_an_alert_is() -> None:
    """Id, time, value, threshold, severity and measuring labels stay out of the fingerprint."""
    again = {"id": "b", "ts": 5, "value": 3, "threshold": 1, "severity": "critical"}
    measured = {"labels": {"z": 9, "baseline_scale": 2, "pod": "p"}}
    first, second, other = read_alerts(
        [
            {**ROW, "labels": {"pod": "p"}},
            {**ROW, **again, **measured},
            {**ROW, "id": "c", "labels": {"pod": "q"}},
        ]
    )

    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != other.fingerprint
