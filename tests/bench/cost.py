"""What a language model costs over 1,000 incidents, with one saving after the other switched on.

    python3 run.py bench cost [--json]

Every failure of the sample history, and of the case data where there is any (RCA_CASES_DIR, else
../shared/cases beside the project), comes in live on a virtual clock: real incidents, diagnoses, gate,
questions and cache. Nobody is asked: tokens are guessed by size, and the answer is a plain good one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from aiops_rca.adapters.llm.provider import Provider
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.narrative import Usage
from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import Reply, Request
from aiops_rca.enrich.dossier import CANDIDATES, dossier
from aiops_rca.enrich.models import cost_usd, model_of
from aiops_rca.enrich.prompt import request
from aiops_rca.narrator.step import Narrator
from aiops_rca.pipeline import rival_cases
from aiops_rca.settings import Llm
from answering import sensible
from relived import real_cases, sample_history
from served import ROOT
from virtual import AS_SHIPPED, Everything, Scene, VirtualLoop, Words, play

LARGE, SMALL, NEXT = "claude-opus-5", "claude-haiku-4-5", "claude-haiku-5-5"
ANSWER = 400  # tokens: 7 weighed pieces of evidence, 4 sentences, 2 actions; they may be 2 to 5 and 8
PROSE, JSON = 4, 3  # characters a token
FINER = {LARGE: 1.3, NEXT: 1.3}  # their tokens are smaller: so many more for the same text
LEAST_KEPT = {SMALL: 4096, NEXT: 512}  # tokens of a beginning that the provider keeps for the next call
KEPT_SEC = 300
LATENCY_SEC = 2.7
TRUSTED, UNKNOWN = TrackRecord(right=48, told=50), NO_RECORD
PLENTY = 10**9  # budgets are for storms: here they would hide what things cost


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
    """What did not become a narrative, and why; see `narrator.step.Recorder`."""

    skips: Counter[str]
    failures: Counter[str]

    def skipped(self, reason: str, count: int = 1) -> None:
        """See `Recorder`."""
        self.skips[reason] += count

    def failed(self, reason: str) -> None:
        """See `Recorder`."""
        self.failures[reason] += 1

    def narrated(self, *, moved: bool) -> None:
        """See `Recorder`."""

    def dropped(self, what: str, count: int) -> None:
        """See `Recorder`."""


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
        self.asked, self.heard = Asked(), Heard(Counter(), Counter())
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
    return request(
        dossier(diagnosis, rival_cases(diagnosis, release, count=CANDIDATES), release.graph), LARGE
    )


class Run(NamedTuple):
    """What came of all failures: their incidents as diagnosed last, and what was asked.

    *once* holds a question about each of these, *each* one about every diagnosis, *ways* those of each way.
    """

    failures: int
    last: Sequence[Diagnosis]
    once: Sequence[Question]
    each: Sequence[Question]
    ways: Mapping[str, Sequence[Question]]


def run(scenes: Sequence[Scene], loop: VirtualLoop) -> Run:
    """Play all of *scenes*, one failure after the other."""
    ways = {
        "gate": Way(loop, cache=False, record=UNKNOWN),
        "cache": Way(loop, cache=True, record=UNKNOWN),
        "skip": Way(loop, cache=True, record=TRUSTED),
    }
    last: list[Diagnosis] = []
    once: list[Question] = []
    each: list[Question] = []
    now = 0
    for scene in scenes:
        naive = Everything(ways["gate"].narrator, scene.release, loop)
        words = [Words(way.narrator, scene.release, loop) for way in ways.values()]
        incidents, now = play(scene, now, loop, [naive, *words])
        asked = [question(asked_of(d, scene.release).body, 0.0) for _, d in naive.heard]
        final = {incident: place for place, (incident, _) in enumerate(naive.heard)}
        each += asked
        once += [asked[final[incident]] for incident in sorted(incidents)]
        last += [naive.heard[final[incident]][1] for incident in sorted(incidents)]
    failed = [way.heard.failures for way in ways.values() if way.heard.failures]
    assert not failed, failed
    return Run(len(scenes), last, once, each, {key: way.asked.questions for key, way in ways.items()})


def repeats(scenes: Sequence[Scene]) -> tuple[int, int]:
    """The calls for failures that come again within the hour, and those when they came first."""
    loop = VirtualLoop()
    way = Way(loop, cache=True, record=UNKNOWN)
    calls = [0, 0]
    now = 0
    for scene in scenes:
        for time in (0, 1):
            before = len(way.asked.questions)
            _, now = play(scene, now, loop, [Words(way.narrator, scene.release, loop)])
            calls[time] += len(way.asked.questions) - before
    loop.close()
    return calls[1], calls[0]


def rows_of(found: Run) -> dict[str, dict[str, float]]:
    """The table of a source: each row adds a saving to the one above it."""
    gate, cache, skip = (found.ways[key] for key in ("gate", "cache", "skip"))
    rows = {
        f"0 one call per incident, {LARGE}": (found.once, LARGE),
        f"1 a call for each diagnosis, {LARGE}": (found.each, LARGE),
        "2 + change gate": (gate, LARGE),
        "3 + cache": (cache, LARGE),
        "4 + skip of confident ones, by a record": (skip, LARGE),
        f"5 + {SMALL}": (skip, SMALL),
        f"6 + {NEXT}": (skip, NEXT),
        f"as shipped, no record: 2 + 3 + {SMALL}": (cache, SMALL),
        f"the same with {NEXT}": (cache, NEXT),
    }
    yardstick = usd(found.once, LARGE)
    count = len(found.last)
    return {title: _row(asked, model, count, yardstick) for title, (asked, model) in rows.items()}


def _row(asked: Sequence[Question], model: str, count: int, yardstick: float) -> dict[str, float]:
    finer = FINER.get(model, 1)
    cost = usd(asked, model)
    return {
        "calls": round(1000 * len(asked) / count),
        "input_tokens": round(1000 * finer * sum(q.fixed + q.own for q in asked) / count),
        "output_tokens": round(1000 * finer * ANSWER * len(asked) / count),
        "usd": round(1000 * cost / count, 2),
        "percent": round(100 * cost / yardstick, 1),
    }


def usd(asked: Iterable[Question], model: str, *, kept: bool = False) -> float:
    """What *asked* costs; *kept*: with the provider's own cache of the part that all of them begin with."""
    known, finer = model_of(model), FINER.get(model, 1)
    total, last = 0.0, -1e12
    for q in asked:
        fixed, own, answer = (round(finer * tokens) for tokens in (q.fixed, q.own, ANSWER))
        warm, last = q.at - last < KEPT_SEC, q.at
        if not kept or fixed < LEAST_KEPT[model]:
            usage = Usage(fixed + own, answer)
        else:
            usage = Usage(own, answer, cache_read=fixed * warm, cache_write=fixed * (not warm))
        total += cost_usd(known, usage) or 0.0
    return total


