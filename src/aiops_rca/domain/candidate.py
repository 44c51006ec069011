"""A service that may be the root cause, and what speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Term(NamedTuple):
    """One addend of a candidate's score: a named feature's contribution."""

    name: str
    contribution: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One service with its *score* (the sum of its terms) and its *confidence* (a probability)."""

    service: str
    score: float
    confidence: float
    terms: tuple[Term, ...]


class PathStep(NamedTuple):
    """One call along which the fault became visible: *source* calls *target*."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One checkable reason: a sentence and the alerts it rests on. *id* is unique within a diagnosis."""

    id: str
    kind: str
    service: str
    text: str
    alert_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a ranker says of one cluster: candidates best first, and why the first one leads.

    *path* runs from the first service users feel to the top candidate, along calls.
    """

    candidates: tuple[Candidate, ...]
    path: tuple[PathStep, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The case that can be made for one candidate: the path from where it is felt, and the reasons."""

    candidate: Candidate
    path: tuple[PathStep, ...]
    evidence: tuple[Evidence, ...]
