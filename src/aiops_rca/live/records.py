"""What the fold gives to be stored, and takes back after a restart: flat rows, no behaviour.

Times are epoch milliseconds; lists are tuples; an id is text. Whoever stores them adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiops_rca.domain.alert import LabelValue, Severity

OPEN = "open"
ACKNOWLEDGED = "acknowledged"
RESOLVED = "resolved"
MERGED = "merged"
STATUSES = (OPEN, ACKNOWLEDGED, RESOLVED, MERGED)


class AlertRecord(NamedTuple):
    """One firing of one signal, from its start to its end.

    *id* is the hash of *fingerprint* and *starts_at* (the sender's clock). *at* is its start by our
    clock: never later than its first receipt. *ended* says how it ended: `""` (it has not),
    `resolved`, `superseded`, `expired`, `by hand`; `repeated` means it never was a firing of its own but
    one more telling of the one before. *order* numbers firings by first arrival. *live* is False once a
    fold needs it no more.
    """

    id: str
    incident: str
    fingerprint: str
    source: str
    service: str
    metric: str
    severity: Severity
    starts_at: int
    at: int
    ends_at: int | None
    ended: str
    seen_at: int
    value: float | None
    threshold: float | None
    labels: Mapping[str, LabelValue]
    flags: tuple[str, ...]
    summary: str
    link: str
    joined_because: str
    order: int
    live: bool


class IncidentRecord(NamedTuple):
    """One incident as it stands.

    *status* is one of `STATUSES`. *order* is that of the firing that opened it. *alert_count* counts
    firings, *signal_count* signals, *open_alerts* firings without an end, *event_count* events told.
    *suppressed* is True while a maintenance window covers all of it. *by_hand* is True once a person
    has split or merged it. *changes* grows with every change of its alerts; a diagnosis notes the number
    it was made at. When *live* turns False, so do all its alerts. When *merged_into* is set, all its
    alerts belong to that incident from then on.
    """

    id: str
    status: str
    order: int
    opened_at: int
    updated_at: int
    resolved_at: int | None
    services: tuple[str, ...]
    sources: tuple[str, ...]
    alert_count: int
    signal_count: int
    open_alerts: int
    event_count: int
    max_severity: Severity
    partial: bool
    suppressed: bool
    merged_into: str | None
    split_from: str | None
    acknowledged_at: int | None
    acknowledged_by: str
    snoozed_until: int | None
    resolved_by: str
    by_hand: bool
    reopened: int
    changes: int
    live: bool


class Mark(NamedTuple):
    """A resolve of a signal, kept while a late firing may still need it.

    *at* is when by the sender's clock; where the sender does not say, the start of the firing it names
    (*starts_at*, else None), and where it names none either, minus the number of its arrival. *how* is
    the `ended` of the firings it ends.
    """

    fingerprint: str
    at: int
    starts_at: int | None
    received_at: int
    how: str


class Window(NamedTuple):
    """A maintenance window over *services* (`*` = all), from *starts_at* to *until*."""

    id: str
    services: tuple[str, ...]
    starts_at: int
    until: int
    by: str
    note: str


class Happening(NamedTuple):
    """One line of an incident's timeline. *kind* is a word, *text* a sentence, *by* a person or empty."""

    incident: str
    at: int
    kind: str
    text: str
    by: str
    alert_id: str


class Feedback(NamedTuple):
    """What a person said the cause really was; pending until somebody takes it into the history."""

    id: str
    incident: str
    at: int
    by: str
    root_cause: str
    resolution: str
    wrong: bool | None
    note: str


class Unmapped(NamedTuple):
    """How many times a source named a service that the graph does not know, since the last step."""

    source: str
    service: str
    times: int
    last_at: int
    labels: Mapping[str, LabelValue]


class Notice(NamedTuple):
    """A turn in an incident's life that somebody may want to be told of: an `Occasion` of the settings."""

    incident: str
    occasion: str
    at: int


class DiagnosisRecord(NamedTuple):
    """One diagnosis of an incident. *document* is the JSON of `wire.DiagnosisOut`, *reason* why it was made.

    *changes* is the incident's count of changes that the diagnosis has seen; *number* counts from 1.
    """

    incident: str
    number: int
    made_at: int
    changes: int
    alert_count: int
    reason: str
    release: str
    root_cause: str
    confidence: float
    verdict: str
    document: bytes


class Changes(NamedTuple):
    """What one fold changed. Records replace what is stored under their id; the rest is added.

    *alerts* and *incidents* hold each id once; a record with `live=False` is stored and then forgotten
    by the fold. *marks_dropped*, *windows_dropped* name what is no longer needed.
    """

    alerts: tuple[AlertRecord, ...] = ()
    incidents: tuple[IncidentRecord, ...] = ()
    marks: tuple[Mark, ...] = ()
    marks_dropped: tuple[Mark, ...] = ()
    windows: tuple[Window, ...] = ()
    windows_dropped: tuple[str, ...] = ()
    happenings: tuple[Happening, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    notices: tuple[Notice, ...] = ()
    events: int = 0
    repeated: int = 0


class Stored(NamedTuple):
    """What a fold goes on from after a restart: every live record, and the journal entry it had reached."""

    seq: int
    alerts: tuple[AlertRecord, ...] = ()
    incidents: tuple[IncidentRecord, ...] = ()
    marks: tuple[Mark, ...] = ()
    windows: tuple[Window, ...] = ()
    diagnosed: Mapping[str, DiagnosisRecord] = {}  # the last one of each live incident
