"""How coarse the clock of a batch is, and how that widens the gap."""

from __future__ import annotations

import pytest

from aiops_rca.correlate import correlate
from aiops_rca.correlate.grid import sampling_grid
from builders import alert, chain

MINUTE = 60_000


def times(step_ms: int, count: int = 10) -> list[int]:
    """Return *count* times *step_ms* apart, from no round moment."""
    return [1_234_567 + n * step_ms for n in range(count)]


@pytest.mark.parametrize("minutes", [1, 5, 10, 15, 60])
def test_the_grid_is_the_step_of_the_times(minutes: int) -> None:
    """Each known grid is found, wherever its origin lies."""
    assert minutes * MINUTE == sampling_grid(times(minutes * MINUTE))


@pytest.mark.parametrize(("minutes", "grid"), [(2, 1), (7, 1), (20, 10), (30, 15), (120, 60)])
def test_the_grid_is_the_largest_known_one_that_fits(minutes: int, grid: int) -> None:
    """Another step has the largest known grid that divides it."""
    assert grid * MINUTE == sampling_grid(times(minutes * MINUTE))


def test_one_time_off_the_grid_means_no_grid() -> None:
    """All times have to agree, to the millisecond."""
    assert sampling_grid([*times(5 * MINUTE), 1_234_568]) == 0


def test_two_residues_have_the_grid_they_agree_on() -> None:
    """Five-minute alerts a minute apart from other five-minute alerts lie on a minute grid."""
    shifted = [time + MINUTE for time in times(5 * MINUTE)]

    assert sampling_grid(times(5 * MINUTE) + shifted) == MINUTE


def test_fewer_than_ten_alerts_show_no_grid() -> None:
    """Nine alerts may agree by chance."""
    assert sampling_grid(times(5 * MINUTE, 9)) == 0


def test_fewer_than_three_moments_show_no_grid() -> None:
    """Two moments always lie on some grid."""
    assert sampling_grid(times(5 * MINUTE, 2) * 5) == 0
    assert sampling_grid(times(5 * MINUTE, 3) * 4) == 5 * MINUTE


def test_alerts_on_a_coarse_grid_connect_across_one_step() -> None:
    """Five-minute alerts are one cluster although the gap is two minutes."""
    alerts = [alert("ab"[n % 2], at=300 * n) for n in range(10)]

    assert len(correlate(alerts, chain("a", "b"), gap_sec=120, max_hop=2)) == 1


def test_a_finer_grid_does_not_narrow_the_gap() -> None:
    """One-minute alerts two minutes apart still connect."""
    alerts = [alert("ab"[n % 2], at=120 * n + 60 * (n > 8)) for n in range(9)]
    alerts += [alert("a", "errors", at=960 + 60)]

    assert len(correlate(alerts, chain("a", "b"), gap_sec=120, max_hop=2)) == 1


def test_resolved_alerts_do_not_blur_the_grid() -> None:
    """Only firing alerts say how coarse the clock is."""
    alerts = [alert("ab"[n % 2], at=300 * n) for n in range(10)]
    alerts.append(alert("a", at=7, resolved=True))

    assert len(correlate(alerts, chain("a", "b"), gap_sec=120, max_hop=2)) == 1
