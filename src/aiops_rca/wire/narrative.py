"""The HTTP contract of a diagnosis in words, and of the evidence that it cites."""

from __future__ import annotations

from msgspec import Struct


class EvidenceOut(Struct, gc=False):
    """One reason for the ranking and the alerts it rests on."""

    id: str
    kind: str
    service: str
    text: str
    alert_ids: list[str]


class SentenceOut(Struct, gc=False):
    """One sentence and the ids of the evidence it rests on."""

    text: str
    evidence: list[str]


class ProposalOut(Struct, gc=False):
    """A step nobody recommended before; a person has to approve it."""

    text: str
    needs_approval: bool


class VoteOut(Struct, gc=False):
    """The candidate a language model holds for the cause, and the ids of evidence for and against it.

    *weight* is what the vote was worth in the fusion, 0 to 1; *moved*: it changed the root cause.
    """

    service: str
    supports: list[str]
    contradicts: list[str]
    weight: float
    moved: bool


class UsageOut(Struct, gc=False):
    """The tokens one call took; an answer from the cache shows those of the call that made it."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int


class NarrativeOut(Struct, gc=False):
    """The diagnosis in words. *evidence* holds what is cited and is not evidence of the root cause.

    *first_actions* are ids of recommended actions to begin with.
    """

    text: str
    sentences: list[SentenceOut]
    first_actions: list[str]
    proposals: list[ProposalOut]
    vote: VoteOut | None
    evidence: list[EvidenceOut]
    prompt_id: str
    schema_id: str
    model: str
    usage: UsageOut
