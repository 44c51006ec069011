"""Past incidents that looked like a cluster, and in words why.

Similarity is a cosine over weighted features (see `recall.index`): a nearest-neighbour
fingerprint, for people to look at and for actions to be taken from.
"""

from __future__ import annotations

from functools import lru_cache

from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.diagnosis import SimilarIncident
from aiops_rca.domain.incident import IncidentHistory
from aiops_rca.domain.kinds import kind_of
from aiops_rca.domain.likeness import LEAST_ALIKE
from aiops_rca.recall.index import HistoryIndex, index_of
from aiops_rca.recall.signature import KIND, SERVICE, SIGNAL, Feature, Signal, features_of, signature

_SHORT = 200
_REASON_LENGTH = 200
_NAME_LENGTH = 60

_WORDS = {SIGNAL: "signals", KIND: "kinds of alert", SERVICE: "services"}


def similar(cluster: Cluster, history: IncidentHistory, *, limit: int) -> tuple[SimilarIncident, ...]:
    """Return up to *limit* incidents of *history* that looked like *cluster*, most alike first.

    Ties go to the incident closed last, then to the smaller id.
    """
    if not history.incidents or limit <= 0:
        return ()
    index = index_of(history)
    alert = cluster.alerts[0]
    if len(cluster.alerts) > 1 or len(alert.service) + len(alert.metric) > _SHORT:
        return _nearest(index, signature(cluster.alerts), limit)
    if not index.knows(alert.service):
        return ()
    return _nearest_to_one(index, (alert.service, alert.metric, kind_of(alert.metric, alert.labels)), limit)


@lru_cache(maxsize=2048)
def _nearest_to_one(index: HistoryIndex, signal: Signal, limit: int) -> tuple[SimilarIncident, ...]:
    """Remembered, because large batches repeat many a lone alert; called with short names only."""
    return _nearest(index, features_of((signal,)), limit)


def _nearest(index: HistoryIndex, asked: dict[Feature, str], limit: int) -> tuple[SimilarIncident, ...]:
    near = index.near(asked, LEAST_ALIKE)
    scored = ((place, [round(score, 4) for score in levels]) for place, levels in near.items())
    # Stable, and places go from new to old.
    best = sorted(scored, key=lambda found: -max(found[1]))[:limit]
    return tuple(_similar(index, place, levels, asked) for place, levels in best)


def _similar(
    index: HistoryIndex, place: int, scores: list[float], asked: dict[Feature, str]
) -> SimilarIncident:
    incident = index.incidents[place]
    score = max(scores)
    return SimilarIncident(
        id=incident.id,
        score=score,
        reason=_reason(index, place, scores.index(score), asked),
        root_cause=incident.root_cause,
        fix=incident.fix,
    )


def _reason(index: HistoryIndex, place: int, level: int, asked: dict[Feature, str]) -> str:
    """Say what of the past incident the cluster repeats at *level*, and which of its signals."""
    past = index.signatures[place]
    head, names = _shared(index, past, asked, level)
    if level != SIGNAL:
        signals, named = _shared(index, past, asked, SIGNAL)
        head, names = (f"{head} and {signals}", named) if named else (f"{head}, other metrics", names)
    return _listed(f"same {head}: ", names)


def _shared(
    index: HistoryIndex, past: dict[Feature, str], asked: dict[Feature, str], level: int
) -> tuple[str, list[str]]:
    """Return how many features of *level* are shared, and which, the most telling first."""
    known = [feature for feature in past if feature.level == level]
    shared = sorted((f for f in known if f in asked), key=lambda f: (-index.weight(f), f))
    return f"{len(shared)} of {len(known)} {_WORDS[level]}", [_name(f, asked[f]) for f in shared]


def _name(feature: Feature, word: str) -> str:
    text = f"{feature.service} {word}".rstrip()
    return text if len(text) <= _NAME_LENGTH else f"{text[: _NAME_LENGTH - 1]}…"


def _listed(head: str, names: list[str]) -> str:
    """Return *head* and as many of *names* as fit, then how many do not."""
    text = head + names[0]
    for place, name in enumerate(names[1:], 1):
        more = f" and {len(names) - place} more"
        if len(text) + len(name) + len(more) + 2 > _REASON_LENGTH:
            return text + more
        text += f", {name}"
    return text
