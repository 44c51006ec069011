"""What only the passing of time brings about: alerts expire, windows end, what is over is put away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiops_rca.live.records import RESOLVED, AlertRecord, Mark
from aiops_rca.live.settling import settle
from aiops_rca.live.signals import aged, expires_at, runs
from aiops_rca.live.state import LiveIncident, Signal
from aiops_rca.live.telling import tell
from aiops_rca.live.work import Work

_EACH_MS = 1000  # how often at most everything live is looked over
NEVER = 1 << 62


def pass_time(work: Work, now: int) -> None:
    """Let it be *now* (ms)."""
    work.now = max(work.now, now)
    if work.now < work.look_at:
        return
    settle(work)
    _expire(work)
    _end_windows(work)
    _end_snoozes(work)
    settle(work)
    for incident in [i for i in work.incidents.values() if _over_at(i, work) <= work.now]:
        _put_away(incident, work)
    _forget(work)
    _forget_windows(work)
    work.look_at = max(_next_turn(work), work.now + _EACH_MS)


def _expire(work: Work) -> None:
    for fingerprint, signal in list(work.signals.items()):
        lease = _lease(signal, work)
        expiry = expires_at(signal, lease)
        if expiry is not None and expiry <= work.now:
            work.replace_signal(fingerprint, aged(signal, lease_ms=lease, now=work.now))


def _end_windows(work: Work) -> None:
    """Look again at every suppressed incident: a window may have ended over it."""
    for incident in list(work.incidents.values()):
        if incident.record.suppressed:
            work.draft(incident.record.id)


def _forget_windows(work: Work) -> None:
    """Only after what they suppressed was put away."""
    horizon = work.now - work.rules.horizon_ms
    for window in [w for w in work.windows.values() if w.until < horizon]:
        del work.windows[window.id]
        work.windows_dropped.append(window.id)


def _end_snoozes(work: Work) -> None:
    for incident in list(work.incidents.values()):
        record = incident.record
        if record.snoozed_until is not None and record.snoozed_until <= work.now:
            draft = work.draft(record.id)
            draft.record = draft.record._replace(snoozed_until=None)
            if record.status != RESOLVED:
                tell(record.id, "snooze_over", record.snoozed_until, "still open", work)


def _over_at(incident: LiveIncident, work: Work) -> int:
    """When nothing that still counts can change *incident* any more; never while it is open."""
    record = incident.record
    if record.status != RESOLVED or record.resolved_at is None:
        return NEVER
    return max(record.resolved_at, incident.touched_at, incident.last_at) + work.rules.horizon_ms


def _put_away(incident: LiveIncident, work: Work) -> None:
    record = incident.record._replace(live=False)
    work.records[record.id] = record
    for fingerprint in incident.onsets:
        signal = work.signals.get(fingerprint)
        if signal is not None:
            work.drop(fingerprint, [f for f in signal.firings if f.incident == record.id])
    del work.incidents[record.id]


def _forget(work: Work) -> None:
    """Drop firings that no late event can touch, and then resolves; onsets stay in their incidents."""
    horizon = work.now - work.rules.horizon_ms
    for fingerprint, signal in list(work.signals.items()):
        known = runs(signal.firings)
        kept = [firing for run in known if not _is_old(run, horizon) for firing in run]
        old = [firing for run in known if _is_old(run, horizon) for firing in run]
        gone = [mark for mark in signal.marks if mark.received_at < horizon and not _is_needed(mark, kept)]
        for mark in gone:
            work.drop_mark(mark)
        if old or gone:
            left = tuple(mark for mark in signal.marks if mark not in gone)
            work.signals[fingerprint] = signal._replace(marks=left)
            work.drop(fingerprint, old)


def _is_needed(mark: Mark, kept: Sequence[AlertRecord]) -> bool:
    """Whether a firing that is still known may be ended by *mark*."""
    return bool(kept) and (mark.at < 0 or mark.at >= kept[0].starts_at)


def _is_old(run: Sequence[AlertRecord], horizon: int) -> bool:
    ends_at = run[0].ends_at
    return ends_at is not None and max(ends_at, *(firing.seen_at for firing in run)) < horizon


def _lease(signal: Signal, work: Work) -> int:
    return work.rules.lease_of(signal.firings[-1].source) if signal.firings else NEVER


def _next_turn(work: Work) -> int:
    return min(_turns(work), default=NEVER)


def _turns(work: Work) -> Iterator[int]:
    for signal in work.signals.values():
        expiry = expires_at(signal, _lease(signal, work))
        if expiry is not None:
            yield expiry
        if signal.marks:
            yield min(mark.received_at for mark in signal.marks) + work.rules.horizon_ms
    for incident in work.incidents.values():
        yield _over_at(incident, work)
        if incident.record.snoozed_until is not None:
            yield incident.record.snoozed_until
    for window in work.windows.values():
        yield window.until
