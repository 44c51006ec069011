"""The lists beside the incidents: maintenance, unmapped services, quarantine, and pending feedback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from aiops_rca.domain.command import MAINTENANCE, MAINTENANCE_END, Command
from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.live.records import Feedback, Unmapped, Window
from aiops_rca.live.rows import Quarantined
from aiops_rca.web import views
from aiops_rca.web.asking import Id, Incidents, Shelf, moment, refusals, reply, shows, takes
from aiops_rca.web.commands import Desk, author, new_id
from aiops_rca.web.paging import DEFAULT_LIMIT, NUMBER, WORD, Cursor, Limit, page, read_cursor
from aiops_rca.web.webhooks import Webhooks
from aiops_rca.wire import decode
from aiops_rca.wire.live import NO_NUL, MaintenanceIn, Page, WindowOut

_CHANGING = refusals(408, 413, 415, 422)
_Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
_By = Annotated[str, Query(max_length=200, pattern=NO_NUL, description="who asks")]


class MaintenancePages:
    """`/maintenance`: windows in which nothing is opened or told of."""

    def __init__(self, desk: Desk, incidents: Incidents, graph: Callable[[], ServiceGraph | None]) -> None:
        self._desk, self._incidents, self._graph = desk, incidents, graph

    def add_to(self, app: FastAPI) -> None:
        """Add the routes, with what each takes and may answer."""
        listed = {200: shows("Page_WindowOut_", "Those that are not over"), **refusals()}
        set_up = {
            201: shows("WindowOut", "It is in force"),
            202: shows("WindowOut", "Kept, and still to be put in force"),
            **_CHANGING,
        }
        ended = {
            200: shows("WindowOut", "It has ended"),
            202: shows("WindowOut", "Kept, and still to be done"),
            **refusals(404),
            **_CHANGING,
        }
        body = takes("MaintenanceIn", required=True)
        app.get("/maintenance", responses=listed, tags=["maintenance"])(self.windows)
        app.post("/maintenance", status_code=201, responses=set_up, openapi_extra=body, tags=["maintenance"])(
            self.begin
        )
        app.delete("/maintenance/{id}", responses=ended, tags=["maintenance"])(self.end)

    def windows(self) -> Response:
        """The windows that are not over, by start."""
        now = self._desk.now()
        return reply(Page[WindowOut]([self._shown(one, now) for one in self._open(now)], None))

    async def begin(self, request: Request) -> Response:
        """Set a window up."""
        body = decode(await request.body(), MaintenanceIn)
        now = self._desk.now()
        starts_at, until = moment(body.starts_at, "starts_at"), moment(body.until, "until")
        starts_at = now if starts_at is None else starts_at
        if until is None or until <= max(now, starts_at):
            raise InputError("must lie in the future, behind starts_at", field="until")
        services = tuple(dict.fromkeys(body.services))
        command = Command(
            new_id(), MAINTENANCE, "", author(body.by), body.note,
            starts_at=starts_at, until=until, services=services,
        )  # fmt: skip
        done = await self._desk.send(command)
        window = Window(command.id, services, starts_at, until, command.by, command.note)
        return reply(self._shown(window, now), 201 if done else 202)

    async def end(self, id: Id, by: _By = "") -> Response:
        """End a window now, or take it back before it begins."""
        now = self._desk.now()
        windows = await run_in_threadpool(self._open, now)
        window = next((one for one in windows if one.id == id), None)
        if window is None:
            raise RcaError(f"there is no window {id[:80]!r} that is not over", code="not_found")
        done = await self._desk.send(Command(new_id(), MAINTENANCE_END, id, author(by)))
        ended = window._replace(until=min(window.until, max(now, window.starts_at)))
        return reply(self._shown(ended, now), 200 if done else 202)

    def _shown(self, window: Window, now: int) -> WindowOut:
        return views.window(window, now, self._graph())

    def _open(self, now: int) -> list[Window]:
        return [window for window in self._incidents.windows() if window.until > now]


class LedgerPages:
    """`/unmapped`, `/quarantine` and `/history/pending`."""

    def __init__(self, incidents: Incidents, shelf: Shelf, webhooks: Webhooks, desk: Desk) -> None:
        self._incidents, self._shelf, self._webhooks, self._desk = incidents, shelf, webhooks, desk

    def add_to(self, app: FastAPI) -> None:
        """Add the routes, with what each may answer."""
        for path, reference, answer in (
            ("/unmapped", "Page_UnmappedOut_", self.unmapped),
            ("/quarantine", "Page_QuarantinedOut_", self.quarantine),
            ("/history/pending", "Page_FeedbackOut_", self.pending),
        ):
            listed = {200: shows(reference, "A part of the list"), **refusals(422)}
            app.get(path, responses=listed, tags=["housekeeping"])(answer)
        replayed = {200: shows("AcceptedOut", "What became of it"), **refusals(404, 409), **_CHANGING}
        app.post("/quarantine/{number}/replay", responses=replayed, tags=["housekeeping"])(self.replay)

    def unmapped(self, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        """Services that senders name and the graph does not know, the most frequent first."""
        after = read_cursor(cursor, "unmapped", NUMBER, WORD, WORD)
        rows = self._incidents.unmapped(limit + 1, after)
        return reply(page(rows, limit, "unmapped", _frequency, views.unmapped))

    def quarantine(self, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        """Bodies, and single alerts, that could not be read, the newest first."""
        (after,) = read_cursor(cursor, "quarantine", NUMBER) or (None,)
        rows = self._shelf.quarantine(after, limit + 1)
        return reply(page(rows, limit, "quarantine", _number, views.quarantined))

    def pending(self, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        """What people said of incidents and nobody has taken into the history yet, the oldest first."""
        rows = self._incidents.feedback(limit + 1, read_cursor(cursor, "pending", NUMBER, WORD))
        return reply(page(rows, limit, "pending", _given, views.feedback))

    async def replay(self, number: _Number) -> Response:
        """Read a piece in quarantine again, for example with a better mapping."""
        piece = await run_in_threadpool(self._shelf.quarantined, number)
        if piece is None:
            raise RcaError(f"there is no piece {number} in quarantine", code="not_found")
        if piece.replayed_at is not None:
            raise RcaError("it went in before", code="conflict")
        receipt = await self._webhooks.again(piece.source, piece.headers, piece.body)
        await run_in_threadpool(self._shelf.mark_replayed, number, self._desk.now())
        return reply(receipt.outcome)


def _frequency(record: Unmapped) -> tuple[int, str, str]:
    return record.times, record.source, record.service


def _number(piece: Quarantined) -> tuple[int]:
    return (piece.id,)


def _given(record: Feedback) -> tuple[int, str]:
    return record.at, record.id
