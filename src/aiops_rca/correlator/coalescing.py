"""Which waiting notices become a message: a receiver hears what is news to it, and hears it once.

Pure. Each decision names its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from aiops_rca.live.records import MERGED, RESOLVED, IncidentRecord
from aiops_rca.live.rows import OutboxRow

OPENED = "opened"
REOPENED = "reopened"
ROOT_CAUSE = "root_cause"
OVER = "resolved"

TELL = "tell"
DROP = "drop"
WAIT = "wait"

_PATIENCE_MS = 10_000  # for a diagnosis that is not there yet: a message without one says little


class Decision(NamedTuple):
    """What to do with an incident's waiting notices: *act* is TELL, DROP or WAIT, *because* the reason.

    *occasion* is what to say, for TELL alone.
    """

    act: str
    because: str
    occasion: str = ""


def by_incident(rows: Sequence[OutboxRow], now: int) -> dict[str, list[OutboxRow]]:
    """The *rows* of each incident that has one due by *now*, oldest first, longest due incident first."""
    found: dict[str, list[OutboxRow]] = {}
    for row in sorted(rows, key=lambda row: (row.due_at, row.id)):
        found.setdefault(row.incident, []).append(row)
    return {
        incident: sorted(own, key=lambda row: (row.at, row.id))
        for incident, own in found.items()
        if own[0].due_at <= now
    }


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
    diagnosed: bool,
    now: int,
    settle_ms: int,
    wanted: Collection[str],
) -> Decision:
    """Say what becomes of *rows*, one incident's notices to one target, oldest first.

    *record* is the incident as it stands, None when it is gone; *wanted* are the occasions asked for.
    An incident that was over before *settle_ms* had passed is not told of at all.
    """
    if record is None:
        return Decision(DROP, "gone")
    occasions = [row.occasion for row in rows if row.occasion in wanted]
    occasion = news(occasions)
    hushed = _hushed(record, now) or (
        _over(record, occasions, settle_ms, wanted) if occasion else "nothing new"
    )
    if hushed or occasion is None:
        return Decision(DROP, hushed)
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
    turns = [occasion for occasion in occasions if occasion != ROOT_CAUSE]
    is_open = not turns or turns[-1] != OVER
    unknown = OPENED in occasions
    believed_open = not unknown and occasions[0] != REOPENED
    if not is_open:
        return OVER if unknown or believed_open else None
    if believed_open:
        return ROOT_CAUSE if ROOT_CAUSE in occasions else None
    return OPENED if unknown else REOPENED


def backoff_ms(attempts: int) -> int:
    """How long to wait after *attempts* failed ones: 1, 2, 4 ... seconds, at most ten minutes."""
    return int(min(600, 2 ** min(attempts - 1, 20)) * 1000)


def _hushed(record: IncidentRecord, now: int) -> str:
    """Why nobody is to hear of the incident; empty when somebody is."""
    if record.status == MERGED:
        return "merged"  # the survivor speaks for it
    if record.suppressed:
        return "in maintenance"
    return "snoozed" if record.snoozed_until is not None and record.snoozed_until > now else ""


def _over(record: IncidentRecord, occasions: Sequence[str], settle_ms: int, wanted: Collection[str]) -> str:
    """Why the end of the incident makes a message needless; empty where it does not."""
    if record.status != RESOLVED or record.resolved_at is None:
        return ""
    if OPENED in occasions and record.resolved_at - record.opened_at < settle_ms:
        return "over before it settled"
    return "overtaken by its end" if OVER in wanted and OVER not in occasions else ""
