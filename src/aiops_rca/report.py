"""Diagnoses to the answer of `POST /incident` and to what an incident keeps of each.

Pure; the only place where numbers are rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.candidate import Candidate, Ranking
from aiops_rca.domain.diagnosis import GRAPH_ONLY, INCONCLUSIVE, Diagnosis
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.release import Release
from aiops_rca.wire import (
    ActionOut,
    CandidateOut,
    ClusterOut,
    DegradedOut,
    EvidenceOut,
    IncidentOut,
    PathStepOut,
    RootCauseOut,
    SimilarOut,
)
from aiops_rca.wire.live import DiagnosisOut

UNKNOWN = "unknown"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CANDIDATES = 10  # more than ten suspects help nobody; the terms of each are kept
_DIGITS = 6


def incident_answer(
    diagnoses: Sequence[Diagnosis],
    *,
    alerts: Sequence[Alert],
    release: Release,
    target: str | None,
    versions: Mapping[str, str],
    degraded: Sequence[DegradedOut] = (),
) -> IncidentOut:
    """The answer for one batch; without a firing alert the root cause is `unknown`.

    *alerts*, *release* and *target* are what the *diagnoses* were made of; *degraded* is what went
    wrong since.
    """
    clusters = [_cluster(diagnosis) for diagnosis in diagnoses]
    primary = clusters[0] if clusters else None
    return IncidentOut(
        incident_id=primary.cluster_id if primary else None,
        clusters=clusters,
        root_cause=primary.root_cause if primary else _nothing_firing(),
        recommended_actions=primary.recommended_actions if primary else [],
        similar_incidents=primary.similar_incidents if primary else [],
        resolved_alerts=sum(alert.resolved for alert in alerts),
        degraded=[*_degraded(diagnoses, release, target), *degraded],
        versions=dict(versions),
    )


def diagnosis_out(
    diagnosis: Diagnosis,
    release: Release,
    *,
    number: int,
    made_at: int,
    reason: str,
    versions: Mapping[str, str],
) -> DiagnosisOut:
    """One *diagnosis* of a live incident, its *number*-th, made at *made_at* (epoch ms) for *reason*."""
    answer = _cluster(diagnosis)
    return DiagnosisOut(
        number=number,
        made_at=rfc3339(made_at),
        reason=reason,
        alert_count=answer.alert_count,
        root_cause=answer.root_cause,
        recommended_actions=answer.recommended_actions,
        similar_incidents=answer.similar_incidents,
        degraded=_degraded([diagnosis], release, None),
        versions=dict(versions),
    )


def rfc3339(ts: int) -> str:
    """Epoch milliseconds as RFC 3339 in UTC with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=ts)).isoformat(timespec="milliseconds")[:-6] + "Z"


def _cluster(diagnosis: Diagnosis) -> ClusterOut:
    cluster = diagnosis.cluster
    return ClusterOut(
        cluster_id=cluster.id,
        alert_count=len(cluster.alerts),
        services=list(cluster.services),
        alert_ids=[alert.id for alert in cluster.alerts],
        first_ts=rfc3339(cluster.first_ts),
        last_ts=rfc3339(cluster.last_ts),
        max_severity=cluster.max_severity.word,
        root_cause=_root_cause(diagnosis),
        recommended_actions=[ActionOut(a.id, a.text, a.risk, a.source) for a in diagnosis.actions],
        similar_incidents=[
            SimilarOut(s.id, s.score, s.reason, s.root_cause, s.fix) for s in diagnosis.similar
        ],
    )


def _root_cause(diagnosis: Diagnosis) -> RootCauseOut:
    ranking: Ranking = diagnosis.ranking
    if not ranking.candidates:
        return _nothing_firing()
    best = ranking.candidates[0]
    return RootCauseOut(
        service=best.service,
        confidence=round(best.confidence, _DIGITS),
        verdict=diagnosis.verdict,
        method=diagnosis.method,
        evidence=[EvidenceOut(e.id, e.kind, e.service, e.text, list(e.alert_ids)) for e in ranking.evidence],
        path=[PathStepOut(step.source, step.target) for step in ranking.path],
        candidates=[_candidate(c) for c in ranking.candidates[:_CANDIDATES]],
    )


def _candidate(candidate: Candidate) -> CandidateOut:
    return CandidateOut(
        candidate.service,
        round(candidate.score, _DIGITS),
        round(candidate.confidence, _DIGITS),
        {term.name: round(term.contribution, _DIGITS) for term in candidate.terms},
    )


def _nothing_firing() -> RootCauseOut:
    return RootCauseOut(UNKNOWN, 0.0, INCONCLUSIVE, GRAPH_ONLY, [], [], [])


def _degraded(diagnoses: Sequence[Diagnosis], release: Release, target: str | None) -> list[DegradedOut]:
    """Everything known to make this answer worse than it could be."""
    found = _unmapped(diagnoses, release.graph)
    if not release.history.incidents:
        found.append(DegradedOut("history", "no past incidents to compare with"))
    if target is not None and target not in release.graph.nodes:
        found.append(DegradedOut("target", "the target is not in the graph"))
    return found


def _unmapped(diagnoses: Sequence[Diagnosis], graph: ServiceGraph) -> list[DegradedOut]:
    """Say which alerting services the graph does not know: their place is a guess."""
    services = sorted({s for d in diagnoses for s in d.cluster.services})
    strange = [service for service in services if service not in graph.nodes]
    if not strange:
        return []
    named = ", ".join(name[:80] for name in strange[:5]) + (", ..." if len(strange) > 5 else "")
    reason = f"{len(strange)} of {len(services)} alerting services are not in the graph: {named}"
    return [DegradedOut("graph", reason)]
