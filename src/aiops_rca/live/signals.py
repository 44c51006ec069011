"""What was told of one signal, in any order, to its firings: when each began and how it ended.

The outcome depends on the set of what was told, never on the order it came in:

- a firing ends at the first resolve that is not before its start;
- without one it is superseded by the signal's next start, for which it must have ended;
- without one it expires when nobody has told of it for its source's lease;
- where a sender gives each repetition a new start, starts without a resolve between are one firing.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from hashlib import blake2b
from operator import attrgetter

from aiops_rca.domain.event import RESTATED, AlertEvent
from aiops_rca.live.records import AlertRecord, Mark
from aiops_rca.live.state import SIGNAL_FIRINGS, Signal

RESOLVED = "resolved"
SUPERSEDED = "superseded"
EXPIRED = "expired"
BY_HAND = "by hand"
REPEATED = "repeated"

NOTHING_TOLD = Signal((), ())
starts_of = attrgetter("starts_at")
_at = attrgetter("at")


def alert_id(fingerprint: str, starts_at: int) -> str:
    """The id of the firing of *fingerprint* that began at *starts_at* (ms, sender's clock): 16 hex digits."""
    return blake2b(f"{fingerprint}:{starts_at}".encode(), digest_size=8).hexdigest()


def starts_at(event: AlertEvent, received_at: int) -> int:
    """When the firing began by the sender's clock; the receipt where the sender does not say."""
    return received_at if event.starts_at is None else event.starts_at


def told(
    signal: Signal, event: AlertEvent, *, received_at: int, order: int, lease_ms: int, now: int
) -> Signal:
    """*signal* after a firing was told; times in ms. *order* is the firing's if this is the first of it."""
    start = starts_at(event, received_at)
    firings = list(signal.firings)
    at = bisect_left(firings, start, key=starts_of)
    if at < len(firings) and firings[at].starts_at == start:
        firings[at] = _again(firings[at], event, received_at)
    else:
        firings.insert(at, _first(event, start, received_at, order, firings))
    return _settled(firings, signal.marks, at, lease_ms, now)


def mark_of(event: AlertEvent, received_at: int, order: int) -> Mark:
    """The resolve that *event*, the *order*-th to arrive, tells of.

    An end ahead of its own receipt is no end but a clock: it counts as the receipt, unless the start is
    ahead too. Without an end only the firing it names is over; without a start either, what was told
    before it.
    """
    start, end = event.starts_at, event.ends_at
    if end is not None:
        if end > received_at and (start is None or start <= received_at):
            end = received_at
        at = max(end, start or 0)
    else:
        at = -order if start is None else start
    return Mark(event.fingerprint, at, start, received_at, RESOLVED)


def marked(signal: Signal, mark: Mark, *, lease_ms: int, now: int) -> Signal:
    """*signal* after a resolve; the same one told again changes nothing."""
    marks = list(signal.marks)
    if any(m.at == mark.at and m.starts_at == mark.starts_at and m.how == mark.how for m in marks):
        return signal
    insort(marks, mark, key=_at)
    if len(marks) > 2 * SIGNAL_FIRINGS:
        marks.remove(min(marks, key=lambda m: m.received_at))
    at = bisect_left(signal.firings, mark.at, key=starts_of) if mark.at > 0 else 1
    return _settled(list(signal.firings), tuple(marks), at, lease_ms, now)


def aged(signal: Signal, *, lease_ms: int, now: int) -> Signal:
    """*signal* at *now* (ms): what nobody tells of any more has expired."""
    return _settled(list(signal.firings), signal.marks, len(signal.firings), lease_ms, now)


def heads(firings: Sequence[AlertRecord]) -> list[AlertRecord]:
    """The firings that are of their own, repetitions left out."""
    return [firing for firing in firings if firing.ended != REPEATED]


def runs(firings: Sequence[AlertRecord]) -> list[list[AlertRecord]]:
    """Each firing of its own with the repetitions of it; they are forgotten together or not at all."""
    found: list[list[AlertRecord]] = []
    for firing in firings:
        if firing.ended != REPEATED or not found:
            found.append([])
        found[-1].append(firing)
    return found


def last_head(firings: Sequence[AlertRecord]) -> AlertRecord | None:
    """The last firing that is of its own."""
    return next((firing for firing in reversed(firings) if firing.ended != REPEATED), None)


def expires_at(signal: Signal, lease_ms: int) -> int | None:
    """When (ms) the open firing of *signal* expires if nothing more is told of it; None if none is open."""
    heard = 0
    for firing in reversed(signal.firings):  # only the last of its own can be open: each ends the one before
        heard = max(heard, firing.seen_at)
        if firing.ended != REPEATED:
            return None if firing.ended else heard + lease_ms
    return None


def _first(
    event: AlertEvent, start: int, received_at: int, order: int, known: Sequence[AlertRecord]
) -> AlertRecord:
    like = known[-1] if known else event
    return AlertRecord(
        alert_id(event.fingerprint, start),
        "",
        like.fingerprint,
        like.source if like.source == event.source else event.source,
        like.service,
        like.metric,
        event.severity,
        start,
        min(start, received_at),
        None,
        "",
        received_at,
        event.value,
        event.threshold,
        # a decoded event holds copies of its own: firings of one signal share theirs
        like.labels if like.labels == event.labels else event.labels,
        event.flags,
        like.summary if like.summary == event.summary else event.summary,
        like.link if like.link == event.link else event.link,
        "",
        order,
        True,  # noqa: FBT003 - a record's column
    )


def _again(firing: AlertRecord, event: AlertEvent, received_at: int) -> AlertRecord:
    """*firing* told once more: the worst that was said of it stays, whoever said it first."""
    known = (firing.severity, *_size(firing.value))
    worse = (event.severity, *_size(event.value)) > known
    flags = firing.flags
    if event.flags != flags:
        flags = tuple(sorted({*flags, *event.flags}))
    return firing._replace(
        at=min(firing.at, received_at),
        seen_at=max(firing.seen_at, received_at),
        severity=event.severity if worse else firing.severity,
        value=event.value if worse else firing.value,
        threshold=event.threshold if worse else firing.threshold,
        flags=flags,
    )


def _size(value: float | None) -> tuple[bool, float, float]:
    return (False, 0.0, 0.0) if value is None else (True, abs(value), value)


def _settled(
    firings: list[AlertRecord], marks: tuple[Mark, ...], changed: int, lease_ms: int, now: int
) -> Signal:
    """Decide anew from the firing before *changed* on; what lies further back cannot be touched by it."""
    begin = max(min(changed, len(firings)) - 1, 0)
    while begin > 0 and firings[begin].ended == REPEATED:
        begin -= 1
    at = begin
    while at < len(firings):
        after, heard = _run(firings, marks, at, lease_ms)
        following = firings[after] if after < len(firings) else None
        firings[at] = _ended(firings[at], marks, following, heard + lease_ms, now)
        at = after
    return Signal(tuple(firings), marks)


def _run(firings: list[AlertRecord], marks: Sequence[Mark], head: int, lease_ms: int) -> tuple[int, int]:
    """Mark the repetitions that follow *head*: (index of the next firing of its own, last told of in ms)."""
    first, heard = firings[head], firings[head].seen_at
    mark = _end_of(first, marks)
    at = head + 1
    while at < len(firings):
        firing = firings[at]
        over = (mark is not None and _is_before(mark, firing)) or _was_resolved_by(first, firing.at)
        if RESTATED not in firing.flags or over or firing.at - heard > lease_ms:
            break
        heard = max(heard, firing.seen_at)
        if firing.ended != REPEATED:
            firings[at] = firing._replace(ended=REPEATED, ends_at=firing.at)
        at += 1
    return at, heard


def _ended(
    firing: AlertRecord, marks: Sequence[Mark], following: AlertRecord | None, expiry: int, now: int
) -> AlertRecord:
    mark = _end_of(firing, marks)
    ended, ends_at = "", None
    if mark is not None and (following is None or _is_before(mark, following)):
        moment = _moment_of(mark) if following is None else min(_moment_of(mark), following.at)
        ended, ends_at = mark.how, max(firing.at, moment)
    elif following is not None and following.at <= expiry:
        ended, ends_at = SUPERSEDED, max(firing.at, following.at)
    elif now >= expiry:
        ended, ends_at = EXPIRED, expiry
    if (ended, ends_at) == (firing.ended, firing.ends_at) or _was_resolved_by(firing, ends_at):
        return firing
    return AlertRecord._make((*firing[:9], ends_at, ended, *firing[11:]))  # _replace takes thrice as long


def _was_resolved_by(firing: AlertRecord, moment: int | None) -> bool:
    """Whether a resolve, which may be forgotten by now, has ended *firing* no later than *moment*."""
    if firing.ended not in (RESOLVED, BY_HAND) or firing.ends_at is None:
        return False
    return moment is None or firing.ends_at <= moment


def _end_of(firing: AlertRecord, marks: Sequence[Mark]) -> Mark | None:
    """The resolve that ends *firing*: of those that can, the first."""
    dated = bisect_left(marks, firing.starts_at, key=_at)
    later = next((mark for mark in marks[dated:] if _ends(mark, firing)), None)
    if marks and marks[0].at < 0:  # minus the number of their arrival: the last comes first
        undated = (mark for mark in reversed(marks) if mark.at < 0 and -mark.at > firing.order)
        candidates = [mark for mark in (next(undated, None), later) if mark is not None]
        return min(candidates, key=_moment_of, default=None)
    return later


def _ends(mark: Mark, firing: AlertRecord) -> bool:
    if mark.how == BY_HAND or mark.at == mark.starts_at:  # one firing is meant, not what came after it
        return mark.starts_at == firing.starts_at
    return mark.at > firing.starts_at or mark.starts_at is None


def _is_before(mark: Mark, firing: AlertRecord) -> bool:
    """Whether *firing* began after the resolve."""
    return mark.at <= firing.starts_at if mark.at > 0 else -mark.at < firing.order


def _moment_of(mark: Mark) -> int:
    """When by our clock the resolve ended something."""
    unsaid = mark.at < 0 or mark.at == mark.starts_at
    return mark.received_at if unsaid else min(mark.at, mark.received_at)
