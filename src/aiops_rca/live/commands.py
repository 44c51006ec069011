"""What people ask for, done to the incidents as they stand when their request comes up in the journal.

A request about an incident that was merged since goes to the one that took it in; one that makes no sense
any more (the incident is put away, the alerts are not in it) does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b

from aiops_rca.domain.command import (
    ACK,
    FEEDBACK,
    MAINTENANCE,
    MAINTENANCE_END,
    MERGE,
    RESOLVE,
    SNOOZE,
    SPLIT,
    Command,
)
from aiops_rca.live.draft import Draft
from aiops_rca.live.merging import merge
from aiops_rca.live.records import Feedback, Mark, Window
from aiops_rca.live.settling import finish, settle
from aiops_rca.live.signals import BY_HAND, heads, marked
from aiops_rca.live.work import Work

_OPENED_BY = "inc-"  # an incident is named after the firing that opened it


def obey(command: Command, work: Work, at: int) -> None:
    """Do what *command*, received *at* (ms), asks for."""
    settle(work)
    if command.kind == MAINTENANCE:
        _open_window(command, work)
    elif command.kind == MAINTENANCE_END:
        _end_window(command, work, at)
    elif command.kind == FEEDBACK:
        _take_feedback(command, work, at)
    else:
        id = _current(command.incident, work)
        if id is not None:
            _DO[command.kind](command, work.draft(id), work, at)
    settle(work)
    finish(work)


def part_of(command: Command) -> str:
    """The id of the incident that a split makes."""
    return _OPENED_BY + blake2b(command.id.encode(), digest_size=8).hexdigest()


def _current(id: str, work: Work) -> str | None:
    """The live incident *id* is now part of."""
    if id in work.incidents:
        return id
    founder = id.removeprefix(_OPENED_BY)
    for signal in work.signals.values():
        for firing in signal.firings:
            if firing.id == founder and firing.incident in work.incidents:
                return firing.incident
    return None


def _ack(command: Command, draft: Draft, work: Work, at: int) -> None:
    if draft.open_alerts:
        draft.record = draft.record._replace(acknowledged_at=at, acknowledged_by=command.by)
        draft.touched_at = at
        work.happened(draft.id, at, "acknowledged", command.note or "acknowledged", by=command.by)


def _snooze(command: Command, draft: Draft, work: Work, at: int) -> None:
    draft.record = draft.record._replace(snoozed_until=command.until)
    draft.touched_at = at
    work.look_at = min(work.look_at, command.until or at)
    work.happened(draft.id, at, "snoozed", command.note or "no notifications for a while", by=command.by)


def _resolve(command: Command, draft: Draft, work: Work, at: int) -> None:
    """End every firing of the incident now; what is told of them later changes nothing."""
    if not draft.open_alerts:
        return
    draft.record = draft.record._replace(resolved_by=command.by)
    draft.touched_at = at
    work.happened(draft.id, at, "resolved by hand", command.note or "ended by hand", by=command.by)
    for firing in heads(work.firings_of(draft.id)):
        if not firing.ended:
            mark = Mark(firing.fingerprint, max(at, firing.starts_at), firing.starts_at, at, BY_HAND)
            lease = work.rules.lease_of(firing.source)
            signal = marked(work.signals[firing.fingerprint], mark, lease_ms=lease, now=at)
            work.replace_signal(firing.fingerprint, signal)
            work.marks[mark.fingerprint, mark.at, mark.starts_at] = mark


def _merge(command: Command, draft: Draft, work: Work, at: int) -> None:
    into = _current(command.into, work)
    if into is None or into == draft.id:
        return
    target = work.draft(into)
    target.record = target.record._replace(by_hand=True)
    target.touched_at = at
    merge(target, draft, work)
    work.happened(into, at, "merged by hand", command.note or f"{draft.id} belongs to this", by=command.by)


def _split(command: Command, draft: Draft, work: Work, at: int) -> None:
    """Make an incident of its own of some of the alerts; at least one must stay."""
    wanted = set(command.alert_ids)
    known = heads(work.firings_of(draft.id))
    gone = [firing for firing in known if firing.id in wanted]
    left = [firing for firing in known if firing.id not in wanted]
    if not gone or not left:
        work.happened(draft.id, at, "not split", "its alerts are settled, or none would stay", by=command.by)
        return
    draft.rebuild(left, gone)
    draft.record = draft.record._replace(by_hand=True)
    draft.touched_at = at
    id = part_of(command)
    part = Draft(None, id, min(firing.order for firing in gone), work.rules.reach_ms)
    part.record = part.record._replace(by_hand=True, split_from=draft.id)
    part.touched_at = at
    work.drafts[id] = part
    for firing in gone:
        part.add(firing)
        work.put(firing._replace(incident=id, joined_because=f"split from {draft.id} by hand"))
    text = f"{len(gone)} alert{'s' if len(gone) > 1 else ''} left for {id}"
    work.happened(draft.id, at, "split", text, by=command.by)
    work.happened(id, at, "split", f"split from {draft.id}", by=command.by)


def _open_window(command: Command, work: Work) -> None:
    if command.starts_at is None or command.until is None:
        return
    window = Window(command.id, command.services, command.starts_at, command.until, command.by, command.note)
    _set_window(window, work)


def _end_window(command: Command, work: Work, at: int) -> None:
    window = work.windows.get(command.incident)
    if window is None or window.until <= at:
        return
    if window.starts_at >= at:
        del work.windows[window.id]
        work.new_windows.pop(window.id, None)
        work.windows_dropped.append(window.id)
        _look_again(work)
        return
    _set_window(window._replace(until=at), work)


def _set_window(window: Window, work: Work) -> None:
    work.windows[window.id] = work.new_windows[window.id] = window
    work.look_at = min(work.look_at, window.until)
    _look_again(work)


def _look_again(work: Work) -> None:
    for id in list(work.incidents):
        work.draft(id)


def _take_feedback(command: Command, work: Work, at: int) -> None:
    """Keep what a person knows of an incident, put away or not."""
    id = _current(command.incident, work) or command.incident
    work.feedback.append(
        Feedback(
            command.id,
            id,
            at,
            command.by,
            command.root_cause,
            command.resolution,
            command.wrong,
            command.note,
        )
    )
    cause = f"the cause was {command.root_cause}" if command.root_cause else "feedback given"
    work.happened(id, at, "feedback", cause, by=command.by)


_DO: Mapping[str, Callable[[Command, Draft, Work, int], None]] = {
    ACK: _ack,
    SNOOZE: _snooze,
    RESOLVE: _resolve,
    MERGE: _merge,
    SPLIT: _split,
}