def _percent(now: float, before: float) -> float:
    return round(100 * (1 - now / before), 1)


def figures_of(scenes: Sequence[Scene]) -> dict[str, Any]:
    """All figures of a source."""
    loop = VirtualLoop()
    found = run(scenes, loop)
    asked = found.ways["cache"]
    named = [d.named for d in found.last if d.named is not None]
    figures = {
        "failures": found.failures,
        "incidents": len(found.last),
        "lone_signals": sum(d.cluster.signals == 1 for d in found.last),
        "confident": sum(c.confidence >= AS_SHIPPED.llm.skip_from for c in named),
        "rows": rows_of(found),
        "prompt_cache_saves_percent": {
            model: _percent(usd(asked, model, kept=True), usd(asked, model)) for model in LEAST_KEPT
        },
    }
    loop.close()
    return figures


def main() -> None:
    """Measure and print tables, or JSON with --json."""
    folder = Path(os.environ.get("RCA_CASES_DIR") or ROOT.parent / "shared" / "cases")
    history = sample_history()
    figures: dict[str, Any] = {"sample history": figures_of(history)}
    figures["sample history"]["cache_saves_percent_of_repeats"] = _percent(*repeats(history))
    if folder.is_dir():
        figures["cases"] = figures_of(real_cases(folder))
    else:
        print(f"case data absent, left out: {folder}", file=sys.stderr)
    tables = map(_table, figures, figures.values())
    print(json.dumps(figures) if "--json" in sys.argv else "\n\n".join(tables))


def _table(name: str, figures: dict[str, Any]) -> str:
    head = f"{name}: {figures['failures']} failures, {figures['incidents']} incidents"
    columns = ("calls", "input_tokens", "output_tokens", "usd", "percent")
    lines = [f"{head + ', per 1,000:':<52}" + "".join(f"{column:>14}" for column in columns)]
    for title, row in figures["rows"].items():
        lines.append(f"  {title:<50}" + "".join(f"{row[column]:>14,}" for column in columns))
    kept = ", ".join(f"{m} {share:g} %" for m, share in figures["prompt_cache_saves_percent"].items())
    lines.append(f"  lone signals {figures['lone_signals']}, confident at last {figures['confident']}")
    lines.append(f"  the provider's prompt cache, not counted above, would save: {kept}")
    if "cache_saves_percent_of_repeats" in figures:
        saved = figures["cache_saves_percent_of_repeats"]
        lines.append(f"  if each came again within the hour: {saved:g} % fewer calls for the second time")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
