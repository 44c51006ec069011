"""Times as payloads write them."""

from __future__ import annotations

import pytest

from aiops_rca.domain.times import epoch_ms

MOMENT = 1_784_505_600_123


@pytest.mark.parametrize(
    "written",
    [
        "2026-07-20T00:00:00.123Z",
        "2026-07-20T00:00:00.123",
        "2026-07-20t00:00:00.123z",
        "2026-07-20 02:00:00.123+02:00",
        "2026-07-20T00:00:00.123000Z",
        1_784_505_600.123,
        1_784_505_600_123,
        1_784_505_600_123.0,
    ],
)
def test_one_moment_is_read_in_every_notation(written: str | float) -> None:
    """RFC 3339 with or without zone, epoch seconds and epoch milliseconds agree."""
    assert epoch_ms(written) == MOMENT


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "2026-07-20",
        "20260720T000000Z",
        "2026-13-20T00:00:00Z",
        "2026-W30-1T00:00:00",
        "1784505600",
        "1969-12-31T23:59:59Z",
        -1,
        1e18,
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_time_is_refused(written: str | float) -> None:
    """Anything else raises ValueError, nothing is guessed."""
    with pytest.raises(ValueError, match=r"."):
        epoch_ms(written)
