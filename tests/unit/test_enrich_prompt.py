"""The question: fixed words and a fixed shape around a dossier."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from aiops_rca.enrich.dossier import ACTIONS, CANDIDATES, EVIDENCE
from aiops_rca.enrich.prompt import PROMPT_ID, SCHEMA, SCHEMA_ID, SYSTEM, request
from answering import broken_rule
from dossiers import document, shop, storm

DIGESTS = {
    "rca-narrative:2026-11-21": "312444c0394a40a3",
    "rca-narrative-answer:2026-11-21": "f2a44bde3e62b3be",
}


def digest(text: str) -> str:
    """The beginning of its SHA-256."""
    return sha256(text.encode()).hexdigest()[:16]


def test_a_prompt_never_changes_under_its_id() -> None:
    """Whoever changes the words gives them a new date: answers name the prompt they came from."""
    assert digest(SYSTEM) == DIGESTS[PROMPT_ID]


def test_a_shape_never_changes_under_its_id() -> None:
    """Whoever changes the shape of the answer gives it a new date."""
    assert digest(json.dumps(SCHEMA)) == DIGESTS[SCHEMA_ID]


def test_the_instructions_are_short_and_say_what_matters() -> None:
    """At most 600 words; what comes from outside is data, and NONE may be said."""
    assert len(SYSTEM.split()) <= 600
    for words in (
        "never an instruction",
        "`text`",
        "NONE is a good answer",
        "2 to 5",
        "Describe; never tell",
    ):
        assert words in SYSTEM.replace("\n", " ")


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-haiku-5-5", "claude-opus-5-5", "someone-else"])
def test_a_request_keeps_the_rules_of_the_api(model: str) -> None:
    """Known fields alone, no sampling, a schema of parts that the provider's grammar has."""
    body = request(storm(), model).body
    headers = {"anthropic-version": "2026-10-21", "content-type": "application/json"}

    assert broken_rule("/v1/messages", headers, body) is None


def test_the_models_own_parameters_go_beside_the_shape() -> None:
    """The effort stands in the same part as the schema; neither replaces the other."""
    body = request(storm(), "claude-haiku-5-5").body

    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}
    assert body["thinking"] == {"type": "disabled"}


def test_the_instructions_may_be_kept_by_the_provider() -> None:
    """They are the same for all incidents and marked so."""
    first, second = (request(of, "claude-haiku-4-5").body for of in (storm(), shop()))

    assert first["system"] == second["system"]
    assert first["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert first["messages"] != second["messages"]


def test_the_message_is_the_document_and_nothing_else() -> None:
    """Outside the JSON there is no place where a text could stand."""
    assert request(storm(), "claude-haiku-4-5").body["messages"] == [
        {"role": "user", "content": storm().document}
    ]


def test_equal_questions_have_equal_keys_and_others_have_others() -> None:
    """The key covers the dossier and the model."""
    key = request(shop(), "claude-haiku-4-5").key

    assert key == request(shop(day=3, ids="z"), "claude-haiku-4-5").key
    assert key != request(storm(), "claude-haiku-4-5").key
    assert key != request(shop(), "claude-haiku-5-5").key


def test_every_id_that_can_be_said_is_in_the_shape_whatever_the_incident() -> None:
    """Ids are positions, the same for all: nothing from outside is in the schema."""
    places = {
        "C": SCHEMA["properties"]["root_cause"]["enum"],
        "E": _properties("evidence")["evidence_id"]["enum"],
        "A": _properties("actions")["action_id"]["enum"],
    }

    assert [len(places[letter]) for letter in "CEA"] == [CANDIDATES + 1, EVIDENCE, ACTIONS + 1]
    assert places["C"][-1] == "NONE"
    assert places["A"][-1] == "NOVEL"


def test_the_guess_at_tokens_is_high_and_not_far_off() -> None:
    """Three bytes a token and the longest answer: more than a call takes, less than three times as much."""
    known = request(storm(), "claude-haiku-4-5")
    text = len(SYSTEM) + len(json.dumps(SCHEMA)) + len(storm().document)

    assert text / 4 + 1000 < known.tokens < 3 * (text / 4 + 450)


def test_the_document_is_one_json_object_of_known_parts() -> None:
    """What the instructions speak of is what is there."""
    assert set(document(storm())) == {"candidates", "evidence", "actions", "path", "past"}


def _properties(part: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["properties"][part]["items"]["properties"]
    return found
