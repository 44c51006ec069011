"""What a language model costs over 1,000 incidents, with one saving after the other switched on.

    python3 run.py bench cost [--json]

Every failure of the sample history, and of the case data where there is any (RCA_CASES_DIR, else
../shared/cases beside the project), comes in live on a virtual clock: the real fold, diagnoses, gate, questions
and cache. Nobody is asked: tokens are guessed from the size of the question, the answer is a plain good one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

from aiops_rca.adapters.files import load_graph, load_history, load_release
from aiops_rca.adapters.llm.provider import Provider
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.cli.cases import load_cases
from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.event import AlertEvent
from aiops_rca.domain.fingerprint import fingerprint
from aiops_rca.domain.incident import IncidentHistory, PastIncident
from aiops_rca.domain.narrative import Usage
from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import CONFIDENT, Reply, Request
from aiops_rca.enrich.dossier import dossier
from aiops_rca.enrich.models import cost_usd, model_of
from aiops_rca.enrich.prompt import request
from aiops_rca.narrator.step import Narrator
from aiops_rca.pipeline import rival_cases
from aiops_rca.settings import Llm
from answering import sensible
from prometheus_client import CollectorRegistry
from served import ROOT
from virtual import AS_SHIPPED, Body, Everything, Scene, VirtualLoop, Words, play

LARGE, SMALL, NEXT = "claude-opus-5", "claude-haiku-4-5", "claude-haiku-5-5"
ANSWER = 400  # tokens: 7 weighed pieces of evidence, 4 sentences, 2 actions; they may be 2 to 5 and 8
PROSE, JSON = 4, 3  # characters a token
FINER = {LARGE: 1.3, NEXT: 1.3}  # their tokens are smaller: so many more for the same text
LEAST_KEPT = {SMALL: 4096, NEXT: 512}  # tokens of a beginning that the provider keeps for the next call
KEPT_SEC = 300
LATENCY_SEC = 2.7
APART_SEC = 10  # the signals of the sample history, whose times are not known
RESOLVED_SEC = 600  # after the last alert
TRUSTED, UNKNOWN = TrackRecord(right=48, told=50), NO_RECORD
PLENTY = 10**9
SETS = ("petshop", "nezha-ob", "openrca-ob1", "openrca-ob2")


class Question(NamedTuple):
    """A question asked *at* a time (s): tokens that are the same in all of them, and those of its own."""

    at: float
    fixed: float
    own: float


class Asked:
    """Stands in for the connection to the provider: answers after a while, and remembers what was asked."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    async def send(self, body: Mapping[str, Any], seconds: float) -> Reply:
        """See `adapters.llm.client`."""
        assert seconds > LATENCY_SEC
        self.questions.append(question(body, asyncio.get_running_loop().time()))
        await asyncio.sleep(LATENCY_SEC)
        return Reply("end_turn", ("text",), sensible(body), Usage())

    async def close(self) -> None:
        """Nothing is open."""


class Heard(NamedTuple):
    """Why nobody was asked, and that nothing else happened; see `narrator.step.Recorder`."""

    skips: Counter[str]

    def skipped(self, reason: str, count: int = 1) -> None:
        """See `Recorder`."""
        self.skips[reason] += count

    def failed(self, reason: str) -> None:
        """A plain good answer must not fail."""
        raise AssertionError(reason)

    def narrated(self, *, moved: bool) -> None:
        """A plain good answer agrees."""
        assert not moved

    def dropped(self, what: str, count: int) -> None:
        """Nothing of it is dropped but what cannot be told."""


class Allowed(NamedTuple):
    """Asking is allowed; see `narrator.step.Allowance`."""

    record: TrackRecord
    enabled: bool = True


class Way:
    """The step as shipped but for budgets, with or without cache, on a *record*: what it asks of whom."""

    def __init__(self, loop: VirtualLoop, *, cache: bool, record: TrackRecord) -> None:
        settings = Llm(
            api_key=SecretStr("none"),
            calls_per_minute=PLENTY,
            calls_per_day=PLENTY,
            tokens_per_minute=PLENTY,
            tokens_per_day=PLENTY,
            cache_sec=AS_SHIPPED.llm.cache_sec if cache else 0,
        )
        self.asked, self.heard = Asked(), Heard(Counter())
        metrics = LlmMetrics(CollectorRegistry(), "correlator")
        self._provider = Provider(settings, metrics, lambda _usage: None, clock=loop.time)
        loop.run_until_complete(self._provider._client.close())
        self._provider._client = self.asked  # type: ignore[assignment]  # no HTTP
        self.narrator = Narrator(self._provider, Allowed(record), self.heard, settings)


def question(body: Mapping[str, Any], at: float) -> Question:
    """The size of a request."""
    schema = json.dumps(body["output_config"]["format"]["schema"], separators=(",", ":"))
    fixed = len(body["system"][0]["text"]) / PROSE + len(schema) / JSON
    return Question(at, fixed, len(body["messages"][0]["content"]) / JSON)


def asked_of(diagnosis: Diagnosis, release: Release) -> Request:
    """The question that a narrator would ask."""
    return request(dossier(diagnosis, rival_cases(diagnosis, release), release.graph), LARGE)


