"""What only the passing of time brings about: alerts expire, windows end, what is over is put away."""

from __future__ import annotations

from collections.abc import Iterator

from aiops_rca.live.records import RESOLVED, Mark
from aiops_rca.live.settling import settle
from aiops_rca.live.signals import aged, expires_at
from aiops_rca.live.state import LiveIncident, Signal
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
    settle(work)
    for incident in [i for i in work.incidents.values() if _over_at(i, work) <= work.now]:
        _put_away(incident, work)
    _forget(work)
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
    horizon = work.now - work.rules.horizon_ms
    for window in [w for w in work.windows.values() if w.until < horizon]:
        del work.windows[window.id]


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
    """Drop firings and resolves that no late event can touch; onsets stay in their incidents."""
    horizon = work.now - work.rules.horizon_ms
    for fingerprint, signal in list(work.signals.items()):
        old = [f for f in signal.firings if f.ends_at is not None and max(f.ends_at, f.seen_at) < horizon]
        left = [mark for mark in signal.marks if mark.received_at >= horizon]
        if old or len(left) < len(signal.marks):
            for mark in signal.marks:
                if mark.received_at < horizon:
                    _drop_mark(mark, work)
            work.signals[fingerprint] = signal._replace(marks=tuple(left))
            work.drop(fingerprint, old)


def _drop_mark(mark: Mark, work: Work) -> None:
    key = (mark.fingerprint, mark.at, mark.starts_at)
    if work.marks.pop(key, None) is None:
        work.marks_dropped[key] = mark


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
            yield signal.marks[0].received_at + work.rules.horizon_ms
    for incident in work.incidents.values():
        yield _over_at(incident, work)
    for window in work.windows.values():
        yield window.until
