"""The pages that show incidents: lists, details, alerts, timeline, diagnoses and surroundings.

An incident that was merged forwards to the one that took it in: 301, with itself as the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Annotated, TypeVar

from fastapi import FastAPI, Query, Request, Response

from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.live.records import MERGED, STATUSES, AlertRecord
from aiops_rca.live.rows import IncidentRow, Wanted
from aiops_rca.web import views
from aiops_rca.web.asking import (
    MERGED_AWAY,
    Id,
    Incidents,
    Moment,
    Word,
    moment_asked,
    refusals,
    reply,
    shows,
)
from aiops_rca.web.paging import DEFAULT_LIMIT, MOST, NUMBER, WORD, Cursor, Limit, page, read_cursor
from aiops_rca.wire.live import AlertOut, IncidentItem, Page

_TAGS: list[str | Enum] = ["incidents"]
_ALERTS_AT_ONCE = 2000
_FORWARDS = 32  # merges of merges: each one is a step further
_Shown = Annotated[
    list[str] | None,
    Query(
        description=f"any of {', '.join(STATUSES)}, also separated by commas; all but merged unless given",
        json_schema_extra={"items": {"enum": list(STATUSES), "type": "string"}},
    ),
]
_Suppressed = Annotated[bool, Query(description="also those that maintenance covers")]
_Merged = Annotated[bool, Query(description="of a merged incident its own lines, up to the merge")]


R = TypeVar("R")
T = TypeVar("T")


class NoIncidentError(RcaError):
    """There is no incident with this id."""

    def __init__(self, incident: str) -> None:
        super().__init__(f"there is no incident {incident[:80]!r}", code="not_found")


def find(incidents: Incidents, incident: str) -> IncidentRow:
    """The incident with that id; raises NoIncidentError."""
    row = incidents.incident(incident)
    if row is None:
        raise NoIncidentError(incident)
    return row


def forwarded(incidents: Incidents, row: IncidentRow) -> str:
    """The id of the incident that *row* is part of by now: its own unless it was merged."""
    for _ in range(_FORWARDS):
        into = row.record.merged_into
        following = incidents.incident(into) if into else None
        if following is None:
            break
        row = following
    return row.record.id


def forward(request: Request, incidents: Incidents, row: IncidentRow, status: int) -> Response | None:
    """The answer that sends a caller of *row* on to what it is part of now; None where it was not merged."""
    if row.record.status != MERGED:
        return None
    heir = forwarded(incidents, row)
    path = request.url.path.replace(f"/incidents/{row.record.id}", f"/incidents/{heir}", 1)
    query = f"?{request.url.query}" if request.url.query else ""
    return reply(views.item(row, heir), status, location=path + query)


class IncidentPages:
    """The routes below `/incidents` that only read. *graph* gives the service graph in service."""

    def __init__(self, incidents: Incidents, graph: Callable[[], ServiceGraph | None]) -> None:
        self._incidents, self._graph = incidents, graph

    def add_to(self, app: FastAPI) -> None:
        """Add the routes, with what each may answer."""
        listed = {200: shows("Page_IncidentItem_", "A part of the list"), **refusals(422)}
        app.get("/incidents", responses=listed, tags=_TAGS)(self.list_incidents)
        for path, reference, answer in (
            ("/incidents/{id}", "IncidentDetail", self.show_incident),
            ("/incidents/{id}/alerts", "Page_AlertOut_", self.list_alerts),
            ("/incidents/{id}/timeline", "Page_HappeningOut_", self.show_timeline),
            ("/incidents/{id}/diagnoses", "Page_DiagnosisOut_", self.list_diagnoses),
            ("/incidents/{id}/graph", "GraphOut", self.show_graph),
        ):
            shown = {200: shows(reference, "As it stands"), 301: MERGED_AWAY, **refusals(404, 422)}
            app.get(path, responses=shown, tags=_TAGS)(answer)

    def list_incidents(
        self,
        status: _Shown = None,
        service: Word = None,
        root_cause: Word = None,
        source: Word = None,
        opened_from: Moment = None,
        opened_until: Moment = None,
        include_suppressed: _Suppressed = False,  # noqa: FBT002 - a query parameter
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """Incidents, newest first."""
        wanted = Wanted(
            statuses=_statuses(status),
            service=service,
            root_cause=root_cause,
            source=source,
            opened_from=moment_asked(opened_from, "opened_from"),
            opened_until=moment_asked(opened_until, "opened_until"),
            suppressed=None if include_suppressed else False,
        )
        before = read_cursor(cursor, "incidents", NUMBER, WORD)
        rows = self._incidents.incidents(wanted, before=before, limit=limit + 1)
        return reply(page(rows, limit, "incidents", _opened, self._item))

    def show_incident(self, request: Request, id: Id) -> Response:
        """One incident with its last diagnosis and its first alerts."""
        return self._of(request, id, lambda row: views.detail(row, self._alerts(id, None, DEFAULT_LIMIT)))

    def list_alerts(
        self, request: Request, id: Id, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """Its alerts in the order in which they first arrived."""
        (after,) = read_cursor(cursor, "alerts", NUMBER) or (None,)
        return self._of(request, id, lambda _: self._alerts(id, after, limit))

    def show_timeline(
        self,
        request: Request,
        id: Id,
        limit: Limit = MOST,
        merged: _Merged = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        """What happened to it: the newest lines, oldest first."""
        if merged:
            find(self._incidents, id)
            return reply(_all(views.happening, self._incidents.timeline(id, limit)))
        return self._of(request, id, lambda _: _all(views.happening, self._incidents.timeline(id, limit)))

    def list_diagnoses(self, request: Request, id: Id) -> Response:
        """Every diagnosis of it, the first one first."""
        return self._of(request, id, lambda _: _all(views.diagnosis, self._incidents.diagnoses(id)))

    def show_graph(self, request: Request, id: Id) -> Response:
        """Its services with their states, their direct neighbours, and the edges among them."""
        alerts = every_alert(self._incidents, id)
        return self._of(request, id, lambda _: views.surroundings(alerts, self._graph()))

    def _of(self, request: Request, id: str, show: Callable[[IncidentRow], object]) -> Response:
        """What *show* makes of one incident; a merged one forwards."""
        row = find(self._incidents, id)
        return forward(request, self._incidents, row, 301) or reply(show(row))

    def _item(self, row: IncidentRow) -> IncidentItem:
        return views.item(row, forwarded(self._incidents, row) if row.record.status == MERGED else None)

    def _alerts(self, incident: str, after: int | None, limit: int) -> Page[AlertOut]:
        rows = self._incidents.alerts(incident, after=after, limit=limit + 1)
        return page(rows, limit, "alerts", lambda record: (record.order,), views.alert)


def every_alert(incidents: Incidents, incident: str) -> Iterator[AlertRecord]:
    """All alerts of one incident, read part by part."""
    after: int | None = None
    while True:
        rows = incidents.alerts(incident, after=after, limit=_ALERTS_AT_ONCE)
        yield from rows
        if len(rows) < _ALERTS_AT_ONCE:
            return
        after = rows[-1].order


def _all(show: Callable[[R], T], rows: Iterable[R]) -> Page[T]:
    """A list that is not long enough to be shown in parts."""
    return Page([show(row) for row in rows], None)


def _opened(row: IncidentRow) -> tuple[int, str]:
    return row.record.opened_at, row.record.id


def _statuses(given: list[str] | None) -> tuple[str, ...]:
    if not given:
        return tuple(status for status in STATUSES if status != MERGED)
    words = tuple(word for text in given for word in text.split(","))
    strange = next((word for word in words if word not in STATUSES), None)
    if strange is not None:
        raise InputError(f"{strange[:40]!r} is none of {', '.join(STATUSES)}", field="status")
    return words
