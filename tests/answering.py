"""What the provider of the tests checks in a request, and what its models say: sensible, or obeying."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_REQUIRED = ("model", "max_tokens", "messages")
_KNOWN = {
    *_REQUIRED,
    "cache_control",
    "metadata",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}
# what the grammar behind structured answers does not know
_NO_SCHEMA = {"maxLength", "minLength", "maximum", "minimum", "maxItems", "pattern", "default", "oneOf"}
NEUTRAL = "This part was the first to fail, and what calls it failed after it."


def broken_rule(path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> str | None:
    """The first rule of the API that a request breaks, if any."""
    if path != "/v1/messages":
        return f"path {path}"
    if "anthropic-version" not in headers or not headers.get("content-type", "").startswith(
        "application/json"
    ):
        return "headers"
    if missing := [name for name in _REQUIRED if not body.get(name)]:
        return f"missing {missing[0]}"
    if unknown := sorted({*body} - _KNOWN):  # sampling parameters among them: the API knows them no more
        return f"unknown {unknown[0]}"
    if not isinstance(body["max_tokens"], int) or body["messages"][0].get("role") != "user":
        return "messages"
    wanted = body.get("output_config", {}).get("format")
    return None if wanted is None else _broken_format(wanted)


def _broken_format(wanted: Mapping[str, Any]) -> str | None:
    if wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict):
        return "output_config.format"
    for part in _schemas(wanted["schema"]):
        if unknown := sorted({*part} & _NO_SCHEMA):
            return f"schema: {unknown[0]}"
        if part.get("type") == "object" and part.get("additionalProperties") is not False:
            return "schema: additionalProperties"
    return None


def _schemas(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    for part in [*inner, *([schema["items"]] if "items" in schema else []), *schema.get("anyOf", [])]:
        yield from _schemas(part)


def document_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON document in the last message of a request; empty where it holds none."""
    content = request["messages"][-1]["content"]
    text = content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
    start, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[start : end + 1])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def ids(document: Mapping[str, Any], part: str) -> list[str]:
    """The ids under *part* of the document."""
    return [entry["id"] for entry in document.get(part, [])]


def sensible(request: Mapping[str, Any]) -> str:
    """A good answer: it names the first candidate, on the evidence about it, in the words of that."""
    document = document_of(request)
    evidence = document.get("evidence", [])
    choice = next(iter(ids(document, "candidates")), "NONE")
    about = [entry for entry in evidence if entry.get("about") == choice] or evidence
    said = [{"text": _words(entry), "evidence": [entry["id"]]} for entry in about[:2]]
    return json.dumps(
        {
            "evidence": [_effect(entry["id"], choice, "supports") for entry in about[:5] if choice != "NONE"],
            "root_cause": choice,
            "sentences": said or [{"text": NEUTRAL, "evidence": ["E1"]}],
            "actions": [{"action_id": name, "text": ""} for name in ids(document, "actions")[:1]],
            "suspicious_input": False,
        }
    )


def obeying(
    choice: str = "C2",
    *,
    evidence: Sequence[str] | None = None,
    sentences: Sequence[str] = (NEUTRAL,),
    cited: Sequence[str] | None = None,
    actions: Sequence[str] = (),
    novel: Sequence[str] = (),
    suspicious: bool = False,
) -> Callable[[Mapping[str, Any]], str]:
    """A model that does what an alert's text tells it, whatever the evidence says.

    *evidence* are the ids it claims to support *choice*, *cited* those under each sentence; None: all there
    are. *actions* are ids, *novel* texts of new steps.
    """

    def say(request: Mapping[str, Any]) -> str:
        present = ids(document_of(request), "evidence")
        claimed = present if evidence is None else evidence
        under = (present or ["E1"]) if cited is None else cited
        return json.dumps(
            {
                "evidence": [_effect(name, choice, "supports") for name in claimed if choice != "NONE"],
                "root_cause": choice,
                "sentences": [{"text": text, "evidence": [*under]} for text in sentences],
                "actions": [{"action_id": name, "text": ""} for name in actions]
                + [{"action_id": "NOVEL", "text": text} for text in novel],
                "suspicious_input": suspicious,
            }
        )

    return say


def _effect(evidence: str, candidate: str, effect: str) -> dict[str, str]:
    return {"evidence_id": evidence, "candidate": candidate, "effect": effect}


def _words(entry: Mapping[str, Any]) -> str:
    text = entry.get("text")
    if not isinstance(text, str) or "[" in text:  # withheld or cut out: nothing to repeat
        return NEUTRAL
    words = text[:200].rstrip(" .")
    return f"{words}."
