"""What the pages read of the outside, declared as they need it, and the parts of a request they share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

from fastapi import Path, Query, Response

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.times import epoch_ms
from aiops_rca.live.records import (
    AlertRecord,
    DiagnosisRecord,
    Feedback,
    Happening,
    Unmapped,
    Window,
)
from aiops_rca.live.rows import IncidentRow, Quarantined, Standing, Wanted
from aiops_rca.wire import encode
from aiops_rca.wire.live import NO_NUL

Now = Callable[[], int]
_LOST_PLUS = re.compile(r"(.*\d:\d.*) (\d\d:?\d\d)")  # a `+` that was not escaped arrives as a space
Id = Annotated[str, Path(min_length=1, max_length=200, pattern=NO_NUL)]
Word = Annotated[str | None, Query(min_length=1, max_length=1024, pattern=NO_NUL)]
Moment = Annotated[str | None, Query(min_length=1, max_length=64, description="RFC 3339, or epoch s or ms")]


class Incidents(Protocol):
    """Incidents as stored; see `adapters.store.reading.IncidentReader`. Raises RcaError "not_ready"."""

    def incidents(
        self, wanted: Wanted, *, before: tuple[int, str] | None = None, limit: int
    ) -> Sequence[IncidentRow]:
        """The newest first, from the one after *before* (opened_at, id) on."""
        ...

    def incident(self, incident: str) -> IncidentRow | None:
        """One of them, whatever has become of it."""
        ...

    def alerts(self, incident: str, *, after: int | None = None, limit: int) -> Sequence[AlertRecord]:
        """Its firings by order, from the one after the order *after* on."""
        ...

    def timeline(self, incident: str, limit: int) -> Sequence[Happening]:
        """The newest *limit* lines, oldest first."""
        ...

    def diagnoses(self, incident: str) -> Sequence[DiagnosisRecord]:
        """All of them, the first one first."""
        ...

    def changed(self, after_revision: int, limit: int) -> Sequence[IncidentRow]:
        """What has changed since, by revision."""
        ...

    def unmapped(self, limit: int, after: tuple[int, str, str] | None = None) -> Sequence[Unmapped]:
        """The most frequent first, from the one after *after* (times, source, service) on."""
        ...

    def feedback(self, limit: int, after: tuple[int, str] | None = None) -> Sequence[Feedback]:
        """The oldest first, from the one after *after* (at, id) on."""
        ...

    def windows(self) -> Sequence[Window]:
        """The maintenance windows that are not over."""
        ...

    def standing(self) -> Standing:
        """How far the journal is folded, and what there is; cheap."""
        ...


class Shelf(Protocol):
    """The quarantine; see `adapters.store.journal.Journal`.

    Raises RcaError: "not_ready" where it cannot be read, "full" where it cannot be written.
    """

    def quarantine(self, after: int | None = None, limit: int = 50) -> Sequence[Quarantined]:
        """The newest first, from the one before the number *after* on."""
        ...

    def quarantined(self, number: int) -> Quarantined | None:
        """One piece with its whole body."""
        ...

    def mark_replayed(self, number: int, at: int) -> bool:
        """Note that it went in after all."""
        ...


def moment(value: str | float | None, field: str) -> int | None:
    """A time as epoch milliseconds; digits count as a number. Raises InputError naming *field*."""
    if value is None:
        return None
    try:
        number = isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdigit()
        return epoch_ms(float(value) if number else value)
    except ValueError as error:
        raise InputError(f"not a time: {error}", field=field) from error


def moment_asked(value: str | None, field: str) -> int | None:
    """As `moment`, of a parameter in a query, where the `+` of an offset may have become a space."""
    lost = _LOST_PLUS.fullmatch(value) if value else None
    return moment(f"{lost[1]}+{lost[2]}" if lost else value, field)


def reply(body: object, status: int = 200, **headers: str) -> Response:
    """*body* as JSON."""
    return Response(encode(body), status, headers, "application/json")


def shows(reference: str, text: str) -> dict[str, Any]:
    """A response of the OpenAPI document: what *text* says, with the schema named *reference*."""
    schema = {"$ref": f"#/components/schemas/{reference}"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that a page may answer with, for the OpenAPI document; 503 may come from any."""
    return {status: shows("ErrorOut", _MEANING[status]) for status in (*statuses, 503)}


_MEANING = {
    401: "The credentials of the source are missing or wrong",
    403: "Not from here",
    404: "There is none",
    408: "The body did not arrive in time",
    409: "It makes no sense as things are",
    413: "The body is larger than the limits",
    415: "The body is not JSON",
    422: "The input is invalid; `field` names what",
    503: "The database cannot be used now; try again after Retry-After seconds",
}


MERGED_AWAY: dict[str, Any] = {
    **shows("IncidentItem", "It was merged: Location leads to what it is part of now"),
    "headers": {"location": {"schema": {"type": "string"}}},
}


def takes(reference: str, *, required: bool) -> dict[str, Any]:
    """The body of a request, for the OpenAPI document, with the schema named *reference*."""
    schema = {"$ref": f"#/components/schemas/{reference}"}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}
