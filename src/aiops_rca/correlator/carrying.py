"""A narrative outlives the diagnosis it was written for, while it is still true of the next ones.

It says what it cites, so it is not wrong for being older; it is let go when another cause is named. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from aiops_rca.correlator.documenting import is_awaiting, warning_in
from aiops_rca.domain.candidate import Evidence
from aiops_rca.domain.diagnosis import WITH_LLM, Diagnosis
from aiops_rca.domain.narrative import Narrative, Sentence, Usage, Vote
from aiops_rca.domain.release import Release
from aiops_rca.enrich.dossier import CANDIDATES
from aiops_rca.enrich.fuse import fuse
from aiops_rca.pipeline import moved, rival_cases
from aiops_rca.wire import EvidenceOut, NarrativeOut
from aiops_rca.wire.live import DiagnosisOut

SUSPECT = "another suspect"
VERDICT = "another verdict"
GROWN = "more signals"


class Basis(NamedTuple):
    """What the graph alone said when a narrative was written, as far as a change of it is worth another.

    *verdict* is empty where nobody knows.
    """

    first: str
    verdict: str
    signals: int


class Narrated(NamedTuple):
    """A narrative, the root cause *named* with it, what it was written for, and what to beware of in it."""

    narrative: Narrative
    named: str
    basis: Basis
    warning: str | None = None


def basis_of(diagnosis: Diagnosis) -> Basis:
    """The basis of *diagnosis* as the graph made it."""
    first = diagnosis.named.service if diagnosis.named else ""
    return Basis(first, diagnosis.verdict, diagnosis.cluster.signals)


def news(before: Basis, now: Basis, growth: float) -> str | None:
    """Why *now* is worth another narrative after *before*; None when it is not.

    *growth* is the share of additional signals that is worth one.
    """
    worth = {
        SUSPECT: now.first != before.first,
        VERDICT: before.verdict not in ("", now.verdict),
        GROWN: now.signals >= before.signals * (1 + growth),
    }
    return next((reason for reason, holds in worth.items() if holds), None)


def carried(diagnosis: Diagnosis, told: Narrated, release: Release) -> Diagnosis | None:
    """*diagnosis* with the narrative of an earlier one; None where it names another cause.

    Where the narrative's vote had moved the cause, it is weighed anew: the cause does not move back with
    each new diagnosis, nor stay moved when the graph has become sure.
    """
    if diagnosis.named is None:
        return None
    if diagnosis.named.service == told.named:
        return _with(diagnosis, told.narrative, weight=0.0, moves=False)
    vote = told.narrative.vote
    ranked = [candidate.service for candidate in diagnosis.ranking.candidates[:CANDIDATES]]
    same = vote is not None and vote.moved and ranked[0] == told.basis.first and vote.service in ranked
    if vote is None or not same or vote.service not in release.graph.nodes:
        return None
    choice = ranked.index(vote.service)
    supports, contradicts = len(vote.supports), len(vote.contradicts)
    fusion = fuse(diagnosis.ranking.candidates, choice, supports=supports, contradicts=contradicts)
    if not fusion.moved:
        return None
    case = rival_cases(diagnosis, release, count=CANDIDATES)[choice]
    voted = moved(diagnosis, case, fusion.confidence, release)
    return _with(voted, told.narrative, weight=fusion.weight, moves=True)


def narrated_in(document: DiagnosisOut) -> Narrated | None:
    """The narrative that *document* holds; None where it has none."""
    if document.narrative is None:
        return None
    cause = document.root_cause
    first = cause.candidates[0].service if cause.candidates else cause.service
    # where another one is awaited, this one was written for less, and is news no longer
    signals = 0 if is_awaiting(document) else document.alert_count
    by_vote = cause.service != first  # and so is the verdict
    basis = Basis(first, "" if by_vote else cause.verdict, signals)
    cited = {piece.id: _evidence(piece) for piece in (*cause.evidence, *document.narrative.evidence)}
    return Narrated(_narrative(document.narrative, cited), cause.service, basis, warning_in(document))


def _with(diagnosis: Diagnosis, narrative: Narrative, *, weight: float, moves: bool) -> Diagnosis:
    """*diagnosis* with *narrative*, of which no more is kept than is still true."""
    known = {action.id for action in diagnosis.actions}
    first = tuple(action for action in narrative.first_actions if action in known)
    vote = narrative.vote
    if vote is not None and (vote.moved or moves):
        vote = replace(vote, weight=weight, moved=moves)
    return replace(diagnosis, method=WITH_LLM, narrative=replace(narrative, first_actions=first, vote=vote))


def _evidence(piece: EvidenceOut) -> Evidence:
    return Evidence(piece.id, piece.kind, piece.service, piece.text, tuple(piece.alert_ids))


def _narrative(written: NarrativeOut, cited: dict[str, Evidence]) -> Narrative:
    """What `report.narrative_out` wrote."""

    def pieces(ids: Iterable[str]) -> tuple[Evidence, ...]:
        return tuple(cited[id] for id in ids if id in cited)

    vote, usage = written.vote, written.usage
    return Narrative(
        sentences=tuple(Sentence(s.text, pieces(s.evidence)) for s in written.sentences),
        first_actions=tuple(written.first_actions),
        proposals=tuple(proposal.text for proposal in written.proposals),
        vote=Vote(vote.service, pieces(vote.supports), pieces(vote.contradicts), vote.weight, vote.moved)
        if vote
        else None,
        prompt_id=written.prompt_id,
        schema_id=written.schema_id,
        model=written.model,
        usage=Usage(
            usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens
        ),
    )
