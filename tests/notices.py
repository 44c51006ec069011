"""Incidents, diagnoses and waiting notices for tests: say what matters, the rest has a plain default.

Times are seconds after `T0`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aiops_rca.domain.alert import Severity
from aiops_rca.live.records import OPEN, RESOLVED, DiagnosisRecord, IncidentRecord
from aiops_rca.live.rows import OutboxRow
from aiops_rca.wire import ActionOut, CandidateOut, EvidenceOut, PathStepOut, RootCauseOut, SimilarOut
from aiops_rca.wire.live import DiagnosisOut
from builders import T0


def incident(
    id: str = "inc-1",
    *,
    status: str | None = None,
    opened: float = 0,
    resolved: float | None = None,
    services: Sequence[str] = ("frontend", "cart"),
    severity: Severity = Severity.CRITICAL,
    partial: bool = False,
    suppressed: bool = False,
    merged_into: str | None = None,
    snoozed: float | None = None,
    resolved_by: str = "",
    alerts: int = 7,
    signals: int = 4,
) -> IncidentRecord:
    """An incident opened *opened* seconds after `T0`, open unless *resolved* or *status* say otherwise."""
    over = None if resolved is None else T0 + round(resolved * 1000)
    return IncidentRecord(
        id=id,
        status=status or (OPEN if over is None else RESOLVED),
        order=1,
        opened_at=T0 + round(opened * 1000),
        updated_at=T0 + round(opened * 1000),
        resolved_at=over,
        services=tuple(services),
        sources=("alertmanager",),
        alert_count=alerts,
        signal_count=signals,
        open_alerts=0 if over is not None else alerts,
        event_count=9,
        max_severity=severity,
        partial=partial,
        suppressed=suppressed,
        merged_into=merged_into,
        split_from=None,
        acknowledged_at=None,
        acknowledged_by="",
        snoozed_until=None if snoozed is None else T0 + round(snoozed * 1000),
        resolved_by=resolved_by,
        by_hand=False,
        reopened=0,
        changes=3,
        live=True,
    )


def diagnosis(
    incident: str = "inc-1",
    *,
    root_cause: str = "redis-cart",
    confidence: float = 0.82,
    verdict: str = "probable",
    reasons: Sequence[str] = ("redis-cart alerted first",),
    document: bytes | None = None,
) -> DiagnosisRecord:
    """A diagnosis with one action, one look-alike and a path from the front."""
    if document is None:
        document = msgspec.json.encode(_document(root_cause, confidence, verdict, reasons))
    return DiagnosisRecord(
        incident=incident,
        number=1,
        made_at=T0,
        changes=3,
        alert_count=7,
        reason="first",
        release="r1",
        root_cause=root_cause,
        confidence=confidence,
        verdict=verdict,
        document=document,
    )


def _document(root_cause: str, confidence: float, verdict: str, reasons: Sequence[str]) -> DiagnosisOut:
    cause = RootCauseOut(
        service=root_cause,
        confidence=confidence,
        verdict=verdict,
        method="logit",
        evidence=[EvidenceOut(f"e{n}", "onset", root_cause, text, []) for n, text in enumerate(reasons)],
        path=[PathStepOut("frontend", "cart"), PathStepOut("cart", root_cause)],
        candidates=[CandidateOut(root_cause, 1.0, confidence, {})],
    )
    return DiagnosisOut(
        number=1,
        made_at="2026-05-28T20:26:40.000Z",
        reason="first",
        alert_count=7,
        root_cause=cause,
        recommended_actions=[ActionOut("a1", "restart the cache", "low", "history")],
        similar_incidents=[SimilarOut("INC-9", 0.8, "same signals", "redis-cart", "more memory")],
        degraded=[],
        versions={},
    )


def row(
    occasion: str = "opened",
    *,
    id: int = 1,
    incident: str = "inc-1",
    at: float = 0,
    due: float | None = None,
    first_due: float | None = None,
    attempts: int = 0,
    target: int = 0,
) -> OutboxRow:
    """A waiting notice of what happened *at* seconds after `T0`; due at once unless *due* is given."""
    when = at if due is None else due
    return OutboxRow(
        id=id,
        incident=incident,
        occasion=occasion,
        at=T0 + round(at * 1000),
        target=target,
        attempts=attempts,
        due_at=T0 + round(when * 1000),
        first_due_at=T0 + round((when if first_due is None else first_due) * 1000),
    )
