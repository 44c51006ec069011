"""One evaluation: which release answers which case.

Refitted weights never saw the case or anything too close to it, and the history `loo` never holds it.
The shipped weights, and a history from a file, are used as they are, whatever they were made from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiops_rca.adapters.files import load_history, load_ranker, load_runbook
from aiops_rca.correlate.clusters import cluster_of
from aiops_rca.domain.candidate import Candidate
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import NO_HISTORY, IncidentHistory, PastAlert, PastIncident
from aiops_rca.domain.release import Parameters, RankerWeights, Release, RunbookEntry
from aiops_rca.learn import Case, Example, fit, source_of, systems_of
from aiops_rca.pipeline import diagnose
from aiops_rca.rank import FEATURES, METHODS, STARTING_WEIGHTS, describe, rank
from aiops_rca.settings import load_settings


@dataclass(frozen=True, slots=True)
class Trial:
    """How to answer the cases of one evaluation."""

    cases: tuple[Case, ...]
    parameters: Parameters
    runbook: tuple[RunbookEntry, ...]
    shipped: RankerWeights
    history: IncidentHistory | None  # None: the other cases of the data set
    family_of: Callable[[Case], str] | None  # None: the shipped weights
    _fitted: dict[str, RankerWeights] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        cases: tuple[Case, ...],
        *,
        configs: Path,
        history: str,
        method: str,
        held_out: str,
    ) -> Trial:
        """Read what the shell's words name, and the settings of *configs* that decide an answer.

        Raises InputError for an unknown method or a file that cannot be used.
        """
        if method not in METHODS:
            known = ", ".join(sorted(METHODS))
            raise InputError(f"unknown method {method!r}, known: {known}", field="--method")
        return cls(
            cases=cases,
            parameters=replace(load_settings(configs / "aiops_rca.yaml").parameters, rca_method=method),
            runbook=load_runbook(configs / "runbook.yaml"),
            shipped=load_ranker(configs / "ranker.yaml"),
            history=_history(history),
            family_of=_families(cases).get(held_out),
        )

    def answer(self, case: Case) -> Sequence[Candidate]:
        """Return what `POST /incident` ranks first for the case's alerts."""
        found = diagnose(case.alerts, self.release(case), target=case.target)
        return found[0].ranking.candidates if found else ()

    def rank_case(self, case: Case) -> Sequence[Candidate]:
        """Return the ranking of all the case's alerts as one cluster."""
        if not case.alerts:
            return ()
        return rank(cluster_of(case.alerts), self.release(case), target=case.target).candidates

    def release(self, case: Case) -> Release:
        """Return what answers *case*."""
        history = self.history if self.history is not None else _other_cases(case, self.cases)
        return Release(case.graph, history, self._weights(case), self.runbook, self.parameters)

    def others(self, case: Case) -> Sequence[Case]:
        """Return the cases that weights for *case* may be fitted on: none that is too close to it."""
        if self.family_of is None:
            return self.cases
        family = self.family_of(case)
        return [other for other in self.cases if self.family_of(other) != family]

    def _weights(self, case: Case) -> RankerWeights:
        if self.family_of is None:
            return self.shipped
        family = self.family_of(case)
        if family not in self._fitted:
            others = self.others(case)
            if not others:
                raise InputError(f"all cases are of {family}: nothing is left to fit on", field="--fit")
            fitted = fitted_on(others, temperature=self.shipped.temperature)
            self._fitted[family] = replace(fitted, version=f"without {family}")
        return self._fitted[family]


def fitted_on(cases: Sequence[Case], *, temperature: float) -> RankerWeights:
    """Fit the weights on *cases*; one whose root cause is no candidate teaches nothing."""
    described = [
        (case, describe(cluster_of(case.alerts), _blank(case.graph), target=case.target))
        for case in cases
        if case.alerts
    ]
    examples = [
        Example(table.rows, table.services.index(case.root), case.dataset)
        for case, table in described
        if case.root in table.services
    ]
    weights = fit(examples, [STARTING_WEIGHTS[name] for name in FEATURES])
    return RankerWeights("fitted", dict(zip(FEATURES, weights, strict=True)), temperature)


def _blank(graph: ServiceGraph) -> Release:
    return Release(graph, NO_HISTORY, RankerWeights("none", {}, 1.0), (), Parameters())


def _history(word: str) -> IncidentHistory | None:
    if word == "loo":
        return None
    return NO_HISTORY if word == "none" else load_history(Path(word))


def _families(cases: Sequence[Case]) -> Mapping[str, Callable[[Case], str]]:
    """Return how to name what is held out together, by the word of `--fit`."""
    graphs = list({id(case.graph): case.graph for case in cases}.values())
    numbers = dict(zip(map(id, graphs), systems_of(graphs), strict=True))
    return {
        "source": lambda case: f"source {source_of(case.dataset)}",
        "system": lambda case: f"system {numbers[id(case.graph)] + 1}",
    }


def _other_cases(case: Case, cases: Sequence[Case]) -> IncidentHistory:
    others = [other for other in cases if other.dataset == case.dataset and other is not case]
    return IncidentHistory(f"without {case.case_id}", tuple(map(_as_past, others)))


def _as_past(case: Case) -> PastIncident:
    alerts = tuple(PastAlert(a.service, a.metric, a.labels) for a in case.alerts)
    return PastIncident(case.case_id, case.root, alerts, "", "", (), None, None)
