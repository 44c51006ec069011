"""What people ask of incidents: put into the journal like any event, answered once it has been folded.

200 with the incident as it is afterwards; 202 with the incident as it was when folding takes too long: the
request is kept and will be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from aiops_rca.domain.command import ACK, FEEDBACK, MERGE, RESOLVE, SNOOZE, SPLIT, Command
from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.live.commands import part_of
from aiops_rca.live.entry import COMMAND, encode_command
from aiops_rca.live.records import ACKNOWLEDGED, MERGED, OPEN
from aiops_rca.live.rows import Draft, IncidentRow
from aiops_rca.web import views
from aiops_rca.web.asking import MERGED_AWAY, Id, Incidents, Now, moment, refusals, reply, shows, takes
from aiops_rca.web.browse import every_alert, find, forward, forwarded
from aiops_rca.web.webhooks import Appender
from aiops_rca.wire import decode
from aiops_rca.wire.live import FeedbackIn, IncidentItem, MergeIn, SignedIn, SnoozeIn, SplitIn, SplitOut

WAIT_SEC = 3.0
_POLL_SEC = (0.01, 0.02, 0.04, 0.08)  # then every 0.08 s: the first are for a correlator that is idle
_ANONYMOUS = "anonymous"
_ANSWERS = {
    200: shows("IncidentItem", "Done: the incident as it is now"),
    202: shows("IncidentItem", "Kept, and still to be done: the incident as it was"),
    308: MERGED_AWAY,
    **refusals(404, 408, 409, 413, 415, 422),
}
_SPLIT_ANSWERS = {
    **_ANSWERS,
    200: shows("SplitOut", "Done: the incident as it is now, and the new one's id"),
    202: shows("SplitOut", "Kept, and still to be done: the incident as it was"),
}
B = TypeVar("B", bound=SignedIn)
Check = Callable[[IncidentRow, B], Command]
Show = Callable[[IncidentRow, Command, bool], IncidentItem]


def _item(row: IncidentRow, _command: Command, _done: bool) -> IncidentItem:  # noqa: FBT001 - as `Show`
    return views.item(row)


class Desk:
    """Puts a person's request into the journal and waits until it has been folded."""

    def __init__(
        self, committer: Appender, incidents: Incidents, now: Now, wait_sec: float = WAIT_SEC
    ) -> None:
        self._committer, self._incidents, self._now = committer, incidents, now
        self._wait_sec = wait_sec

    def now(self) -> int:
        """The time, in epoch milliseconds."""
        return self._now()

    async def send(self, command: Command) -> bool:
        """Keep *command*; True once it has been done, False when that takes too long."""
        draft = Draft(self._now(), COMMAND, "", 0, encode_command(command))
        seq = await self._committer.append((draft,))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_sec
        tries = 0
        while (await run_in_threadpool(self._incidents.standing)).seq < seq:
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_POLL_SEC[min(tries, len(_POLL_SEC) - 1)])
            tries += 1
        return True


