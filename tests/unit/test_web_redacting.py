"""What of a body in quarantine is never shown."""

from __future__ import annotations

import json

import pytest

from aiops_rca.web.redacting import HIDDEN, redacted

NAMES = "routing_key service_key api_key apiKey X-Api-Key token accessToken password Authorization".split()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["s3cret", 's3"cr\\et', "", 42, None, ["s3cret", "s4cret"]], ids=str)
def test_the_value_of_a_credential_is_hidden(name: str, value: object) -> None:
    """Whatever it is; what stands around it can still be read."""
    body = {"event_action": "trigger", name: value, "summary": "the token bucket is empty"}
    shown = redacted(json.dumps(body))

    assert json.loads(shown) == {**body, name: HIDDEN}


@pytest.mark.parametrize(
    "text",
    [
        '{"token":"s3cret',
        json.dumps({"inner": json.dumps({"routing_key": "s3cret"})}),
        "a=1&token=s3cret&b=2",
        "password: s3cret\n",
        "Authorization: Bearer s3cret",
        '{"tokens": ["a", "s3cret',
    ],
)
def test_it_is_found_in_any_text(text: str) -> None:
    """Cut off, JSON within JSON, a form, lines."""
    assert "s3cret" not in redacted(text)
    assert HIDDEN in redacted(text)


@pytest.mark.parametrize(
    "text", ["", "plain text", '{"tokenizer_lag": 3, "service": "keys", "tokens_left": "2"}']
)
def test_other_text_stays(text: str) -> None:
    """Words that only look alike are not touched."""
    assert redacted(text) == text
