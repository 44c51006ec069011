"""One immutable pin of what answers: graph, history, ranker, runbook, pipeline parameters, narration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import IncidentHistory


@dataclass(frozen=True, slots=True)
class Parameters:
    """The pipeline's numbers. Times in seconds, distances in graph hops, confidences in [0, 1]."""

    gap_sec: int = 120
    max_hop: int = 2
    rca_method: str = "logit"
    probable_from: float = 0.5
    similar_limit: int = 3
    action_limit: int = 6


@dataclass(frozen=True, slots=True)
class RankerWeights:
    """What a fitted ranker knows: feature weights and the temperature of its softmax.

    *version* is the digest of the file they came from, or the name of the fit that made them.
    """

    version: str
    weights: Mapping[str, float]
    temperature: float


@dataclass(frozen=True, slots=True)
class RunbookEntry:
    """What to do about an alert of *alert_kind* on a node of *node_kind* (`*` = any)."""

    node_kind: str
    alert_kind: str
    text: str
    risk: str


@dataclass(frozen=True, eq=False)
class Release:
    """Everything an answer depends on besides the alerts. Compared by identity.

    *narration* names prompt, schema and language model; empty where nothing is put into words.
    """

    graph: ServiceGraph
    history: IncidentHistory
    ranker: RankerWeights
    runbook: tuple[RunbookEntry, ...]
    parameters: Parameters
    narration: str = ""

    @cached_property
    def id(self) -> str:
        """Digest of the content, 12 hex digits: releases with one id give the same answers."""
        parts = (
            *(sorted(self.graph.nodes.items()), self.graph.edges),
            *(self.history.incidents, sorted(self.ranker.weights.items())),
            *(self.ranker.temperature, self.runbook, self.parameters),
            *((self.narration,) if self.narration else ()),
        )
        digest = blake2b(digest_size=6)
        for part in parts:
            digest.update(repr(part).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()
