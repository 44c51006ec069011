"""Why the first candidate leads, in plain words for someone woken at night.

At most eight sentences, the weightiest first: each belongs to some terms of the score and is ordered by
what these contribute. Every sentence names the alerts it rests on. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.candidate import Candidate, Evidence, PathStep
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.kinds import family
from aiops_rca.domain.release import Release
from aiops_rca.rank.flow import AILING, Link, Links
from aiops_rca.rank.kinds import ERRORS, LAYERS, RESOURCE, group_of
from aiops_rca.rank.prior import LookAlikes
from aiops_rca.rank.strength import Signals, magnitude
from aiops_rca.rank.wording import count_of, deviation, listed, percent

_SENTENCES = 8
_OWN_METRICS = 3
_ALERT_IDS = 20
_DAY_MS = 86_400_000
_WORTH_TELLING = 0.2  # a caller's share that is smaller explains nothing
_LAYER_WORDS = {layer: "errors" if layer == ERRORS else "latency" for layer in LAYERS}


class Outlook(NamedTuple):
    """What is to be explained: candidates best first, the path to the first, and the explaining links."""

    candidates: tuple[Candidate, ...]
    path: tuple[PathStep, ...]
    links: Links


class _Reason(NamedTuple):
    kind: str
    service: str
    text: str
    alerts: Sequence[Alert]
    terms: tuple[str, ...]


def explain(
    cluster: Cluster,
    release: Release,
    signals: Signals,
    found: Outlook,
    alike: LookAlikes,
    target: str | None,
) -> tuple[Evidence, ...]:
    """Return the reasons why the first candidate *found* is first.

    *target* is the service where users felt it, where known.
    """
    if not found.candidates:
        return ()
    top, path, graph = found.candidates[0], found.path, release.graph
    by_service: dict[str, list[Alert]] = {}
    for alert in cluster.alerts:
        by_service.setdefault(alert.service, []).append(alert)
    dated = cluster.last_ts - cluster.first_ts >= _DAY_MS
    reasons = [
        *_own(top.service, by_service, dated=dated),
        *_explained(top.service, path, found.links, by_service),
        *_strongest(top.service, signals, by_service),
        *_silent(top.service, graph, found.links, by_service),
        *_felt(top.service, path, by_service, target, dated=dated),
        *_seen_before(top.service, alike),
    ]
    return _in_order(reasons, top)


def _in_order(reasons: list[_Reason], top: Candidate) -> tuple[Evidence, ...]:
    given = dict(top.terms)
    # Stable: reasons of equal weight keep the order they were found in.
    ordered = sorted(reasons, key=lambda r: -sum(given.get(name, 0.0) for name in r.terms))
    return tuple(
        Evidence(f"e{i}", r.kind, r.service, r.text, tuple(a.id for a in r.alerts[:_ALERT_IDS]))
        for i, r in enumerate(ordered[:_SENTENCES], 1)
    )


def _own(service: str, by_service: dict[str, list[Alert]], *, dated: bool) -> Iterator[_Reason]:
    for alerts in _by_metric(by_service.get(service, []))[:_OWN_METRICS]:
        is_symptom = group_of(alerts[0]) in LAYERS
        terms = ("alerting",) if is_symptom else ("alerting", "lg_loc")
        yield _Reason("alert", service, deviation(alerts, dated=dated), alerts, terms)


def _explained(
    service: str, path: tuple[PathStep, ...], links: Links, by_service: dict[str, list[Alert]]
) -> Iterator[_Reason]:
    """Tell of the links into *service*: from the services on the path, and from its other callers."""
    on_path = {step.source for step in path} | {step.target for step in path}
    found: dict[str, tuple[Link, str]] = {}
    for (caller, layer), callees in links.items():
        for link in callees:
            known = found.get(caller)
            wanted = link.service == service or (caller in on_path and link.service in on_path)
            if wanted and link.ratio >= _WORTH_TELLING and (not known or link.ratio > known[0].ratio):
                found[caller] = (link, layer)
    telling = sorted(found.items(), key=lambda item: (-item[1][0].ratio, item[0]))[:_SENTENCES]
    for caller, (link, layer) in telling:
        text = _link_text(caller, layer, link)
        alerts = _of_layer(by_service[caller], layer)[:5] + _of_layer(by_service[link.service], link.layer)
        terms = ("lg_flow", "lg_flow_all") if link.service == service else ("lg_flow_all",)
        yield _Reason("blame", link.service, text, alerts, terms)


def _strongest(service: str, signals: Signals, by_service: dict[str, list[Alert]]) -> Iterator[_Reason]:
    rivals: set[str] = set()
    leading: set[str] = set()
    tied = False
    if service not in by_service:
        return
    for (group, name), strengths in signals.families.items():
        own = strengths.get(service, 0.0)
        if group == RESOURCE and own == max(strengths.values()):
            others = strengths.keys() - {service}
            rivals |= others
            leading.add(name)
            tied = tied or any(strengths[other] == own for other in others)
    alerts = [a for a in by_service[service] if leading and family(a.metric) in leading]
    if not alerts:
        return
    metrics = listed(sorted({alert.metric for alert in alerts})[:_OWN_METRICS])
    text = f"no other service alerts on {metrics}"
    if tied:
        text = f"none of the {len(rivals) + 1} services that alert on {metrics} is worse than {service}"
    elif rivals:
        text = f"{service} is the worst of {len(rivals) + 1} services on {metrics}"
    yield _Reason("resource", service, text, alerts, ("res_top", "lg_res"))


def _silent(
    service: str, graph: ServiceGraph, links: Links, by_service: dict[str, list[Alert]]
) -> Iterator[_Reason]:
    if service in by_service:
        return
    callers = [caller for caller in graph.callers.get(service, ()) if caller in by_service]
    known = (link.ratio for layer in LAYERS for caller in callers for link in links.get((caller, layer), ()))
    best = max(known, default=0.0)
    share = f"accounted for up to {percent(best)} only" if best else "not accounted for"
    who = f"{listed(callers[:3])} suffers" if len(callers) == 1 else f"{listed(callers[:3])} suffer"
    text = (
        f"{service} has no alert of its own; what {who} from is {share} "
        f"by anything else {'it calls' if len(callers) == 1 else 'they call'}"
    )
    alerts = [alert for caller in callers for alert in by_service[caller]]
    yield _Reason("silent", service, text, alerts, ("lg_silflow", "inflow"))


def _felt(
    service: str,
    path: tuple[PathStep, ...],
    by_service: dict[str, list[Alert]],
    target: str | None,
    *,
    dated: bool,
) -> Iterator[_Reason]:
    if not path or path[0].source == service:
        return
    start = path[0].source
    symptoms = [a for a in by_service.get(start, []) if group_of(a) in LAYERS]
    if symptoms:
        alerts = _by_metric(symptoms)[0]
        where = "users feel it at" if start == target else "the symptom shows at"
        text = f"{where} {start}: {deviation(alerts, dated=dated)}"
        yield _Reason("symptom", start, text, alerts, ())


def _seen_before(service: str, alike: LookAlikes) -> Iterator[_Reason]:
    incidents = alike.incidents.get(service, ())
    if incidents:
        text = (
            f"{service} was the cause of {count_of(len(incidents), 'similar past incident')}: "
            f"{listed(incidents)}"
        )
        yield _Reason("history", service, text, (), ("history",))


def _link_text(caller: str, layer: str, link: Link) -> str:
    felt = f"{percent(link.ratio)} of {caller}'s {_LAYER_WORDS[layer]}"
    if link.layer == AILING:
        return f"{link.service}, which {caller} calls, alerts too: that may be up to {felt}"
    verb = "are" if layer == ERRORS else "is"
    text = f"{felt} {verb} accounted for by {link.service}'s {_LAYER_WORDS[link.layer]}"
    return f"{text}, through {link.via}, which shows neither latency nor errors" if link.via else text


def _of_layer(alerts: list[Alert], layer: str) -> list[Alert]:
    return [alert for alert in alerts if layer == AILING or group_of(alert) == layer]


def _by_metric(alerts: list[Alert]) -> list[list[Alert]]:
    """Group *alerts* by metric, the metric furthest from normal first."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(alert.metric, []).append(alert)
    if len(found) == 1:
        return [alerts]
    return sorted(found.values(), key=lambda group: (-max(map(magnitude, group)), group[0].metric))
