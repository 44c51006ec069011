"""What a person asks of an incident; kept in the journal like any event, so that a replay repeats it."""

from __future__ import annotations

from typing import NamedTuple

ACK = "ack"
RESOLVE = "resolve"
SNOOZE = "snooze"
MERGE = "merge"
SPLIT = "split"
FEEDBACK = "feedback"
MAINTENANCE = "maintenance"  # a window opens
MAINTENANCE_END = "maintenance_end"  # a window is taken back, or ended early


class Command(NamedTuple):
    """One request of a person.

    *incident* is the id it was sent to (for `MAINTENANCE_END` the window's id), which may have been
    merged since. Times are epoch milliseconds. Fields a kind does not use are empty.
    """

    id: str
    kind: str
    incident: str = ""
    by: str = ""
    note: str = ""
    into: str = ""  # merge: the surviving incident
    alert_ids: tuple[str, ...] = ()  # split: the alerts that leave
    starts_at: int | None = None  # maintenance
    until: int | None = None  # snooze, maintenance
    services: tuple[str, ...] = ()  # maintenance
    root_cause: str = ""  # feedback
    resolution: str = ""  # feedback
    wrong: bool | None = None  # feedback: whether the named root cause was wrong
