"""Which diagnoses are worth a call."""

from __future__ import annotations

import pytest

from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.enrich import asking, gate
from aiops_rca.enrich.gate import SkipTerms
from aiops_rca.pipeline import diagnose_cluster
from builders import alert, chain, release

TERMS = SkipTerms(confidence=0.4, told=20, right=0.8)
DIAGNOSIS = diagnose_cluster([alert("cart"), alert("db", "cpu")], release(chain("cart", "db")))


def test_no_record_no_skip() -> None:
    """However confident: a system that nobody has judged yet is asked about."""
    sure = SkipTerms(confidence=0.0, told=1, right=0.01)

    assert gate.refusal(DIAGNOSIS, sure, NO_RECORD) is None


def test_a_good_record_lets_confident_diagnoses_pass() -> None:
    """Once confidence has proved right here, a call is saved."""
    assert gate.refusal(DIAGNOSIS, TERMS, TrackRecord(20, 20)) == asking.CONFIDENT


@pytest.mark.parametrize("record", [TrackRecord(19, 19), TrackRecord(18, 20), TrackRecord(70, 100)])
def test_a_thin_or_poor_record_does_not(record: TrackRecord) -> None:
    """Too few judged diagnoses, or too many wrong ones, and confidence still proves nothing."""
    assert gate.refusal(DIAGNOSIS, TERMS, record) is None


def test_below_the_threshold_somebody_is_asked() -> None:
    """The best record says nothing of diagnoses that are not confident."""
    wanting = TERMS._replace(confidence=0.99)

    assert gate.refusal(DIAGNOSIS, wanting, TrackRecord(500, 500)) is None


def test_the_record_is_read_with_caution() -> None:
    """20 of 20 support a share of .83, with 95 % certainty; nothing supports none."""
    assert TrackRecord(20, 20).at_least == pytest.approx(0.8389, abs=1e-4)
    assert TrackRecord(0, 0).at_least == 0
    assert TrackRecord(0, 50).at_least == pytest.approx(0, abs=1e-12)
    assert TrackRecord(90, 100).at_least < 0.9


def test_the_key_comes_before_the_switch() -> None:
    """Without a key nothing can be switched on; with one the switch decides."""
    assert gate.closed(has_key=False, enabled=False) == asking.NO_KEY
    assert gate.closed(has_key=True, enabled=False) == asking.FLAG_OFF
    assert gate.closed(has_key=True, enabled=True) is None


def test_every_reason_has_a_method() -> None:
    """What nobody was asked about says so in the answer."""
    methods = {reason: gate.method_of(reason) for reason in asking.SKIPS}

    assert methods[asking.NO_KEY] == "graph-only-no-key"
    assert methods[asking.FLAG_OFF] == "graph-only-flag-off"
    assert methods[asking.CONFIDENT] == "graph-only-confident"
    others = set(asking.SKIPS) - {asking.NO_KEY, asking.FLAG_OFF, asking.CONFIDENT}
    assert {methods[reason] for reason in others} == {"graph-only-skipped"}
