"""The HTTP contract of the stream: what a webhook is answered, and incidents as they are shown.

Every time is RFC 3339 in UTC; what is not known or has not happened is null.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from aiops_rca.domain.alert import LabelValue
from aiops_rca.wire.batch import ActionOut, DegradedOut, RootCauseOut, SimilarOut
from aiops_rca.wire.narrative import NarrativeOut

T = TypeVar("T")


class Page(Struct, Generic[T], gc=False):
    """A part of a list. *next_cursor* is what to ask for the next part with; null at the end."""

    items: list[T]
    next_cursor: str | None


class AcceptedOut(Struct, gc=False):
    """What became of the alerts of one body; all of it is on disk when this is sent."""

    accepted: int
    duplicates: int
    quarantined: int


class DiagnosisOut(Struct, gc=False):
    """One diagnosis of an incident. *reason* says why it was made, *alert_count* of how many alerts."""

    number: int
    made_at: str
    reason: str
    alert_count: int
    root_cause: RootCauseOut
    recommended_actions: list[ActionOut]
    similar_incidents: list[SimilarOut]
    degraded: list[DegradedOut]
    versions: dict[str, str]
    narrative: NarrativeOut | None = None  # diagnoses stored before there were any have none


class CauseOut(Struct, gc=False):
    """The service the last diagnosis blames, and how sure it is."""

    service: str
    confidence: float
    verdict: str


class AcknowledgedOut(Struct, gc=False):
    """Who has seen an incident, and when."""

    at: str
    by: str


class AlertOut(Struct, gc=False):
    """One firing of one signal. *status* is firing or resolved; *ended* says how it ended, empty if not.

    *starts_at* is the sender's, *at* the same by our clock, *seen_at* when it was last told.
    """

    id: str
    status: str
    source: str
    service: str
    metric: str
    severity: str
    starts_at: str
    at: str
    ends_at: str | None
    ended: str
    seen_at: str
    value: float | None
    threshold: float | None
    labels: dict[str, LabelValue]
    flags: list[str]
    summary: str
    link: str
    joined_because: str
    fingerprint: str


class IncidentItem(Struct, gc=False):
    """One incident as lists show it.

    *alert_count* counts firings, *signal_count* signals, *event_count* how often they were told of.
    *partial*: its senders left alerts out. *suppressed*: maintenance covers all of it.
    """

    id: str
    status: str
    opened_at: str
    updated_at: str
    resolved_at: str | None
    services: list[str]
    sources: list[str]
    alert_count: int
    signal_count: int
    event_count: int
    open_alerts: int
    max_severity: str
    root_cause: CauseOut | None
    merged_into: str | None
    split_from: str | None
    by_hand: bool
    partial: bool
    suppressed: bool
    acknowledged: AcknowledgedOut | None
    snoozed_until: str | None
    resolved_by: str | None
    reopened: int


class IncidentDetail(IncidentItem, gc=False):
    """One incident with its last diagnosis and the first page of its alerts."""

    diagnosis: DiagnosisOut | None
    alerts: Page[AlertOut]


class SplitOut(IncidentItem, gc=False):
    """An incident that alerts were split from; *split_into* is the new one, null if nothing was split off."""

    split_into: str | None


class HappeningOut(Struct, gc=False):
    """One line of a timeline. *by* is a person, *alert_id* the alert it is about; each may be null."""

    at: str
    kind: str
    text: str
    by: str | None
    alert_id: str | None


class NodeOut(Struct, gc=False):
    """One service near an incident. *state*: firing, recovered (its alerts ended) or quiet (a neighbour)."""

    id: str
    kind: str
    state: str
    alert_count: int
    known: bool


class EdgeOut(Struct, gc=False):
    """*source* calls *target* (type `hosted_on`: runs on it)."""

    source: str
    target: str
    type: str
    weight: float


class GraphOut(Struct, gc=False):
    """The services of an incident and their direct neighbours; *version* is the graph's, null without one."""

    version: str | None
    nodes: list[NodeOut]
    edges: list[EdgeOut]


class WindowOut(Struct, gc=False):
    """A maintenance window over *services* (`*` = all); *active*: it covers this moment.

    *unknown_services* are those the graph does not know: misspelt, perhaps.
    """

    id: str
    services: list[str]
    starts_at: str
    until: str
    by: str
    note: str
    active: bool
    unknown_services: list[str]


class UnmappedOut(Struct, gc=False):
    """A service that a source named and the graph does not know; *labels* are those of one such alert."""

    source: str
    service: str
    count: int
    last_at: str
    labels: dict[str, LabelValue]


class QuarantinedOut(Struct, gc=False):
    """A body, or one alert of it, that could not be read. *body* is its beginning, *size* all its bytes."""

    id: int
    received_at: str
    source: str
    field: str
    reason: str
    headers: dict[str, str]
    body: str
    size: int
    replayed_at: str | None


class FeedbackOut(Struct, gc=False):
    """What somebody said of an incident's cause, not yet taken into the history."""

    id: str
    incident: str
    at: str
    by: str
    root_cause: str | None
    resolution: str | None
    wrong: bool | None
    note: str | None


NO_NUL = r"^[^\x00]*$"  # PostgreSQL keeps no text that holds one
_TEXT = "an RFC 3339 time (no zone = UTC), or epoch seconds or milliseconds"
Words = Annotated[str, Meta(max_length=4096, pattern=NO_NUL)]
Filled = Annotated[str, Meta(min_length=1, max_length=1024, pattern=NO_NUL)]
AlertId = Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL)]
Person = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
When = Annotated[str | float, Meta(description=_TEXT)]


class SignedIn(Struct, gc=False):
    """A request of a person. Unknown keys are ignored, here and in the others."""

    by: Person = ""
    note: Words = ""


class SnoozeIn(SignedIn, kw_only=True, gc=False):
    """Say nothing of an incident until then."""

    until: When


class MergeIn(SignedIn, kw_only=True, gc=False):
    """Make it part of another incident, which keeps its id."""

    into: Filled


class SplitIn(SignedIn, kw_only=True, gc=False):
    """Move alerts out, into an incident of their own."""

    alert_ids: Annotated[list[AlertId], Meta(min_length=1, max_length=10_000)]


class FeedbackIn(SignedIn, kw_only=True, gc=False):
    """What the cause really was, what helped, and whether the named cause was wrong."""

    root_cause: Words = ""
    resolution: Words = ""
    wrong: bool | None = None


class MaintenanceIn(SignedIn, kw_only=True, gc=False):
    """Work on *services* (`*` = all): no new incidents or notifications of them, from now on unless told."""

    services: Annotated[list[Filled], Meta(min_length=1, max_length=500)]
    until: When
    starts_at: When | None = None


SHOWN: tuple[object, ...] = (  # what the OpenAPI document describes of these
    AcceptedOut,
    IncidentDetail,
    SplitOut,
    GraphOut,
    WindowOut,
    Page[IncidentItem],
    Page[AlertOut],
    Page[HappeningOut],
    Page[DiagnosisOut],
    Page[WindowOut],
    Page[UnmappedOut],
    Page[QuarantinedOut],
    Page[FeedbackOut],
    *(SignedIn, SnoozeIn, MergeIn, SplitIn, FeedbackIn, MaintenanceIn),
)
