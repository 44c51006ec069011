"""Which waiting notices become a message: a receiver hears what is news to it, and hears it once.

Pure. Each decision names its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from aiops_rca.live.records import MERGED, RESOLVED, IncidentRecord
from aiops_rca.live.rows import OutboxRow, Told

OPENED = "opened"
REOPENED = "reopened"
WORSE = "severity"
SNOOZE_OVER = "snooze_over"
ROOT_CAUSE = "root_cause"
OVER = "resolved"
EXPIRED = "expired"
ENDS = (OVER, EXPIRED)

TELL = "tell"
DROP = "drop"
WAIT = "wait"

_BEGINS = (OPENED, REOPENED)
_TURNS = (*_BEGINS, *ENDS)
_PATIENCE_MS = 10_000  # for a diagnosis that is not there yet: a message without one says little
_MOST_BACKOFF_MS = 300_000
_RETRIED_MS = 86_400_000
_LEAST_ATTEMPTS = 10


class Decision(NamedTuple):
    """What to do with an incident's waiting notices: *act* is TELL, DROP or WAIT, *because* the reason.

    *occasion* is what to say, for TELL alone.
    """

    act: str
    because: str
    occasion: str = ""


def due_incidents(rows: Sequence[OutboxRow], now: int) -> list[str]:
    """The incidents that have one of *rows* due by *now*, the longest due first."""
    due = sorted((row.due_at, row.id, row.incident) for row in rows if row.due_at <= now)
    return list(dict.fromkeys(incident for _, _, incident in due))


def gathering(rows: Sequence[OutboxRow], now: int, gather_ms: int) -> bool:
    """Whether to wait for what is due within *gather_ms*, so that one message says it all.

    Nothing waits longer than *gather_ms* for it.
    """
    due = [row.due_at for row in rows if row.due_at <= now]
    soon = any(now < row.due_at <= now + gather_ms for row in rows)
    return soon and bool(due) and min(due) > now - gather_ms


def decide(
    rows: Sequence[OutboxRow],
    record: IncidentRecord | None,
    *,
    told: Told | None,
    diagnosed: bool,
    now: int,
    settle_ms: int,
    wanted: Collection[str],
) -> Decision:
    """Say what becomes of *rows*, all that waits to be told of one incident to one target, oldest first.

    *record* is the incident as it stands, None when it is gone; *told* is what the target heard of it
    before, None when nothing; *wanted* are the occasions asked for. An incident that was over before
    *settle_ms* had passed is not told of at all.
    """
    if record is None:
        return Decision(DROP, "gone")
    asked = [row for row in rows if row.occasion in wanted and not _was_told(row, record, told)]
    occasion = news([row.occasion for row in asked])
    if occasion is None:
        return Decision(DROP, _hushed(record, now) or "nothing new")
    needless = (
        _hushed(record, now)
        or _over(record, asked, settle_ms, wanted)
        or (_unheard(occasion, asked, told, wanted) if occasion in ENDS else "")
    )
    if needless:
        return Decision(DROP, needless)
    if not diagnosed and record.status != RESOLVED and now - rows[-1].at < settle_ms + _PATIENCE_MS:
        return Decision(WAIT, "not diagnosed yet")
    return Decision(TELL, "news", occasion)


def news(occasions: Sequence[str]) -> str | None:
    """The one thing to say after *occasions*, oldest first, of which none was told; None when it cancels out.

    What the receiver believed before follows from the first of them: only what is unknown opens, only
    what is over reopens.
    """
    if not occasions:
        return None
    turns = [occasion for occasion in occasions if occasion in _TURNS]
    if turns and turns[-1] in ENDS:
        return turns[-1]
    if OPENED in turns:
        return OPENED
    if turns and turns[0] == REOPENED:
        return REOPENED
    return next((one for one in (WORSE, SNOOZE_OVER, ROOT_CAUSE) if one in occasions), None)


def backoff_ms(attempts: int) -> int:
    """How long to wait after *attempts* failed ones: 1, 2, 4 ... seconds, at most five minutes."""
    return int(min(_MOST_BACKOFF_MS, 1000 * 2 ** min(attempts - 1, 20)))


def is_spent(rows: Sequence[OutboxRow], now: int) -> bool:
    """Whether one incident's *rows*, just tried in vain, are to be given up: the last is a day overdue.

    Never before ten attempts: after a day of standing still a receiver gets its chance, too.
    """
    overdue = now - max(row.first_due_at for row in rows) >= _RETRIED_MS
    return overdue and 1 + max(row.attempts for row in rows) >= _LEAST_ATTEMPTS


def _hushed(record: IncidentRecord, now: int) -> str:
    """Why nobody is to hear of the incident; empty when somebody is."""
    if record.status == MERGED:
        return "merged"  # the survivor speaks for it
    if record.suppressed:
        return "in maintenance"
    return "snoozed" if record.snoozed_until is not None and record.snoozed_until > now else ""


def _over(record: IncidentRecord, asked: Sequence[OutboxRow], settle_ms: int, wanted: Collection[str]) -> str:
    """Why the end of the incident makes a message needless; empty where it does not."""
    if record.status != RESOLVED or record.resolved_at is None:
        turns = [row.occasion for row in asked if row.occasion in _TURNS]
        return "open again" if turns and turns[-1] in ENDS else ""
    begins = [row for row in asked if row.occasion in _BEGINS]
    ended = any(row.occasion in ENDS for row in asked)
    if begins and asked[0].occasion not in ENDS:
        opened = OPENED in {row.occasion for row in begins}
        began = record.opened_at if opened else begins[0].at
        if record.resolved_at - began < settle_ms:
            return "over before it settled"
    return "overtaken by its end" if not ended and set(ENDS) & set(wanted) else ""


def _was_told(row: OutboxRow, record: IncidentRecord, told: Told | None) -> bool:
    """Whether *row* is about a severity that the receiver knows of, be it from another message."""
    return row.occasion == WORSE and told is not None and record.max_severity <= told.severity


def _unheard(occasion: str, asked: Sequence[OutboxRow], told: Told | None, wanted: Collection[str]) -> str:
    """Why the end *occasion* is no news to one who was *told* that; empty where it is."""
    if any(row.occasion in _BEGINS for row in asked):
        return ""
    if told is None:  # who asks for ends alone gets them all
        return "never told of" if set(wanted) - set(ENDS) else ""
    confirmed = (told.occasion, occasion) == (EXPIRED, OVER)
    return "its end was told" if told.occasion in ENDS and not confirmed else ""
