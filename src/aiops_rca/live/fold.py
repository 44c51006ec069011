"""`fold`: the state and journal entries in, the next state and what changed out. Pure.

Incidents depend on what was told and when it happened, not on the order, the batches or the delay (within
the hold) in which it came; only an incident's name is that of the firing which came first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aiops_rca.domain.event import UNMAPPED, AlertEvent
from aiops_rca.live.commands import obey
from aiops_rca.live.draft import Draft
from aiops_rca.live.entry import COMMAND, Entry, decode_command, decode_events
from aiops_rca.live.passing import pass_time
from aiops_rca.live.records import AlertRecord, Changes, IncidentRecord, Mark, Stored, Unmapped
from aiops_rca.live.settling import settle
from aiops_rca.live.signals import NOTHING_TOLD, REPEATED, alert_id, mark_of, marked, starts_at, told
from aiops_rca.live.state import LiveIncident, Rules, Signal, State
from aiops_rca.live.work import Work

_BODY_ALERTS = 1 << 24  # more than any body holds: numbers the alerts of one entry


def fold(
    state: State,
    entries: Sequence[Entry],
    rules: Rules,
    *,
    now: int,
    known: Collection[str] = frozenset(),
) -> tuple[State, Changes]:
    """Bring *entries*, in journal order, into *state*; then let it be *now* (ms).

    *known* are alerts (of those `unsure` names) that were in an incident which is put away by now.
    """
    work = Work(state, rules)
    for entry in entries:
        pass_time(work, entry.received_at)
        work.seq = entry.seq
        if entry.kind == COMMAND:
            obey(decode_command(entry.payload), work, entry.received_at)
        else:
            _hear(entry, work, known)
    settle(work)
    pass_time(work, now)
    return work.state(), work.changes()


def unsure(state: State, entries: Sequence[Entry], rules: Rules) -> set[str]:
    """The ids of firings in *entries* that *state* does not know but may have forgotten."""
    found = set()
    for entry in entries:
        if entry.kind == COMMAND:
            continue
        oldest = entry.received_at - rules.hold_ms
        for event in decode_events(entry.payload):
            start = event.starts_at
            if event.resolved or start is None:
                continue
            firings = state.signals.get(event.fingerprint, NOTHING_TOLD).firings
            if start < oldest or (firings and start < firings[0].starts_at):
                id = alert_id(event.fingerprint, start)
                if all(firing.id != id for firing in firings):
                    found.add(id)
    return found


def restore(stored: Stored, rules: Rules) -> State:
    """The state that *stored* rows were made from."""
    firings: dict[str, list[AlertRecord]] = {}
    marks: dict[str, list[Mark]] = {}
    members: dict[str, list[AlertRecord]] = {}
    for firing in stored.alerts:
        firings.setdefault(firing.fingerprint, []).append(firing)
        members.setdefault(firing.incident, []).append(firing)
    for mark in stored.marks:
        marks.setdefault(mark.fingerprint, []).append(mark)
    signals = {
        fingerprint: Signal(
            tuple(sorted(firings.get(fingerprint, ()), key=lambda f: f.starts_at)),
            tuple(sorted(marks.get(fingerprint, ()), key=lambda m: m.at)),
        )
        for fingerprint in {**firings, **marks}
    }
    incidents = {r.id: _restored(r, members.get(r.id, []), rules) for r in stored.incidents}
    windows = {window.id: window for window in stored.windows}
    return State(stored.seq, 0, 0, signals, incidents, windows)


def _restored(record: IncidentRecord, firings: Sequence[AlertRecord], rules: Rules) -> LiveIncident:
    draft = Draft(None, record.id, record.order, rules.reach_ms)
    for firing in sorted(firings, key=lambda f: (f.at, f.id)):
        if firing.ended != REPEATED:
            draft.add(firing)
    return LiveIncident(
        record,
        draft.onsets,
        draft.outline,
        max(draft.last_end, record.resolved_at or 0),
        min(draft.first_at, record.opened_at),
        draft.last_at,
        record.updated_at if record.updated_at > max(draft.last_at, draft.last_end) else 0,
    )


def _hear(entry: Entry, work: Work, known: Collection[str]) -> None:
    """Let every signal know what *entry* tells of it."""
    received_at, horizon = entry.received_at, work.rules.hold_ms
    work.now = max(work.now, received_at)
    for position, event in enumerate(decode_events(entry.payload)):
        work.events += 1
        fingerprint = event.fingerprint
        signal = work.signals.get(fingerprint, NOTHING_TOLD)
        lease = work.rules.lease_of(event.source)
        order = entry.seq * _BODY_ALERTS + position
        if event.resolved:
            mark = mark_of(event, received_at, order)
            after = marked(signal, mark, lease_ms=lease, now=work.now)
            if after is not signal:
                work.marks[fingerprint, mark.at, mark.starts_at] = mark
                if len(after.marks) == len(signal.marks):  # there are enough: it took the place of one
                    work.drop_mark(next(m for m in signal.marks if m not in after.marks))
        elif known and _is_known(signal, event, received_at, known):
            after = signal
        else:
            after = told(signal, event, received_at=received_at, order=order, lease_ms=lease, now=work.now)
            _note_unmapped(event, received_at, work)
        if len(after.firings) == len(signal.firings) and len(after.marks) == len(signal.marks):
            work.repeated += 1
        if after is not signal:
            work.replace_signal(fingerprint, after)
            work.told[fingerprint] = work.told.get(fingerprint, 0) + 1
        work.look_at = min(work.look_at, received_at + min(lease, horizon))


def _is_known(signal: Signal, event: AlertEvent, received_at: int, known: Collection[str]) -> bool:
    id = alert_id(event.fingerprint, starts_at(event, received_at))
    return id in known and all(firing.id != id for firing in signal.firings)


def _note_unmapped(event: AlertEvent, received_at: int, work: Work) -> None:
    if UNMAPPED not in event.flags:
        return
    key = (event.source, event.service)
    times = work.unmapped[key].times if key in work.unmapped else 0
    work.unmapped[key] = Unmapped(event.source, event.service, times + 1, received_at, event.labels)
