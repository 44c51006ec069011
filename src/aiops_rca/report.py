"""Diagnoses to the answer of `POST /incident` and to what an incident keeps of each.

Pure; the only place where numbers are rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.candidate import Candidate, Evidence, Ranking
from aiops_rca.domain.diagnosis import GRAPH_ONLY, INCONCLUSIVE, Diagnosis
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.narrative import Narrative, Vote
from aiops_rca.domain.release import Release
from aiops_rca.wire import (
    ActionOut,
    CandidateOut,
    ClusterOut,
    DegradedOut,
    EvidenceOut,
    IncidentOut,
    NarrativeOut,
    PathStepOut,
    ProposalOut,
    RootCauseOut,
    SentenceOut,
    SimilarOut,
    UsageOut,
    VoteOut,
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
    method: str = GRAPH_ONLY,
) -> IncidentOut:
    """The answer for one batch; without a firing alert the root cause is `unknown`.

    *alerts*, *release* and *target* are what the *diagnoses* were made of; *degraded* is what went
    wrong since. *method* says how those came about that nobody tried to put into words.
    """
    clusters = [_cluster(diagnosis, method) for diagnosis in diagnoses]
    primary = clusters[0] if clusters else None
    return IncidentOut(
        incident_id=primary.cluster_id if primary else None,
        clusters=clusters,
        root_cause=primary.root_cause if primary else _nothing_firing(method),
        recommended_actions=primary.recommended_actions if primary else [],
        similar_incidents=primary.similar_incidents if primary else [],
        narrative=primary.narrative if primary else None,
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
    degraded: Sequence[DegradedOut] = (),
) -> DiagnosisOut:
    """One *diagnosis* of a live incident, its *number*-th, made at *made_at* (epoch ms) for *reason*.

    *degraded* is as for `incident_answer`.
    """
    answer = _cluster(diagnosis, GRAPH_ONLY)
    return DiagnosisOut(
        number=number,
        made_at=rfc3339(made_at),
        reason=reason,
        alert_count=answer.alert_count,
        root_cause=answer.root_cause,
        recommended_actions=answer.recommended_actions,
        similar_incidents=answer.similar_incidents,
        degraded=[*_degraded([diagnosis], release, None), *degraded],
        versions=dict(versions),
        narrative=answer.narrative,
    )


def rfc3339(ts: int) -> str:
    """Epoch milliseconds as RFC 3339 in UTC with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=ts)).isoformat(timespec="milliseconds")[:-6] + "Z"


def narrative_out(narrative: Narrative, evidence: Sequence[Evidence]) -> NarrativeOut:
    """*narrative* beside the *evidence* of the root cause: what it cites of other things, it brings along."""
    own = {_saying(piece): piece.id for piece in evidence}
    others: dict[tuple[str, str, str], Evidence] = {}

    def ids(pieces: Iterable[Evidence]) -> list[str]:
        found: dict[str, None] = {}
        for piece in pieces:
            saying = _saying(piece)
            if saying not in own:
                others.setdefault(saying, piece)
            found[own.get(saying) or f"n{list(others).index(saying) + 1}"] = None
        return list(found)

    sentences = [SentenceOut(s.text, ids(s.evidence)) for s in narrative.sentences]
    vote = _vote(narrative.vote, ids) if narrative.vote else None
    usage = narrative.usage
    return NarrativeOut(
        text=narrative.text,
        sentences=sentences,
        first_actions=list(narrative.first_actions),
        proposals=[ProposalOut(text, needs_approval=True) for text in narrative.proposals],
        vote=vote,
        evidence=[_evidence(piece, f"n{place}") for place, piece in enumerate(others.values(), 1)],
        prompt_id=narrative.prompt_id,
        schema_id=narrative.schema_id,
        model=narrative.model,
        usage=UsageOut(usage.input, usage.output, usage.cache_read, usage.cache_write),
    )


def _vote(vote: Vote, ids: Callable[[Iterable[Evidence]], list[str]]) -> VoteOut:
    supports, contradicts = ids(vote.supports), ids(vote.contradicts)
    return VoteOut(vote.service, supports, contradicts, round(vote.weight, _DIGITS), vote.moved)


def _saying(piece: Evidence) -> tuple[str, str, str]:
    """What makes two pieces of evidence the same, whatever their ids."""
    return piece.kind, piece.service, piece.text


def _evidence(piece: Evidence, id: str) -> EvidenceOut:
    return EvidenceOut(id, piece.kind, piece.service, piece.text, list(piece.alert_ids))


def _cluster(diagnosis: Diagnosis, method: str) -> ClusterOut:
    narrative = diagnosis.narrative
    cluster = diagnosis.cluster
    return ClusterOut(
        cluster_id=cluster.id,
        alert_count=len(cluster.alerts),
        services=list(cluster.services),
        alert_ids=[alert.id for alert in cluster.alerts],
        first_ts=rfc3339(cluster.first_ts),
        last_ts=rfc3339(cluster.last_ts),
        max_severity=cluster.max_severity.word,
        root_cause=_root_cause(diagnosis, method),
        recommended_actions=[ActionOut(a.id, a.text, a.risk, a.source) for a in diagnosis.actions],
        similar_incidents=[
            SimilarOut(s.id, s.score, s.reason, s.root_cause, s.fix) for s in diagnosis.similar
        ],
        narrative=narrative_out(narrative, diagnosis.ranking.evidence) if narrative else None,
    )


def _root_cause(diagnosis: Diagnosis, method: str) -> RootCauseOut:
    ranking: Ranking = diagnosis.ranking
    best = diagnosis.named
    if best is None:
        return _nothing_firing(method)
    return RootCauseOut(
        service=best.service,
        confidence=round(best.confidence, _DIGITS),
        verdict=diagnosis.verdict,
        method=method if diagnosis.method == GRAPH_ONLY else diagnosis.method,
        evidence=[_evidence(piece, piece.id) for piece in ranking.evidence],
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


def _nothing_firing(method: str) -> RootCauseOut:
    return RootCauseOut(UNKNOWN, 0.0, INCONCLUSIVE, method, [], [], [])


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
