"""Times as senders write them."""

from __future__ import annotations

import pytest

from aiops_rca.ingest.moment import Span, moment, span

MOMENT = 1_784_505_600_123


@pytest.mark.parametrize(
    "said",
    [
        "2026-07-20T00:00:00.123Z",
        "2026-07-20T00:00:00.1234567Z",
        "2026-07-20T00:00:00.123456789Z",
        "2026-07-20T02:00:00.123456789+02:00",
        "2026-07-20T02:00:00.123+0200",
        "2026-07-20T00:00:00.123",
        " 2026-07-20 00:00:00.123Z ",
        "2026-07-20 00:00:00.123456789 +0000 UTC",
        "2026-07-20 02:00:00.123 +0200 CEST m=+0.000000001",
        "2026-07-20 00:00:00.123 UTC",
        1_784_505_600.123,
        1_784_505_600_123,
        1_784_505_600_123_456,
        1_784_505_600_123_456_789,
        "1784505600.123",
        "1784505600123",
        "1784505600123456",
        "1784505600123456789",
    ],
)
def test_one_moment_in_every_notation(said: object) -> None:
    """Seconds to nanoseconds, as number or text, RFC 3339 with any digits and Go's own format agree."""
    assert moment(said) == MOMENT


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "  ",
        "null",
        "<no value>",
        0,
        0.0,
        "0",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:00",
        "0001-01-01 00:00:00 +0000 UTC",
        -62_135_596_800,
        "-62135596800000",
    ],
)
def test_a_zero_time_says_nothing(said: object) -> None:
    """The zero values of several languages are no times."""
    assert moment(said) is None


@pytest.mark.parametrize(
    "said",
    [
        *["yesterday", "2026-13-01T00:00:00Z", "2026-07-20", "+053096-01-01T00:00:00Z", "12:00", "x" * 500],
        *[True, [], {}, -5, 1e30, float("nan"), float("inf"), 10**400, "9" * 60, "1e99"],
    ],
)
def test_what_is_no_time_is_refused(said: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"."):
        moment(said)


def test_a_firing_alert_has_no_end() -> None:
    """An end that a sender foresees is none yet."""
    assert span(MOMENT, MOMENT + 5, resolved=False, latest=MOMENT) == Span(MOMENT, None, ())


def test_an_end_that_is_no_time_leaves_the_start() -> None:
    """Only the end is replaced by the receipt."""
    assert span(MOMENT, "later", resolved=True, latest=MOMENT) == Span(MOMENT, None, ("time_invalid",))


def test_both_ends_ahead_are_flagged_once() -> None:
    """A sender whose clock is ahead says so in both times."""
    assert span(MOMENT, MOMENT + 1, resolved=True, latest=0) == Span(MOMENT, MOMENT + 1, ("time_ahead",))
