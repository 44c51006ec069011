"""Failures of the past as their alerts came in: those of the sample history, and labelled cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aiops_rca.adapters.files import load_release
from aiops_rca.cli.cases import load_cases
from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.event import AlertEvent
from aiops_rca.domain.fingerprint import fingerprint
from aiops_rca.domain.incident import IncidentHistory, PastIncident
from aiops_rca.domain.release import Release
from served import GRAPH, HISTORY
from virtual import Body, Scene

APART_SEC = 10  # the signals of the sample history, whose times are not known
RESOLVED_SEC = 600  # after the last alert
SETS = ("petshop", "nezha-ob", "openrca-ob1", "openrca-ob2")


def _scene(release: Release, bodies: Sequence[Body]) -> Scene:
    """*bodies*, and all of it resolved a while after the last of them."""
    over = 1000 * (bodies[-1].at + RESOLVED_SEC)
    told = {event.fingerprint: event for body in bodies for event in body.events}
    ends = tuple(e._replace(resolved=True, starts_at=None, ends_at=over) for e in told.values())
    return Scene(release, (*bodies, Body(over // 1000, ends)))


def _event(alert: Alert, ms: int) -> AlertEvent:
    """*alert* as told when it fires, *ms* after the beginning."""
    a = alert
    told = (a.service, a.metric, a.severity, a.resolved, ms, None, a.value, a.threshold, a.labels)
    return AlertEvent("generic", a.fingerprint, *told, (), "", "")


def sample_history() -> list[Scene]:
    """Each incident of the shipped history, diagnosed with the others as its past."""
    whole = load_release(GRAPH, history=HISTORY)
    return [_relived(incident, _without(whole, incident)) for incident in whole.history.incidents]


def _without(release: Release, incident: PastIncident) -> Release:
    others = tuple(other for other in release.history.incidents if other is not incident)
    return replace(release, history=IncidentHistory(release.history.version, others))


def _relived(incident: PastIncident, release: Release) -> Scene:
    bodies = []
    for place, past in enumerate(incident.alerts):
        mark = fingerprint(past.service, past.metric, past.labels)
        what = (past.service, past.metric, Severity.ERROR, None, None, past.labels)
        firing = Alert("", 0, *what, resolved=False, fingerprint=mark)
        at = place * APART_SEC
        bodies.append(Body(at, (_event(firing, 1000 * at),)))
    return _scene(release, bodies)


def real_cases(folder: Path) -> list[Scene]:
    """Each labelled case; what fires within one second comes in one body. Nothing is known of a past."""
    files = [folder / f"{name}.jsonl" for name in SETS]
    cases = load_cases(files, folder / "graphs", hosts=True)
    graphs = {id(case.graph): case.graph for case in cases}
    plain = load_release(GRAPH)
    releases = {key: replace(plain, graph=graph) for key, graph in graphs.items()}
    return [_live(case.alerts, releases[id(case.graph)]) for case in cases]


def _live(alerts: Sequence[Alert], release: Release) -> Scene:
    begins = min(alert.ts for alert in alerts)
    seconds: dict[int, list[AlertEvent]] = {}
    for alert in sorted(alerts, key=lambda alert: (alert.ts, alert.id)):
        ms = alert.ts - begins
        seconds.setdefault(-(-ms // 1000), []).append(_event(alert, ms))
    return _scene(release, [Body(at, tuple(events)) for at, events in seconds.items()])
