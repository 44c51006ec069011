"""Incident history files: what is read, what is refused and how that is said."""

from __future__ import annotations

import pytest

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.incident import PastAction, PastAlert
from aiops_rca.recall.document import read_history


def line(**changes: object) -> dict[str, object]:
    """Return a valid line with *changes*; None takes a key away."""
    whole: dict[str, object] = {
        "id": "INC-1",
        "root_cause": "redis",
        "alerts": [{"service": "redis", "metric": "memory"}],
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


def test_a_full_line_is_read() -> None:
    """Every field arrives, in the units the domain uses."""
    full = line(
        alerts=[{"service": "cart", "metric": "errors", "labels": {"kind": "error", "z": 4.5, "x": None}}],
        symptom="Carts are empty.",
        fix="Raised maxmemory.",
        actions=["Restart redis", {"text": "Raise maxmemory", "risk": "low"}],
        minutes_to_resolve=42,
        closed_at="2026-07-20T00:00:00Z",
    )

    history = read_history([(1, full)], version="v1")
    (incident,) = history.incidents

    assert history.version == "v1"
    assert (incident.id, incident.root_cause) == ("INC-1", "redis")
    assert incident.alerts == (PastAlert("cart", "errors", {"kind": "error", "z": 4.5, "x": None}),)
    assert (incident.symptom, incident.fix) == ("Carts are empty.", "Raised maxmemory.")
    assert incident.actions == (PastAction("Restart redis", "medium"), PastAction("Raise maxmemory", "low"))
    assert (incident.minutes_to_resolve, incident.closed_at) == (42.0, 1_784_505_600_000)


def test_only_id_root_cause_and_alerts_are_required() -> None:
    """What is not known is empty or None."""
    (incident,) = read_history([(1, line())], version="v1").incidents

    assert (incident.symptom, incident.fix, incident.actions) == ("", "", ())
    assert (incident.minutes_to_resolve, incident.closed_at) == (None, None)
    assert incident.alerts[0].labels == {}


def test_null_is_as_good_as_absent() -> None:
    """Optional fields may be null."""
    optional = ("symptom", "fix", "actions", "minutes_to_resolve", "closed_at")

    nulls = read_history([(1, {**line(), **dict.fromkeys(optional)})], version="v1")

    assert nulls.incidents == read_history([(1, line())], version="v1").incidents


def test_unknown_keys_are_ignored() -> None:
    """A file may say more than is asked."""
    more = line(team="sre", alerts=[{"service": "redis", "metric": "memory", "at": 3}])

    assert read_history([(1, more)], version="v1").incidents[0].id == "INC-1"


def test_incidents_keep_the_order_of_the_file() -> None:
    """Order is the file's, blank lines or not."""
    history = read_history([(1, line(id="b")), (5, line(id="a"))], version="v1")

    assert [incident.id for incident in history.incidents] == ["b", "a"]


@pytest.mark.parametrize("written", [1_784_505_600, 1_784_505_600_000, "2026-07-20T02:00:00+02:00"])
def test_closing_times_are_read_in_every_notation(written: object) -> None:
    """Epoch seconds, epoch milliseconds and RFC 3339 name the same moment."""
    (incident,) = read_history([(1, line(closed_at=written))], version="v1").incidents

    assert incident.closed_at == 1_784_505_600_000


ALERT = {"service": "redis", "metric": "memory"}

REFUSED = {
    "no object": ([], "line 7", "Expected `object`"),
    "no id": (line(id=None), "line 7: id", "missing required field `id`"),
    "no root cause": (line(root_cause=None), "line 7: root_cause", "missing required field"),
    "no alerts": (line(alerts=None), "line 7: alerts", "missing required field"),
    "empty id": (line(id=""), "line 7: id", "length >= 1"),
    "empty root cause": (line(root_cause=""), "line 7: root_cause", "length >= 1"),
    "empty alerts": (line(alerts=[]), "line 7: alerts", "length >= 1"),
    "id of a wrong type": (line(id=3), "line 7: id", "Expected `str`, got `int`"),
    "alert without metric": (
        line(alerts=[ALERT, {"service": "redis"}]),
        "line 7: alerts[1].metric",
        "missing required field `metric`",
    ),
    "service of a wrong type": (
        line(alerts=[{"service": 1, "metric": "memory"}]),
        "line 7: alerts[0].service",
        "Expected `str`, got `int`",
    ),
    "nested label": (
        line(alerts=[{**ALERT, "labels": {"a": {}}}]),
        "line 7: alerts[0].labels",
        "got `object`",
    ),
    "unknown risk": (
        line(actions=["fine", {"text": "Restart", "risk": "extreme"}]),
        "line 7: actions[1].risk",
        "extreme",
    ),
    "empty action": (line(actions=[""]), "line 7: actions[0]", "length >= 1"),
    "negative minutes": (line(minutes_to_resolve=-1), "line 7: minutes_to_resolve", ">= 0"),
    "minutes that are no number": (
        line(minutes_to_resolve=float("nan")),
        "line 7: minutes_to_resolve",
        ">= 0",
    ),
    "minutes without end": (
        line(minutes_to_resolve=float("inf")),
        "line 7: minutes_to_resolve",
        "not a finite number",
    ),
    "bad time": (line(closed_at="yesterday"), "line 7: closed_at", "not RFC 3339"),
    "time before 1970": (line(closed_at=-5), "line 7: closed_at", "1970"),
    "half a surrogate pair": (line(fix="\ud800"), "line 7", "not Unicode text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_line_is_refused_with_its_number_and_field(name: str) -> None:
    """The error says which line, which field and what is wrong with it."""
    bad, field, reason = REFUSED[name]

    with pytest.raises(InputError) as caught:
        read_history([(1, line(id="fine")), (7, bad)], version="v1")

    assert caught.value.field == field
    assert reason in caught.value.message


def test_an_id_may_be_used_once() -> None:
    """A duplicate id is refused and both lines are named."""
    with pytest.raises(InputError) as caught:
        read_history([(2, line()), (3, line(id="INC-2")), (9, line())], version="v1")

    assert caught.value.field == "line 9: id"
    assert caught.value.message == "duplicate id 'INC-1', first on line 2"
