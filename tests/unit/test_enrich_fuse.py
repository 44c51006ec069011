"""What a vote of the language model may do to the graph's ranking."""

from __future__ import annotations

import pytest

from aiops_rca.domain.candidate import Candidate
from aiops_rca.enrich.fuse import MOST_WEIGHT, fuse


def _candidates(*confidences: float) -> tuple[Candidate, ...]:
    return tuple(Candidate(f"s{place}", value, value, ()) for place, value in enumerate(confidences))


def test_a_grounded_vote_breaks_a_near_tie() -> None:
    """Two pieces of evidence about the second of two that are nearly equal put it first."""
    found = fuse(_candidates(0.48, 0.44), 1, supports=2, contradicts=0)

    assert found.moved
    assert found.weight == MOST_WEIGHT
    assert 0.44 < found.confidence <= 0.48


def test_a_vote_without_evidence_counts_for_nothing() -> None:
    """Between equals, a vote that cites nothing about its choice moves nothing."""
    assert fuse(_candidates(0.48, 0.48), 1, supports=0, contradicts=0) == (0.0, False, 0.48)


def test_evidence_against_the_choice_takes_from_its_weight() -> None:
    """What speaks against it is subtracted from what speaks for it."""
    assert fuse(_candidates(0.48, 0.47), 1, supports=2, contradicts=2).weight == 0
    assert fuse(_candidates(0.48, 0.47), 1, supports=3, contradicts=2).weight == pytest.approx(0.15)


def test_a_clear_lead_stands() -> None:
    """However much the model cites, what the graph is clear about stays."""
    found = fuse(_candidates(0.6, 0.3), 1, supports=20, contradicts=0)

    assert (found.moved, found.confidence) == (False, 0.6)


def test_agreement_is_no_news() -> None:
    """A vote for the first candidate changes no number: the model has seen the ranking."""
    assert fuse(_candidates(0.5, 0.4), 0, supports=9, contradicts=0) == (0.0, False, 0.5)


def test_one_piece_of_evidence_breaks_closer_ties_only() -> None:
    """Half the support, half the weight: 0.40 to 0.30 takes two pieces."""
    tie = _candidates(0.40, 0.30)

    assert not fuse(tie, 1, supports=1, contradicts=0).moved
    assert fuse(tie, 1, supports=2, contradicts=0).moved


def test_a_candidate_without_any_confidence_is_never_named() -> None:
    """What the graph rules out stays out."""
    assert not fuse(_candidates(0.5, 0.0), 1, supports=9, contradicts=0).moved