class Source(NamedTuple):
    """Failures of one or more systems, one after the other."""

    name: str
    scenes: Sequence[Scene]


def scene_of(release: Release, bodies: Sequence[Body]) -> Scene:
    """*bodies*, and all of it resolved a while after the last of them."""
    over = 1000 * (bodies[-1].at + RESOLVED_SEC)
    told = {event.fingerprint: event for body in bodies for event in body.events}
    ends = tuple(e._replace(resolved=True, starts_at=None, ends_at=over) for e in told.values())
    return Scene(release, (*bodies, Body(over // 1000, ends)))


def event_of(alert: Alert, ms: int) -> AlertEvent:
    """*alert* as told when it fires, *ms* after the beginning."""
    a = alert
    told = (a.service, a.metric, a.severity, False, ms, None, a.value, a.threshold, a.labels)
    return AlertEvent("generic", a.fingerprint, *told, (), "", "")


def sample_history() -> Source:
    """Each incident of the shipped history, diagnosed with the others as its past."""
    whole = load_release(ROOT / "graphs" / "online-boutique.yaml", history=ROOT / "history" / "online-boutique.jsonl")
    past = whole.history.incidents
    return Source("sample history", [_relived(i, _without(whole, i)) for i in past])


def _without(release: Release, incident: PastIncident) -> Release:
    others = tuple(other for other in release.history.incidents if other is not incident)
    return replace(release, history=IncidentHistory(release.history.version, others))


def _relived(incident: PastIncident, release: Release) -> Scene:
    bodies = []
    for place, past in enumerate(incident.alerts):
        mark = fingerprint(past.service, past.metric, past.labels)
        id = f"{incident.id}-{place}"
        firing = Alert(id, 0, past.service, past.metric, Severity.ERROR, None, None, past.labels, False, mark)
        at = place * APART_SEC
        bodies.append(Body(at, (event_of(firing, 1000 * at),)))
    return scene_of(release, bodies)


def real_cases(folder: Path) -> Source:
    """Each labelled case; what fires within one second comes in one body. Nothing is known of a past."""
    files = [folder / f"{name}.jsonl" for name in SETS]
    cases = load_cases(files, folder / "graphs", hosts=True)
    graphs = {id(case.graph): case.graph for case in cases}
    plain = load_release(ROOT / "graphs" / "online-boutique.yaml")
    releases = {key: replace(plain, graph=graph) for key, graph in graphs.items()}
    return Source("shared cases", [_live(case.alerts, releases[id(case.graph)]) for case in cases])


def _live(alerts: Sequence[Alert], release: Release) -> Scene:
    begins = min(alert.ts for alert in alerts)
    seconds: dict[int, list[AlertEvent]] = {}
    for alert in sorted(alerts, key=lambda alert: (alert.ts, alert.id)):
        ms = alert.ts - begins
        seconds.setdefault(-(-ms // 1000), []).append(event_of(alert, ms))
    return scene_of(release, [Body(at, tuple(events)) for at, events in seconds.items()])


class Run(NamedTuple):
    """What came of playing a source: incidents, and the questions of every way."""

    failures: int
    incidents: int
    sure: int
    last: Sequence[Question]
    each: Sequence[Question]
    ways: Mapping[str, Way]


def run(source: Source, loop: VirtualLoop) -> Run:
    """Play all of *source*, one failure after the other."""
    ways = {
        "gate": Way(loop, cache=False, record=UNKNOWN),
        "cache": Way(loop, cache=True, record=UNKNOWN),
        "skip": Way(loop, cache=True, record=TRUSTED),
    }
    last: list[Question] = []
    each: list[Question] = []
    now = sure = 0
    for scene in source.scenes:
        heard = Everything(ways["gate"].narrator, scene.release, loop)
        words = [Words(way.narrator, scene.release, loop) for way in ways.values()]
        played = play(scene, now, loop, [heard, *words])
        now = played.until + 1
        final = {incident: diagnosis for incident, diagnosis in heard.heard}
        each += [question(asked_of(d, scene.release).body, 0.0) for _, d in heard.heard]
        kept = [final[incident] for incident in sorted(played.incidents)]
        last += [question(asked_of(d, scene.release).body, 0.0) for d in kept]
        sure += sum(d.named is not None and d.named.confidence >= AS_SHIPPED.llm.skip_from for d in kept)
    return Run(len(source.scenes), len(last), sure, last, each, ways)


if __name__ == "__main__":
    import time, pickle
    for src in (sample_history, lambda: real_cases(ROOT.parent/"shared"/"cases")):
        t = time.time()
        s = src()
        loop = VirtualLoop()
        r = run(s, loop)
        loop.close()
        print(s.name, time.time() - t, r.failures, r.incidents, r.sure, len(r.last), len(r.each), {k: (len(w.asked.questions), w.heard.skips) for k, w in r.ways.items()})
        for q in (r.last, r.each, r.ways["gate"].asked.questions):
            print(sum(x.fixed+x.own for x in q)/len(q), max(x.fixed+x.own for x in q), q[0])
