"""Fit a ranker's weights and score a ranker on labelled cases.

Ranking itself comes in as an argument: nothing here knows how candidates are found. Deterministic. Pure.
"""

from __future__ import annotations

from aiops_rca.learn.evaluate import Case, Report, evaluate
from aiops_rca.learn.fit import Example, fit
from aiops_rca.learn.scoring import Score, score
from aiops_rca.learn.splits import source_of, systems_of

__all__ = [
    "Case",
    "Example",
    "Report",
    "Score",
    "evaluate",
    "fit",
    "score",
    "source_of",
    "systems_of",
]
