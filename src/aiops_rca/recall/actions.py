"""What to do next: what fixed incidents like this one, then the runbook's advice.

Every action names its source; without a source there is no action.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, islice

from aiops_rca.domain.candidate import Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.diagnosis import Action, SimilarIncident
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import IncidentHistory, PastAction, PastIncident
from aiops_rca.domain.kinds import kind_of
from aiops_rca.domain.release import Release, RunbookEntry

ANY = "*"
# More than the same services alone can reach: what fixed something else there fixes nothing here.
LEAST_TO_ACT = 0.3
_RISKS = ("low", "medium", "high")


def recommend(
    cluster: Cluster,
    ranking: Ranking,
    similar: tuple[SimilarIncident, ...],
    release: Release,
) -> tuple[Action, ...]:
    """Return what to do about the top candidate, at most the release's `action_limit`.

    First what was done in *similar* incidents of the same root cause that share more than services, then
    the service's own runbook, then the runbook table, the most specific first. Of equal source, the lower
    risk comes first.
    """
    if not ranking.candidates:
        return ()
    service = ranking.candidates[0].service
    past = list(_from_history(service, similar, release.history)) if similar else []
    advice = chain(_from_graph(service, release.graph), _from_runbook(service, cluster, release))
    return _share(past, advice, max(release.parameters.action_limit, 0))


def _share(past: list[Action], advice: Iterable[Action], limit: int) -> tuple[Action, ...]:
    """The first *limit* distinct actions; the past may take half of them, more where advice is short."""
    seen: set[str] = set()
    from_past = list(_distinct(past, seen))
    others = list(islice(_distinct(advice, seen), limit))
    kept = from_past[: max(limit - len(others), (limit + 1) // 2)]
    return tuple([*kept, *others][:limit])


def _from_history(
    service: str, similar: Iterable[SimilarIncident], history: IncidentHistory
) -> Iterator[Action]:
    for alike in similar:
        if alike.root_cause == service and alike.score >= LEAST_TO_ACT:
            yield from _done_in(history).get(alike.id, ())


@lru_cache(maxsize=8)
def _done_in(history: IncidentHistory) -> Mapping[str, tuple[Action, ...]]:
    """Return incident id -> what was done in it, the lowest risk first."""
    return {past.id: tuple(_done(past)) for past in history.incidents}


def _done(past: PastIncident) -> Iterator[Action]:
    # An incident that lists no steps still says what fixed it.
    steps = past.actions or ((PastAction(past.fix, "medium"),) if past.fix else ())
    for step in sorted(steps, key=lambda step: _RISKS.index(step.risk)):
        yield _action(step.text, step.risk, f"history:{past.id}")


def _from_runbook(service: str, cluster: Cluster, release: Release) -> Iterator[Action]:
    node_kind = release.graph.kind_of(service)
    for entry in _applying(release, node_kind, _alert_kinds(service, cluster)):
        # Replaced as plain text: a service may be called anything, `{0.__class__}` too.
        text = entry.text.replace("{service}", service)
        yield _action(text, entry.risk, f"runbook:{entry.node_kind}/{entry.alert_kind}")


@lru_cache(maxsize=256)
def _applying(release: Release, node_kind: str, alert_kinds: tuple[str, ...]) -> tuple[RunbookEntry, ...]:
    """Return the entries that apply, the most specific first."""
    order = _by_specificity(node_kind, alert_kinds)
    matching = [entry for entry in release.runbook if _key(entry) in order]
    return tuple(sorted(matching, key=lambda e: (order[_key(e)], _RISKS.index(e.risk))))


def _from_graph(service: str, graph: ServiceGraph) -> Iterator[Action]:
    node = graph.nodes.get(service)
    if node is not None and node.runbook:
        yield _action(f"Follow the runbook of {service}: {node.runbook}", "low", f"graph:{service}")


def _alert_kinds(service: str, cluster: Cluster) -> tuple[str, ...]:
    """Return the kinds of the distinct signals of *service*, the most frequent first."""
    signals = {a.fingerprint: kind_of(a.metric, a.labels) for a in cluster.alerts if a.service == service}
    if len(signals) <= 1:
        return tuple(signals.values())
    counts = Counter(signals.values())
    return tuple(sorted(counts, key=lambda kind: (-counts[kind], kind)))


def _by_specificity(node_kind: str, alert_kinds: tuple[str, ...]) -> Mapping[tuple[str, str], int]:
    """Return the place of each (node kind, alert kind) that applies, the most specific first."""
    keys = [(node, alert) for node in (node_kind, ANY) for alert in (*alert_kinds, ANY)]
    return {key: place for place, key in enumerate(keys)}


def _key(entry: RunbookEntry) -> tuple[str, str]:
    return entry.node_kind, entry.alert_kind


def _action(text: str, risk: str, source: str) -> Action:
    name = f"{source}\x1f{text}".encode("utf-8", "surrogatepass")
    return Action(id=blake2b(name, digest_size=6).hexdigest(), text=text, risk=risk, source=source)


def _distinct(actions: Iterable[Action], seen: set[str]) -> Iterator[Action]:
    """Leave out actions whose text, case and spaces apart, was *seen* before."""
    for action in actions:
        text = " ".join(action.text.split()).casefold()
        if text not in seen:
            seen.add(text)
            yield action
