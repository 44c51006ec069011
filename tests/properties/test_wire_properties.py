"""Whatever arrives is either a batch or a refusal that names a field; nothing else happens."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.times import epoch_ms
from aiops_rca.ingest.batch import to_alerts
from aiops_rca.wire import decode_incident

LATEST = 253_402_300_799_999
ALERT = {"id": "a", "ts": 1, "service": "s", "metric": "m", "severity": "info"}
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def refusal(body: bytes) -> InputError | None:
    """Read *body* as the service does; the refusal, or None where it was read."""
    try:
        to_alerts(decode_incident(body).alerts)
    except InputError as refused:
        return refused
    return None


def named(refused: InputError | None) -> bool:
    """Whether a refusal, if it is one, says where and why."""
    return refused is None or bool(refused.field and refused.message)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No sequence of bytes raises anything but InputError."""
    assert named(refusal(body))


@given(st.dictionaries(st.sampled_from([*ALERT, "value", "threshold", "labels", "status", "x"]), anything))
def test_any_alert_is_read_or_refused(changes: dict[str, object]) -> None:
    """Any JSON value in any key of an alert is read or refused by name, NaN and infinity included."""
    row = {**ALERT, **changes}
    text = json.dumps({"alerts": [row]})
    assert named(refusal(text.encode("utf-8", "surrogatepass")))


@given(st.text(max_size=40) | st.floats() | st.integers())
def test_any_time_is_read_or_refused(written: str | float) -> None:
    """A time is epoch milliseconds in the years 1970 to 9999, or a ValueError."""
    with contextlib.suppress(ValueError):
        assert 0 <= epoch_ms(written) <= LATEST
