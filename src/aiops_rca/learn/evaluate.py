"""Score a ranker on labelled cases, per data set and as the macro mean over data sets.

The ranker is an argument; it must read a case's graph, alerts and target, and nothing else of it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.candidate import Candidate
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.learn.scoring import Score, mean, score


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One failure that really happened, with its true root cause. Compared by identity.

    *dataset*, *case_id* and *root* are for the scorer alone.
    """

    dataset: str
    case_id: str
    graph: ServiceGraph
    alerts: tuple[Alert, ...]
    root: str
    target: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """Data set -> number of cases and mean score, in order of appearance; and the mean of these."""

    datasets: Mapping[str, tuple[int, Score]]
    macro: Score

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values, rounded to four decimals."""
        return {
            "datasets": {
                name: {"n": count, **_rounded(found)} for name, (count, found) in self.datasets.items()
            },
            "macro": _rounded(self.macro),
        }


Ranker = Callable[[Case], Iterable[Candidate]]


def evaluate(
    cases: Iterable[Case], ranker: Ranker, *, done: Callable[[Case], None] = lambda _: None
) -> Report:
    """Rank every case and score it; *done* hears of each finished case. At least one case."""
    scores: dict[str, list[Score]] = {}
    for case in cases:
        ranked = {candidate.service: candidate.score for candidate in ranker(case)}
        scores.setdefault(case.dataset, []).append(score(ranked, case.root))
        done(case)
    datasets = {name: (len(found), mean(found)) for name, found in scores.items()}
    return Report(datasets, mean(found for _, found in datasets.values()))


def _rounded(found: Score) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found._asdict().items()}
