"""What a language model gets to see of a diagnosis: candidates, evidence, actions, as one JSON document.

Every text is cleaned and redacted, and withheld where it talks to the model. No ids of alerts and no time
of day stand in it: equal storms on different days make equal dossiers. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.candidate import Case, Evidence
from aiops_rca.domain.diagnosis import Action, Diagnosis, SimilarIncident
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.enrich.cleaning import clean
from aiops_rca.enrich.quoting import Quotes, Signal
from aiops_rca.enrich.tampering import LOOKALIKE, looks, signs

CANDIDATES, EVIDENCE, ACTIONS = 5, 20, 8
LIMIT = 12_000  # bytes of the document
WITHHELD = "[withheld]"
SYMPTOM, HISTORY = "symptom", "history"  # kinds of evidence; see `rank.explain`

_PATH_STEPS, _PAST = 6, 3
# bytes of a text as it stands in the document; together they stay under LIMIT, and quotes get the rest
_NAME, _SENTENCE, _TITLE, _FIX = 100, 260, 150, 220
_TIMED = frozenset(
    {"alert", SYMPTOM}
)  # their alerts share service and metric, and their text says since when
_SINCE = re.compile(r"since (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d UTC(?= \()")
_READING = re.compile(r"(?P<before>\bis at |\bthreshold |\bthough )(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_READ = 2  # characters looked at for each byte that may be shown
_QUOTES = 24  # in all
_GRID_SEC = 5
_NO_SUMMARIES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Cited:
    """A piece of evidence as the model sees it.

    *about* is the place of the candidate it bears on. *text* is its sentence, *quoted* what senders or
    people of the past wrote that belongs to it.
    """

    piece: Evidence
    about: int
    text: str
    quoted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dossier:
    """What was shown, in the order of its ids: the n-th of *evidence* is `E<n>`, and so on.

    *document* is JSON in ASCII. *names* tells how each service is spelt in it, *others* are all services of
    the graph, in lower case. *tampering* names the signs by which texts were withheld.
    """

    candidates: tuple[Case, ...]
    evidence: tuple[Cited, ...]
    actions: tuple[Action, ...]
    document: str
    tampering: tuple[str, ...]
    names: Mapping[str, str]
    others: frozenset[str]


def dossier(
    diagnosis: Diagnosis,
    cases: Sequence[Case],
    graph: ServiceGraph,
    *,
    summaries: Mapping[str, str] = _NO_SUMMARIES,
) -> Dossier:
    """What to show of *diagnosis* and the *cases* for its first candidates, in its order.

    *summaries* are what senders wrote of alerts, by alert id.
    """
    kept = tuple(cases[:CANDIDATES])
    sieve = _Sieve(graph)
    quotes = Quotes(diagnosis.cluster, summaries)
    evidence = _evidence(kept, diagnosis, quotes, sieve)
    actions = diagnosis.actions[:ACTIONS]
    document = _document(kept, diagnosis, graph, sieve)
    document["evidence"] = [_item(place, cited) for place, cited in enumerate(evidence, 1)]
    evidence = _quoted(evidence, sieve.whole(evidence), document)
    return Dossier(
        candidates=kept,
        evidence=evidence,
        actions=actions,
        document=_json(document),
        tampering=tuple(sorted(sieve.reasons)),
        names=dict(sorted(sieve.names.items())),
        others=_all_services(graph),
    )


@lru_cache(maxsize=4)
def _all_services(graph: ServiceGraph) -> frozenset[str]:
    return frozenset(service.casefold() for service in graph.nodes)


@lru_cache(maxsize=4)
def _all_looks(graph: ServiceGraph) -> frozenset[str]:
    return frozenset(map(looks, graph.nodes))


class _Sieve:
    """Lets texts from outside through, made fit to be shown; remembers them, and why it held others back."""

    def __init__(self, graph: ServiceGraph) -> None:
        self.reasons: set[str] = set()
        self.names: dict[str, str] = {}
        self._known: dict[tuple[str, int], str] = {}
        self._graph = graph

    def text(self, raw: str, most: int) -> str:
        """*raw*, cleaned, in at most *most* bytes of JSON; withheld where it talks to the model."""
        looked_at = raw[: most * _READ]
        known = self._known.get((looked_at, most))
        if known is None:
            found = signs(looked_at)
            self.reasons.update(found)
            known = WITHHELD if found else _fitting(self._clean(raw[: most * _READ + 1], most), most)
            self._known[looked_at, most] = known
        return known

    def _clean(self, raw: str, most: int) -> str:
        return clean(raw, most, names=_all_services(self._graph))

    def name(self, service: str) -> str:
        """The name of *service*; withheld where it looks like one of the graph and is none."""
        if service not in self.names:
            alike = service not in self._graph.nodes and looks(service) in _all_looks(self._graph)
            if alike:
                self.reasons.add(LOOKALIKE)
            self.names[service] = WITHHELD if alike else self.text(service, _NAME)
        return self.names[service]

    def about(self, service: str, raw: str, most: int) -> str:
        """*raw*, a text of ours about *service*, in at most *most* bytes of JSON."""
        withheld = self.name(service) == WITHHELD
        return self.text(raw.replace(service, WITHHELD) if withheld else raw, most)

    def whole(self, evidence: Iterable[Cited]) -> bool:
        """Whether the quotes of *evidence*, one after the other, do not talk to the model either."""
        quotes = dict.fromkeys(quote.partition(": ")[2] for cited in evidence for quote in cited.quoted)
        torn = signs(" ".join(quotes))
        self.reasons.update(torn)
        return not torn


def _evidence(
    cases: Sequence[Case], diagnosis: Diagnosis, quotes: Quotes, sieve: _Sieve
) -> tuple[Cited, ...]:
    """All evidence of the first case, then that of its rivals in turn, each saying once."""
    if not cases:
        return ()
    own, *rivals = ([(place, piece) for piece in case.evidence] for place, case in enumerate(cases))
    turns = (pair for turn in zip_longest(*rivals) for pair in turn if pair)
    found: dict[tuple[str, str, str], tuple[int, Evidence]] = {}
    for place, piece in (*own, *turns):
        found.setdefault((piece.kind, piece.service, piece.text), (place, piece))
    by_id = {alert.id: alert for alert in diagnosis.cluster.alerts}
    places = {case.candidate.service: place for place, case in enumerate(cases)}
    shown, room = [], _QUOTES
    for place, piece in [*found.values()][:EVIDENCE]:
        signal = _signal(piece, by_id)
        about = place if piece.kind == SYMPTOM else places.get(piece.service, place)
        text = _without_clock(piece.text, quotes.since(signal))
        said = _fixes(piece, diagnosis.similar) if piece.kind == HISTORY else quotes.of(signal)
        fit = tuple(sieve.text(quote, _FIX) for quote in said[:room])
        room -= len(fit)
        shown.append(Cited(piece, about, sieve.about(piece.service, text, _SENTENCE), fit))
    return tuple(shown)


def _signal(piece: Evidence, by_id: Mapping[str, Alert]) -> Signal | None:
    """Service and metric of the alerts that *piece* rests on, where they share both."""
    first = by_id.get(piece.alert_ids[0]) if piece.kind in _TIMED and piece.alert_ids else None
    return (first.service, first.metric) if first else None


def _fixes(piece: Evidence, similar: Iterable[SimilarIncident]) -> list[str]:
    return [f"{past.id} was fixed so: {past.fix}" for past in similar if past.root_cause == piece.service][:1]


def _without_clock(text: str, since_ms: int | None) -> str:
    """*text* with an offset for the time of day, and readings of three digits."""
    offset = "" if since_ms is None else f"since {_offset(since_ms)}"
    return _READING.sub(_rounded, _SINCE.sub(offset, text))


def _offset(ms: int) -> str:
    seconds = round(ms / 1000 / _GRID_SEC) * _GRID_SEC
    if seconds < 600:
        return f"+{seconds} s"
    return f"+{seconds / 60:.0f} min" if seconds < 7200 else f"+{seconds / 3600:.1f} h"


def _rounded(found: re.Match[str]) -> str:
    three_digits = float(f"{float(found['number']):.3g}")
    return f"{found['before']}{three_digits:g}"


def _document(
    cases: Sequence[Case], diagnosis: Diagnosis, graph: ServiceGraph, sieve: _Sieve
) -> dict[str, Any]:
    candidates = [
        {
            "id": f"C{place}",
            "name": sieve.name(case.candidate.service),
            "kind": graph.kind_of(case.candidate.service),
            "in_graph": case.candidate.service in graph.nodes,
            "confidence": round(case.candidate.confidence, 2),
        }
        for place, case in enumerate(cases, 1)
    ]
    steps = cases[0].path[:_PATH_STEPS] if cases else ()
    return {
        "candidates": candidates,
        "path": [{"caller": {"name": sieve.name(a)}, "callee": {"name": sieve.name(b)}} for a, b in steps],
        "actions": [
            {"id": f"A{place}", "title": sieve.text(action.text, _TITLE), "risk": action.risk}
            for place, action in enumerate(diagnosis.actions[:ACTIONS], 1)
        ],
        "past": [
            {"name": sieve.text(past.root_cause, _NAME), "text": sieve.text(past.reason, _FIX)}
            for past in diagnosis.similar[:_PAST]
        ],
    }


def _item(place: int, cited: Cited) -> dict[str, Any]:
    return {"id": f"E{place}", "about": f"C{cited.about + 1}", "text": cited.text}


def _quoted(evidence: tuple[Cited, ...], whole: bool, document: dict[str, Any]) -> tuple[Cited, ...]:  # noqa: FBT001
    """Put as many quotes into *document* as it has room for; return the evidence with those."""
    room = LIMIT - len(_json(document))
    found = []
    for cited, item in zip(evidence, document["evidence"], strict=True):
        kept = []
        for quote in cited.quoted if whole else ():
            room -= len(_json(quote)) + len(',"quoted":[]')
            if room < 0:
                break
            kept.append(quote)
        if kept:
            item["quoted"] = kept
        found.append(replace(cited, quoted=tuple(kept)))
    return tuple(found)


def _json(value: object) -> str:
    """*value* as ASCII in which no bracket can close or open anything outside a JSON string."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _fitting(text: str, most: int) -> str:
    """*text*, cut where it would take more than *most* bytes as JSON."""
    if len(text) <= most and text.isascii() and len(_json(text)) <= most:
        return text
    taken = len('""...')
    for place, character in enumerate(text):
        taken += len(_json(character)) - 2
        if taken > most:
            return text[:place].rstrip() + "..."
    return text
