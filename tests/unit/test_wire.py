"""What the request decoder takes, and how it names what it refuses."""

from __future__ import annotations

import json

import pytest

from aiops_rca.domain.errors import InputError
from aiops_rca.wire import decode_incident, json_schemas

ALERT = {"id": "a", "ts": 1, "service": "s", "metric": "m", "severity": "info"}


def body(**changes: object) -> bytes:
    """One batch of one alert with *changes*; a value of ... leaves the key out."""
    row = {key: value for key, value in {**ALERT, **changes}.items() if value is not ...}
    return json.dumps({"alerts": [row]}).encode()


def test_only_the_five_required_keys_are_needed() -> None:
    """An alert without value, threshold, labels and status is complete."""
    decoded = decode_incident(body())

    assert decoded.alerts[0].value is None
    assert decoded.target is None


def test_unknown_keys_are_ignored() -> None:
    """Senders may add keys anywhere without being refused."""
    decoded = decode_incident(b'{"alerts":[], "x": {"deep": [1]}, "target": "web"}')

    assert decoded.target == "web"


@pytest.mark.parametrize("missing", sorted(ALERT))
def test_a_missing_key_is_named(missing: str) -> None:
    """The error's field is the path of the key that is not there."""
    with pytest.raises(InputError) as caught:
        decode_incident(body(**{missing: ...}))

    assert caught.value.field == f"alerts[0].{missing}"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        pytest.param(b"", "body", id="nothing"),
        pytest.param(b"{", "body", id="cut off"),
        pytest.param(b"\xff\xfe", "body", id="not UTF-8"),
        pytest.param(b"null", "body", id="null"),
        pytest.param(b"[]", "body", id="a bare list"),
        pytest.param(b"{}", "alerts", id="no alerts key"),
        pytest.param(b'{"alerts":{}}', "alerts", id="alerts no list"),
        pytest.param(b'{"alerts":[3]}', "alerts[0]", id="an alert no object"),
        pytest.param(b'{"alerts":[],"target":7}', "target", id="target no text"),
        pytest.param(body(id=""), "alerts[0].id", id="empty id"),
        pytest.param(body(service=7), "alerts[0].service", id="service a number"),
        pytest.param(body(ts=True), "alerts[0].ts", id="time a boolean"),
        pytest.param(body(ts=None), "alerts[0].ts", id="time null"),
        pytest.param(body(value="9"), "alerts[0].value", id="value a text"),
        pytest.param(body(labels={"a": [1]}), "alerts[0].labels", id="a label a list"),
        pytest.param(body(labels=[]), "alerts[0].labels", id="labels a list"),
        pytest.param(body(value=float("nan")), "alerts[0].value", id="NaN"),
        pytest.param(body(threshold=float("inf")), "alerts[0].threshold", id="Infinity"),
        pytest.param(body(value=1).replace(b'"value": 1', b'"value": 1e999'), "alerts[0].value", id="1e999"),
        pytest.param(b'{"alerts":' + b"[" * 100_000, "alerts[0]", id="nested deeply"),
        pytest.param(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "body", id="unknown and deep"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, field: str) -> None:
    """Every malformed or mistyped body raises InputError with the field at fault."""
    with pytest.raises(InputError) as caught:
        decode_incident(data)

    assert caught.value.field == field
    assert caught.value.code == "invalid"


def test_labels_hold_every_scalar() -> None:
    """Text, numbers, booleans and null survive as labels."""
    labels = {"a": "x", "b": 1, "c": 1.5, "d": True, "e": None}

    assert decode_incident(body(labels=labels)).alerts[0].labels == labels


def test_every_schema_reference_resolves() -> None:
    """The JSON schemas of request and answer are complete."""
    references, components = json_schemas()
    text = json.dumps([references, components])

    for part in text.split('"#/components/schemas/')[1:]:
        assert part.split('"')[0] in components
