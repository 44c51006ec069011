"""What to do next: what fixed incidents like this one, then the runbook's advice.

Every action names its source; without a source there is no action.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b

from aiops_rca.domain.candidate import Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.diagnosis import Action, SimilarIncident
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import IncidentHistory, PastAction, PastIncident
from aiops_rca.domain.kinds import kind_of
from aiops_rca.domain.release import Release, RunbookEntry

ANY = "*"
_RISKS = ("low", "medium", "high")


def recommend(
    cluster: Cluster,
    ranking: Ranking,
    similar: tuple[SimilarIncident, ...],
    release: Release,
) -> tuple[Action, ...]:
    """Return what to do about the top candidate, at most the release's `action_limit`.

    First what was done in *similar* incidents of the same root cause, then the service's own runbook,
    then the runbook table, the most specific first. Of equal source, the lower risk comes first.
    """
    if not ranking.candidates:
        return ()
    service = ranking.candidates[0].service
    past = list(_from_history(service, similar, release.history))
    advice = [*_from_graph(service, release.graph), *_from_runbook(service, cluster, release)]
    return _share(past, advice, max(release.parameters.action_limit, 0))


def _share(past: list[Action], advice: list[Action], limit: int) -> tuple[Action, ...]:
    """The first *limit* distinct actions; the past may take half of them, more where advice is short."""
    distinct = list(_distinct([*past, *advice]))
    from_past = [action for action in distinct if action in past]
    others = distinct[len(from_past) :]
    kept = from_past[: max(limit - len(others), (limit + 1) // 2)]
    return tuple([*kept, *others][:limit])


def _from_history(
    service: str, similar: Iterable[SimilarIncident], history: IncidentHistory
) -> Iterator[Action]:
    incidents = _by_id(history)
    for alike in similar:
        past = incidents.get(alike.id)
        if past is not None and past.root_cause == service:
            for done in sorted(_done(past), key=lambda step: _RISKS.index(step.risk)):
                yield _action(done.text, done.risk, f"history:{past.id}")


def _done(past: PastIncident) -> tuple[PastAction, ...]:
    """Return the steps taken; an incident that lists none still says what fixed it."""
    if past.actions or not past.fix:
        return past.actions
    return (PastAction(past.fix, "medium"),)


def _from_runbook(service: str, cluster: Cluster, release: Release) -> Iterator[Action]:
    node_kind = release.graph.kind_of(service)
    order = _by_specificity(node_kind, _alert_kinds(service, cluster))
    matching = [entry for entry in release.runbook if _key(entry) in order]
    for entry in sorted(matching, key=lambda e: (order[_key(e)], _RISKS.index(e.risk))):
        # Replaced as plain text: a service may be called anything, `{0.__class__}` too.
        text = entry.text.replace("{service}", service)
        yield _action(text, entry.risk, f"runbook:{entry.node_kind}/{entry.alert_kind}")


def _from_graph(service: str, graph: ServiceGraph) -> Iterator[Action]:
    node = graph.nodes.get(service)
    if node is not None and node.runbook:
        yield _action(f"Follow the runbook of {service}: {node.runbook}", "low", f"graph:{service}")


def _alert_kinds(service: str, cluster: Cluster) -> list[str]:
    """Return the kinds of the distinct signals of *service*, the most frequent first."""
    signals = {a.fingerprint: kind_of(a.metric, a.labels) for a in cluster.alerts if a.service == service}
    counts = Counter(signals.values())
    return sorted(counts, key=lambda kind: (-counts[kind], kind))


def _by_specificity(node_kind: str, alert_kinds: list[str]) -> Mapping[tuple[str, str], int]:
    """Return the place of each (node kind, alert kind) that applies, the most specific first."""
    keys = [(node, alert) for node in (node_kind, ANY) for alert in (*alert_kinds, ANY)]
    return {key: place for place, key in enumerate(keys)}


def _key(entry: RunbookEntry) -> tuple[str, str]:
    return entry.node_kind, entry.alert_kind


def _action(text: str, risk: str, source: str) -> Action:
    name = f"{source}\x1f{text}".encode("utf-8", "surrogatepass")
    return Action(id=blake2b(name, digest_size=6).hexdigest(), text=text, risk=risk, source=source)


def _distinct(actions: Iterable[Action]) -> Iterator[Action]:
    """Leave out actions whose text, case and spaces apart, came before."""
    seen: set[str] = set()
    for action in actions:
        text = " ".join(action.text.split()).casefold()
        if text not in seen:
            seen.add(text)
            yield action


@lru_cache(maxsize=8)
def _by_id(history: IncidentHistory) -> Mapping[str, PastIncident]:
    return {incident.id: incident for incident in history.incidents}
