"""The HTTP contract of `POST /incident`: request and answer, field by field.

msgspec and not pydantic, because one definition gives the decoder of the hot path, the encoder and
the JSON schema (docs/decisions/0003). Nothing here knows what the fields mean.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from aiops_rca.domain.alert import LabelValue
from aiops_rca.domain.errors import InputError
from aiops_rca.wire.error import ErrorOut
from aiops_rca.wire.narrative import EvidenceOut, NarrativeOut

T = TypeVar("T")
Name = Annotated[str, Meta(min_length=1, max_length=1024)]


class AlertIn(Struct, gc=False):
    """One alert as sent. Unknown keys are ignored."""

    id: Name
    ts: Annotated[str | float, Meta(description="RFC 3339 (no zone = UTC), or epoch seconds or milliseconds")]
    service: Name
    metric: Name
    severity: Annotated[str, Meta(description="info, warning, error, critical or a configured alias")]
    value: float | None = None
    threshold: float | None = None
    labels: dict[str, LabelValue] | None = None
    status: Annotated[str | None, Meta(description="firing (default) or resolved")] = None


class IncidentIn(Struct, gc=False):
    """A batch of alerts to diagnose; *target* is the paged entry service, where known."""

    alerts: Annotated[list[AlertIn], Meta(extra_json_schema={"minItems": 1, "uniqueItems": True})]
    target: Name | None = None


class CandidateOut(Struct, gc=False):
    """One possible root cause; *terms* add up to *score*."""

    service: str
    score: float
    confidence: float
    terms: dict[str, float]


class PathStepOut(Struct, gc=False):
    """One call the symptom travelled: *source* calls *target*."""

    source: str
    target: str


class RootCauseOut(Struct, gc=False):
    """The service to blame, how sure, and why. *service* is `unknown` when nothing is firing.

    *candidates* are in the graph's own order, whatever a language model held for the cause.
    """

    service: str
    confidence: float
    verdict: str
    method: str
    evidence: list[EvidenceOut]
    path: list[PathStepOut]
    candidates: list[CandidateOut]


class ActionOut(Struct, gc=False):
    """One recommended step and where it comes from."""

    id: str
    text: str
    risk: str
    source: str


class SimilarOut(Struct, gc=False):
    """A past incident that looked like this one."""

    id: str
    score: float
    reason: str
    root_cause: str
    fix: str


class ClusterOut(Struct, gc=False):
    """Alerts that belong together, with their own diagnosis."""

    cluster_id: str
    alert_count: int
    services: list[str]
    alert_ids: list[str]
    first_ts: str
    last_ts: str
    max_severity: str
    root_cause: RootCauseOut
    recommended_actions: list[ActionOut]
    similar_incidents: list[SimilarOut]
    narrative: NarrativeOut | None


class DegradedOut(Struct, gc=False):
    """A part of the answer that is worse than it could be, and why."""

    part: str
    reason: str


class IncidentOut(Struct, gc=False):
    """The answer. The top level repeats the primary cluster's diagnosis; *timings_ms* is added last."""

    incident_id: str | None
    clusters: list[ClusterOut]
    root_cause: RootCauseOut
    recommended_actions: list[ActionOut]
    similar_incidents: list[SimilarOut]
    narrative: NarrativeOut | None
    resolved_alerts: int
    degraded: list[DegradedOut]
    versions: dict[str, str]


class TimedIncidentOut(IncidentOut, gc=False):
    """`IncidentOut` as it goes over the wire."""

    timings_ms: dict[str, float]


_SECOND_LOOK_BYTES = 1024 * 1024
_DECODER: msgspec.json.Decoder[IncidentIn] = msgspec.json.Decoder(IncidentIn)
_AT = re.compile(r" - at (?:`key` in )?`\$(?P<path>[^`]*)`\Z")
_KEY = re.compile(r"\AObject (?:missing required|contains unknown) field `(?P<name>.*)`\Z", re.DOTALL)


def decode_incident(body: bytes) -> IncidentIn:
    """Parse *body*; raise InputError naming the field (`body` when it is not JSON)."""
    return _decoded(body, _DECODER)


def decode(body: bytes, kind: type[T]) -> T:
    """Parse *body* as a *kind*, a msgspec struct; raises as `decode_incident` does."""
    return _decoded(body, msgspec.json.Decoder(kind))


def _decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error, "body") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _malformed(body, error) from error


def convert(document: object, kind: type[T], *, whole: str = "document") -> T:
    """Read parsed JSON or YAML as a *kind*, a msgspec struct.

    Raises InputError whose field is the path to what is wrong, a missing or unknown key included
    (`nodes[3].id`), or *whole* where that is all of it.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error, whole) from error


def convert_alert(row: object) -> AlertIn:
    """Check one alert already parsed from JSON; raise InputError naming the field."""
    return convert(row, AlertIn, whole="body")


def encode(value: object) -> bytes:
    """*value* as compact JSON."""
    return msgspec.json.encode(value)


def json_schemas(more: Iterable[Any] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """JSON schemas for the OpenAPI document: (references by struct name, component schemas).

    *more* are structs besides those of `POST /incident`; they have no reference by name.
    """
    types = [IncidentIn, TimedIncidentOut, ErrorOut]
    refs, components = msgspec.json.schema_components(
        [*types, *more], ref_template="#/components/schemas/{name}"
    )
    named = {kind.__name__: ref for kind, ref in zip(types, refs, strict=False)}
    return named, components


def _invalid(error: msgspec.ValidationError, whole: str) -> InputError:
    """*error* with the path that msgspec writes behind its message as the field."""
    text = str(error)
    at = _AT.search(text)
    what, path = (text[: at.start()], at["path"]) if at else (text, "")
    while path.endswith("[...]"):  # msgspec names no keys of maps
        path = path.removesuffix("[...]")
    key = _KEY.search(what)
    parts = [path.lstrip("."), key["name"] if key else ""]
    return InputError(what, field=".".join(filter(None, parts)) or whole)


def _malformed(body: bytes, error: Exception) -> InputError:
    """Name the field where JSON is only broken by NaN or an infinite number, else `body`.

    A larger body is not looked over again: that would take seconds of everybody's time.
    """
    if len(body) > _SECOND_LOOK_BYTES:
        return InputError(f"not valid JSON: {error}", field="body")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return InputError(f"not valid JSON: {error}", field="body")
    path = _not_finite(document)
    if path is None:
        return InputError(f"not valid JSON: {error}", field="body")
    return InputError("not a finite number", field=path.lstrip("."))


def _not_finite(document: object) -> str | None:
    stack: list[tuple[str, object]] = [("", document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return path
        if isinstance(value, dict):
            stack.extend((f"{path}.{key}", child) for key, child in value.items())
        elif isinstance(value, list):
            stack.extend((f"{path}[{i}]", child) for i, child in enumerate(value))
    return None