class CommandPages:
    """`POST /incidents/{id}/ack|resolve|snooze|merge|split|feedback`."""

    def __init__(self, desk: Desk, incidents: Incidents) -> None:
        self._desk, self._incidents = desk, incidents

    def add_to(self, app: FastAPI) -> None:
        """Add the routes, with what each takes and may answer."""
        for name, body, answer in (
            ("ack", SignedIn, self.ack),
            ("resolve", SignedIn, self.resolve),
            ("snooze", SnoozeIn, self.snooze),
            ("merge", MergeIn, self.merge),
            ("split", SplitIn, self.split),
            ("feedback", FeedbackIn, self.feedback),
        ):
            path, extra = f"/incidents/{{id}}/{name}", takes(body.__name__, required=body is not SignedIn)
            answers = _SPLIT_ANSWERS if body is SplitIn else _ANSWERS
            app.post(path, responses=answers, openapi_extra=extra, tags=["incidents"])(answer)

    async def ack(self, request: Request, id: Id) -> Response:
        """Say that somebody is on it."""
        return await self._do(request, id, SignedIn, self._acknowledging)

    async def resolve(self, request: Request, id: Id) -> Response:
        """End it, whatever its alerts say."""
        return await self._do(request, id, SignedIn, self._resolving)

    async def snooze(self, request: Request, id: Id) -> Response:
        """Say nothing of it until then."""
        return await self._do(request, id, SnoozeIn, self._snoozing)

    async def merge(self, request: Request, id: Id) -> Response:
        """Make it part of another incident."""
        return await self._do(request, id, MergeIn, self._merging)

    async def split(self, request: Request, id: Id) -> Response:
        """Move some of its alerts into an incident of their own."""
        return await self._do(request, id, SplitIn, self._splitting, self._parted)

    async def feedback(self, request: Request, id: Id) -> Response:
        """Say what the cause really was."""
        return await self._do(request, id, FeedbackIn, _feeding_back)

    async def _do(
        self, request: Request, id: str, kind: type[B], check: Check[B], show: Show = _item
    ) -> Response:
        body = decode(await request.body() or b"{}", kind)
        row = await run_in_threadpool(find, self._incidents, id)
        away = await run_in_threadpool(forward, request, self._incidents, row, 308)
        if away is not None:
            return away
        command = await run_in_threadpool(check, row, body)
        done = await self._desk.send(command)
        row = await run_in_threadpool(find, self._incidents, id)
        return reply(await run_in_threadpool(show, row, command, done), 200 if done else 202)

    def _acknowledging(self, row: IncidentRow, body: SignedIn) -> Command:
        _open_only(row, "acknowledged")
        return _signed(ACK, row, body)

    def _resolving(self, row: IncidentRow, body: SignedIn) -> Command:
        _open_only(row, "resolved")
        return _signed(RESOLVE, row, body)

    def _snoozing(self, row: IncidentRow, body: SnoozeIn) -> Command:
        until = moment(body.until, "until")
        if until is None or until <= self._desk.now():
            raise InputError("must lie in the future", field="until")
        _open_only(row, "snoozed")
        return _signed(SNOOZE, row, body)._replace(until=until)

    def _merging(self, row: IncidentRow, body: MergeIn) -> Command:
        other = self._incidents.incident(body.into)
        if other is None:
            raise InputError(f"there is no incident {body.into[:80]!r}", field="into")
        into = find(self._incidents, forwarded(self._incidents, other))
        if into.record.id == row.record.id:
            raise RcaError("it cannot be merged into itself", code="conflict", field="into")
        for one in (row, into):
            _live_only(one, "merged")
        return _signed(MERGE, row, body)._replace(into=into.record.id)

    def _parted(self, row: IncidentRow, command: Command, done: bool) -> SplitOut:  # noqa: FBT001 - as `Show`
        """Where the alerts went; until that is done, where they will go."""
        part = part_of(command)
        there = not done or self._incidents.incident(part) is not None
        return views.split_off(row, part if there else None)

    def _splitting(self, row: IncidentRow, body: SplitIn) -> Command:
        _live_only(row, "split")
        own = {record.id for record in every_alert(self._incidents, row.record.id)}
        strange = next((alert for alert in body.alert_ids if alert not in own), None)
        if strange is not None:
            raise InputError(f"it has no alert {strange[:80]!r}", field="alert_ids")
        if not own.difference(body.alert_ids):
            raise RcaError("at least one alert must stay", code="conflict", field="alert_ids")
        return _signed(SPLIT, row, body)._replace(alert_ids=tuple(dict.fromkeys(body.alert_ids)))


def author(by: str) -> str:
    """Who asks; without keys everybody may leave that out."""
    return by.strip() or _ANONYMOUS


def new_id() -> str:
    """An id for a command; the journal keeps it, so a replay repeats it."""
    return uuid4().hex


def _feeding_back(row: IncidentRow, body: FeedbackIn) -> Command:
    if not (body.root_cause or body.resolution or body.note or body.wrong is not None):
        raise InputError("say at least one of root_cause, resolution, wrong, note", field="body")
    return _signed(FEEDBACK, row, body)._replace(
        root_cause=body.root_cause, resolution=body.resolution, wrong=body.wrong
    )


def _signed(kind: str, row: IncidentRow, body: SignedIn) -> Command:
    return Command(new_id(), kind, row.record.id, author(body.by), body.note)


def _open_only(row: IncidentRow, what: str) -> None:
    if row.record.status not in {OPEN, ACKNOWLEDGED}:
        raise RcaError(f"it is {row.record.status} and cannot be {what}", code="conflict")


def _live_only(row: IncidentRow, what: str) -> None:
    if row.record.status == MERGED or not row.record.live:
        raise RcaError(f"{row.record.id} is over and cannot be {what}", code="conflict")
