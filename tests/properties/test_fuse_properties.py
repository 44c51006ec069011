"""Bounds of the fusion that hold for every ranking and every vote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.domain.candidate import Candidate
from aiops_rca.enrich.fuse import MOST_WEIGHT, fuse

_SHARES = st.lists(st.floats(0.001, 1), min_size=1, max_size=8)
_COUNTS = st.integers(0, 30)


def _ranked(shares: list[float]) -> tuple[Candidate, ...]:
    total = sum(shares)
    ordered = sorted((share / total for share in shares), reverse=True)
    return tuple(Candidate(f"s{place}", value, value, ()) for place, value in enumerate(ordered))


@given(_SHARES, _COUNTS, _COUNTS, _COUNTS)
def test_a_vote_is_bounded(shares: list[float], choice: int, supports: int, contradicts: int) -> None:
    """Its weight has a limit, and nobody is named with more than the graph gave its own first."""
    candidates = _ranked(shares)
    found = fuse(candidates, choice % len(candidates), supports=supports, contradicts=contradicts)

    assert 0 <= found.weight <= MOST_WEIGHT
    assert 0 < found.confidence <= candidates[0].confidence + 1e-6


@given(_SHARES, _COUNTS, _COUNTS)
def test_only_near_ties_move(shares: list[float], choice: int, supports: int) -> None:
    """No vote names a candidate that the graph gives less than 55 % of the first one's confidence."""
    candidates = _ranked(shares)
    picked = candidates[choice % len(candidates)]
    found = fuse(candidates, choice % len(candidates), supports=supports, contradicts=0)

    if found.moved:
        assert picked.confidence > 0.55 * candidates[0].confidence


@given(_SHARES, _COUNTS, _COUNTS, _COUNTS)
def test_ungrounded_votes_move_nothing(shares: list[float], choice: int, less: int, more: int) -> None:
    """Without more evidence for than against, the ranking stands as it is."""
    candidates = _ranked(shares)
    supports, contradicts = sorted((less, more))
    found = fuse(candidates, choice % len(candidates), supports=supports, contradicts=contradicts)

    assert (found.weight, found.moved, found.confidence) == (0.0, False, candidates[0].confidence)
