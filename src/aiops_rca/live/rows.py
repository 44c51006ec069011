"""What goes between the journal and incident store and those who ask them: flat values, no behaviour.

Here, and not beside the store, because `web` makes and reads them and never imports an adapter. Times are
epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiops_rca.domain.alert import Severity
from aiops_rca.live.records import DiagnosisRecord, IncidentRecord


class Draft(NamedTuple):
    """A journal entry before it has a number. *alerts* is how many alerts its *payload* holds."""

    received_at: int
    kind: str
    source: str
    alerts: int
    payload: bytes


class Refused(NamedTuple):
    """A body, or one alert of it, that could not be read: what quarantine keeps."""

    received_at: int
    source: str
    field: str
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Quarantined(NamedTuple):
    """One piece of the quarantine. *size* is that of the body in bytes; a list shows only its beginning.

    *replayed_at* is set once it went in after all.
    """

    id: int
    received_at: int
    source: str
    field: str
    reason: str
    headers: Mapping[str, str]
    replayed_at: int | None
    size: int
    body: bytes


class QuarantineCount(NamedTuple):
    """How many pieces lie in quarantine, how many of them were replayed, and how many the fold put there."""

    entries: int
    replayed: int
    not_folded: int = 0


class Head(NamedTuple):
    """The newest entry (0 where there is none) and how much was ever and is still kept.

    *entries* counts the numbers since the oldest entry kept, *alerts* every alert ever appended.
    """

    seq: int
    received_at: int
    entries: int
    alerts: int


class Lag(NamedTuple):
    """What lies behind a number, and when the oldest of it was received (None where nothing does)."""

    entries: int
    alerts: int
    oldest_received_at: int | None


class Wanted(NamedTuple):
    """Which incidents are asked for; an empty or None part does not restrict; *opened_until* is excluded.

    *suppressed*: False leaves suppressed incidents out, True asks for them alone.
    """

    statuses: tuple[str, ...] = ()
    service: str | None = None
    root_cause: str | None = None
    source: str | None = None
    opened_from: int | None = None
    opened_until: int | None = None
    suppressed: bool | None = False


class IncidentRow(NamedTuple):
    """One incident with its last diagnosis. *revision* is unique, and grows with every change of either."""

    record: IncidentRecord
    diagnosis: DiagnosisRecord | None
    revision: int


class Standing(NamedTuple):
    """Where the correlator stands, and totals of what it holds.

    *outbox_retrying* counts, by notification URL, the waiting rows that were tried in vain.
    """

    seq: int = 0
    now: int = 0
    holder: str = ""
    lease_until: int = 0
    revision: int = 0
    events: int = 0
    repeated: int = 0
    open: int = 0
    acknowledged: int = 0
    suppressed: int = 0
    oldest_open_at: int | None = None
    outbox_waiting: int = 0
    outbox_sent: int = 0
    outbox_failed: int = 0
    outbox_retrying: Mapping[int, int] = {}


class OutboxRow(NamedTuple):
    """One notice still to be told to one *target* (an index into the notification URLs).

    *at* is when it happened, *due_at* when it may be sent (later after each failed attempt), *first_due_at*
    when it could be sent for the first time.
    """

    id: int
    incident: str
    occasion: str
    at: int
    target: int
    attempts: int
    due_at: int
    first_due_at: int


class Told(NamedTuple):
    """What a target was last told of an incident, and the worst severity it was ever told."""

    occasion: str
    severity: Severity


class Delivered(NamedTuple):
    """The rows that one message settled for one incident, and what it said of it."""

    ids: tuple[int, ...]
    told: Told
