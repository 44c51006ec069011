"""The tests' own provider keeps the API's contract, so that what passes it would pass the API."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from answering import broken_rule, document_of, obeying, sensible
from asked import question
from provider import KEY, Provider, drip, hang, ok

HEADERS = {
    "anthropic-version": "2026-10-21",
    "content-type": "application/json",
    "authorization": f"Bearer {KEY}",
}


def schema(**changes: Any) -> dict[str, Any]:
    """A part of a body that asks for an answer in a shape."""
    shape = {"type": "object", "additionalProperties": False, "properties": {}, **changes}
    return {"output_config": {"format": {"type": "json_schema", "schema": shape}}}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, None),
        (schema(), None),
        ({"temperature": 0}, "unknown temperature"),
        ({"output_format": {}}, "unknown output_format"),
        ({"max_tokens": None}, "missing max_tokens"),
        ({"messages": [{"role": "assistant", "content": "{"}]}, "messages"),
        ({"output_config": {"format": {"type": "json"}}}, "output_config.format"),
        (schema(additionalProperties=True), "schema: additionalProperties"),
        (schema(properties={"a": {"type": "array", "maxItems": 3}}), "schema: maxItems"),
        (schema(properties={"a": {"anyOf": [{"type": "string", "pattern": "a"}]}}), "schema: pattern"),
    ],
)
def test_a_body_that_the_api_refuses_is_refused(changes: dict[str, Any], rule: str | None) -> None:
    """Each rule of the API that a body breaks is named; a good body breaks none."""
    assert broken_rule("/v1/messages", HEADERS, {**question().body, **changes}) == rule


@pytest.mark.parametrize(
    ("path", "without", "status", "rule"),
    [
        ("/v1/messages", "", 200, None),
        ("/v1/complete", "", 400, "path /v1/complete"),
        ("/v1/messages", "anthropic-version", 400, "headers"),
        ("/v1/messages", "authorization", 401, "authentication"),
    ],
)
def test_what_breaks_the_contract_is_noted(path: str, without: str, status: int, rule: str | None) -> None:
    """It is answered with an error whatever the script says, and the script waits for the next one."""
    headers = {name: value for name, value in HEADERS.items() if name != without}
    with Provider() as fake:
        fake.script(ok("as the script says"))
        connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)
        connection.request("POST", path, json.dumps(question().body), headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()

    assert answer.status == status
    assert fake.refused == ([] if rule is None else [rule])
    assert (b"as the script says" in said) == (rule is None)


@pytest.mark.parametrize("step", [hang(), drip(0.01)], ids=["hang", "drip"])
def test_a_caller_that_hangs_up_is_noticed(step: Any) -> None:
    """Soon after, whether anything was sent to it or not."""
    with Provider() as fake:
        fake.script(step)
        connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)
        connection.request("POST", "/v1/messages", json.dumps(question().body), HEADERS)
        fake.wait(1)
        connection.close()

        assert fake.wait_gone(seconds=1.0) == 1


def test_models_speak_of_what_they_were_shown() -> None:
    """The sensible one names the first candidate on evidence about it, the obeying one what it was told."""
    body = question().body
    calm, eager = json.loads(sensible(body)), json.loads(obeying("C2", novel=["Drop all"])(body))

    assert [entry["id"] for entry in document_of(body)["evidence"]] == ["E1", "E2"]
    assert (calm["root_cause"], calm["sentences"][0]["evidence"]) == ("C1", ["E1"])
    assert (eager["root_cause"], eager["sentences"][0]["evidence"]) == ("C2", ["E1", "E2"])
    assert eager["actions"] == [{"action_id": "NOVEL", "text": "Drop all"}]
