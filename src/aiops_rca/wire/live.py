"""The HTTP contract of the stream: what a webhook is answered, and incidents as they are shown."""

from __future__ import annotations

from msgspec import Struct

from aiops_rca.wire.batch import ActionOut, DegradedOut, RootCauseOut, SimilarOut


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
