"""Stored records as the API shows them: times in RFC 3339, nothing empty that means nothing."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.json import Decoder
from msgspec.structs import asdict

from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.live.records import (
    AlertRecord,
    DiagnosisRecord,
    Feedback,
    Happening,
    IncidentRecord,
    Unmapped,
    Window,
)
from aiops_rca.live.rows import IncidentRow, Quarantined
from aiops_rca.report import rfc3339
from aiops_rca.web.redacting import redacted
from aiops_rca.wire.live import (
    AcknowledgedOut,
    AlertOut,
    CauseOut,
    DiagnosisOut,
    EdgeOut,
    FeedbackOut,
    GraphOut,
    HappeningOut,
    IncidentDetail,
    IncidentItem,
    NodeOut,
    Page,
    QuarantinedOut,
    SplitOut,
    UnmappedOut,
    WindowOut,
)

EVERYTHING = "*"  # all services, of a maintenance window
_SHOWN_BYTES = 2000  # of a body in quarantine
_DIAGNOSIS = Decoder(DiagnosisOut)


def when(ms: int | None) -> str | None:
    """A time that may not have come."""
    return None if ms is None else rfc3339(ms)


def item(row: IncidentRow, heir: str | None = None) -> IncidentItem:
    """An incident as lists show it; *heir* is what a merged one is part of by now, where that is known."""
    record = row.record
    return IncidentItem(
        id=record.id,
        status=record.status,
        opened_at=rfc3339(record.opened_at),
        updated_at=rfc3339(record.updated_at),
        resolved_at=when(record.resolved_at),
        services=list(record.services),
        sources=list(record.sources),
        alert_count=record.alert_count,
        signal_count=record.signal_count,
        event_count=record.event_count,
        open_alerts=record.open_alerts,
        max_severity=record.max_severity.word,
        root_cause=_cause(row.diagnosis),
        merged_into=heir or record.merged_into,
        split_from=record.split_from,
        by_hand=record.by_hand,
        partial=record.partial,
        suppressed=record.suppressed,
        acknowledged=_acknowledged(record),
        snoozed_until=when(record.snoozed_until),
        resolved_by=record.resolved_by or None,
        reopened=record.reopened,
    )


def detail(row: IncidentRow, alerts: Page[AlertOut]) -> IncidentDetail:
    """An incident with its last diagnosis and *alerts*, the first page of them."""
    shown = diagnosis(row.diagnosis) if row.diagnosis else None
    return IncidentDetail(**asdict(item(row)), diagnosis=shown, alerts=alerts)


def alert(record: AlertRecord) -> AlertOut:
    """One firing."""
    return AlertOut(
        id=record.id,
        status="resolved" if record.ended else "firing",
        source=record.source,
        service=record.service,
        metric=record.metric,
        severity=record.severity.word,
        starts_at=rfc3339(record.starts_at),
        at=rfc3339(record.at),
        ends_at=when(record.ends_at),
        ended=record.ended,
        seen_at=rfc3339(record.seen_at),
        value=record.value,
        threshold=record.threshold,
        labels=dict(record.labels),
        flags=list(record.flags),
        summary=record.summary,
        link=record.link,
        joined_because=record.joined_because,
        fingerprint=record.fingerprint,
    )


def diagnosis(record: DiagnosisRecord) -> DiagnosisOut:
    """One diagnosis, as it was written when it was made."""
    return _DIAGNOSIS.decode(record.document)


def happening(line: Happening) -> HappeningOut:
    """One line of a timeline."""
    return HappeningOut(rfc3339(line.at), line.kind, line.text, line.by or None, line.alert_id or None)


def split_off(row: IncidentRow, part: str | None) -> SplitOut:
    """An incident that alerts have left for the incident *part*."""
    return SplitOut(**asdict(item(row)), split_into=part)


def window(record: Window, now: int, graph: ServiceGraph | None) -> WindowOut:
    """One maintenance window; *now* says whether it is active, *graph* which of its services are unknown."""
    known = graph.nodes if graph else record.services
    return WindowOut(
        id=record.id,
        services=list(record.services),
        starts_at=rfc3339(record.starts_at),
        until=rfc3339(record.until),
        by=record.by,
        note=record.note,
        active=record.starts_at <= now < record.until,
        unknown_services=[name for name in record.services if name != EVERYTHING and name not in known],
    )


def unmapped(record: Unmapped) -> UnmappedOut:
    """A service nobody knows."""
    labels = dict(record.labels)
    return UnmappedOut(record.source, record.service, record.times, rfc3339(record.last_at), labels)


def quarantined(piece: Quarantined) -> QuarantinedOut:
    """A piece in quarantine, with the beginning of its body."""
    return QuarantinedOut(
        id=piece.id,
        received_at=rfc3339(piece.received_at),
        source=piece.source,
        field=piece.field,
        reason=piece.reason,
        headers=dict(piece.headers),
        body=redacted(piece.body[:_SHOWN_BYTES].decode("utf-8", "replace")),
        size=piece.size,
        replayed_at=when(piece.replayed_at),
    )


def feedback(record: Feedback) -> FeedbackOut:
    """What somebody said the cause was."""
    return FeedbackOut(
        id=record.id,
        incident=record.incident,
        at=rfc3339(record.at),
        by=record.by,
        root_cause=record.root_cause or None,
        resolution=record.resolution or None,
        wrong=record.wrong,
        note=record.note or None,
    )


def surroundings(alerts: Iterable[AlertRecord], graph: ServiceGraph | None) -> GraphOut:
    """The services of *alerts* with their states, their direct neighbours, and the edges among them all."""
    counts: dict[str, int] = {}
    firing: set[str] = set()
    for one in alerts:
        counts[one.service] = counts.get(one.service, 0) + 1
        if not one.ended:
            firing.add(one.service)
    if graph is None:
        return GraphOut(None, [_node(s, counts, firing, None) for s in sorted(counts)], [])
    near = counts.keys() | {n for service in counts for n in graph.neighbours.get(service, ())}
    edges = [EdgeOut(*edge) for edge in graph.edges if edge.source in near and edge.target in near]
    return GraphOut(graph.version, [_node(s, counts, firing, graph) for s in sorted(near)], edges)


def _node(service: str, counts: dict[str, int], firing: set[str], graph: ServiceGraph | None) -> NodeOut:
    state = "firing" if service in firing else "recovered" if service in counts else "quiet"
    kind = graph.kind_of(service) if graph else "service"
    return NodeOut(service, kind, state, counts.get(service, 0), graph is not None and service in graph.nodes)


def _cause(last: DiagnosisRecord | None) -> CauseOut | None:
    return CauseOut(last.root_cause, last.confidence, last.verdict) if last else None


def _acknowledged(record: IncidentRecord) -> AcknowledgedOut | None:
    at = record.acknowledged_at
    return None if at is None else AcknowledgedOut(rfc3339(at), record.acknowledged_by)
