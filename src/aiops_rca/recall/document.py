"""The lines of an incident history file (parsed JSON) to past incidents, checked.

Raises InputError whose field is the line and the path in it (`line 7: alerts[0].service`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from aiops_rca.domain.alert import LabelValue
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.incident import IncidentHistory, PastAction, PastAlert, PastIncident
from aiops_rca.domain.times import epoch_ms
from aiops_rca.wire import Name, convert

Text = Annotated[str, Meta(max_length=10_000)]
Step = Annotated[str, Meta(min_length=1, max_length=2000)]


class AlertIn(Struct, gc=False):
    """One signal seen, as written in the file."""

    service: Name
    metric: Name
    labels: dict[str, LabelValue] | None = None


class ActionIn(Struct, gc=False):
    """Something that was done; in the file a bare text is one of medium risk."""

    text: Step
    risk: Literal["low", "medium", "high"] = "medium"


class IncidentIn(Struct, gc=False):
    """One line of the file. Unknown keys are ignored."""

    id: Name
    root_cause: Name
    alerts: Annotated[list[AlertIn], Meta(min_length=1)]
    symptom: Text | None = None
    fix: Text | None = None
    actions: list[Step | ActionIn] | None = None
    minutes_to_resolve: Annotated[float, Meta(ge=0)] | None = None
    closed_at: str | float | None = None


def read_history(lines: Iterable[tuple[int, object]], *, version: str) -> IncidentHistory:
    """Check numbered *lines*, one incident each, and return their history, in order."""
    seen: dict[str, int] = {}
    incidents = []
    for number, line in lines:
        incident = _incident(line, number)
        first = seen.setdefault(incident.id, number)
        if first != number:
            raise _error(f"duplicate id {incident.id!r}, first on line {first}", number, "id")
        incidents.append(incident)
    return IncidentHistory(version=version, incidents=tuple(incidents))


def _incident(line: object, number: int) -> PastIncident:
    read = _converted(line, number)
    return PastIncident(
        id=read.id,
        root_cause=read.root_cause,
        alerts=tuple(PastAlert(a.service, a.metric, a.labels or {}) for a in read.alerts),
        symptom=read.symptom or "",
        fix=read.fix or "",
        actions=tuple(map(_action, read.actions or ())),
        minutes_to_resolve=_minutes(read.minutes_to_resolve, number),
        closed_at=_closed_at(read.closed_at, number),
    )


def _converted(line: object, number: int) -> IncidentIn:
    try:
        msgspec.json.encode(line)  # what is read now is written one day
        return convert(line, IncidentIn, whole="")
    except InputError as error:
        raise _error(error.message, number, error.field or "") from error
    except UnicodeEncodeError as error:
        raise _error("holds half of a surrogate pair: not Unicode text", number) from error


def _action(written: str | ActionIn) -> PastAction:
    read = ActionIn(written) if isinstance(written, str) else written
    return PastAction(read.text, read.risk)


def _minutes(written: float | None, number: int) -> float | None:
    # No JSON, yet some parsers let it pass; NaN has already failed to be >= 0.
    if written == math.inf:
        raise _error("not a finite number", number, "minutes_to_resolve")
    return written


def _closed_at(written: str | float | None, number: int) -> int | None:
    try:
        return None if written is None else epoch_ms(written)
    except ValueError as error:
        raise _error(f"not a time: {error}", number, "closed_at") from error


def _error(message: str, number: int, path: str = "") -> InputError:
    return InputError(message, field=f"line {number}: {path}" if path else f"line {number}")
