"""What a language model made of a diagnosis: sentences that cite evidence, and a vote on the cause.

Nothing here names anything that the diagnosis did not hold before; see `enrich` for how that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiops_rca.domain.candidate import Evidence


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call took, in tokens; *cache_read* and *cache_write* are the provider's prompt cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the evidence it rests on: at least one piece."""

    text: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Vote:
    """Which candidate the model holds for the cause, and on what grounds.

    *weight* in [0, 1] is what the vote was worth in the fusion; 0: it counted for nothing. *moved*: it
    changed the named root cause.
    """

    service: str
    supports: tuple[Evidence, ...]
    contradicts: tuple[Evidence, ...]
    weight: float = 0.0
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Narrative:
    """A diagnosis in words. *first_actions* are ids of recommended actions to begin with.

    *proposals* are steps that nobody recommended before: text alone, for a person to approve. *vote* is
    None where the model named no candidate.
    """

    sentences: tuple[Sentence, ...]
    first_actions: tuple[str, ...]
    proposals: tuple[str, ...]
    vote: Vote | None
    prompt_id: str
    schema_id: str
    model: str
    usage: Usage

    @property
    def text(self) -> str:
        """All sentences as one text."""
        return " ".join(sentence.text for sentence in self.sentences)
