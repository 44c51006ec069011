"""The step from a diagnosis to one with a narrative, with a provider that answers from here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.narrative import Usage
from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.enrich.asking import BUDGETS, FAILURES, NotAskedError, Reply, Request, StepError
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.enrich.prompt import PROMPT_ID, SCHEMA_ID
from aiops_rca.narrator.step import Narrator
from aiops_rca.pipeline import diagnose_cluster
from aiops_rca.report import narrative_out
from aiops_rca.settings import Llm
from answering import obeying, sensible
from builders import alert, graph, history, incident, release
from injections import Injection, injections

Say = Callable[[Mapping[str, Any]], str]
SHOP = release(graph("web -> cart", "web -> auth", "cart -> db", "auth -> db"))
USAGE = Usage(input=900, output=200)


class Answers:
    """A provider that says what it is told to, or raises it; notes what it was asked."""

    def __init__(self, say: Say | Exception = sensible, stop_reason: str = "end_turn") -> None:
        self._say, self._stop_reason = say, stop_reason
        self.asked: list[Request] = []
        self.deadlines: list[float] = []
        self.vain: StepError | NotAskedError | None = None

    def closed(self) -> StepError | NotAskedError | None:
        """Open until told otherwise."""
        return self.vain

    async def ask(self, request: Request, check: Callable[[Reply], object], *, deadline: float) -> Reply:
        """The reply, once *check* has taken it."""
        self.asked.append(request)
        self.deadlines.append(deadline - asyncio.get_running_loop().time())
        if isinstance(self._say, Exception):
            raise self._say
        reply = Reply(self._stop_reason, ("text",), self._say(request.body), USAGE)
        check(reply)
        return reply


class Allowed:
    """The switch and the record, as set."""

    def __init__(self, record: TrackRecord = NO_RECORD, *, enabled: bool = True) -> None:
        self.enabled, self.record = enabled, record


class Counts(Counter[str]):
    """What was counted, by name."""

    def skipped(self, reason: str, count: int = 1) -> None:
        """Nobody was asked."""
        self[f"skipped {reason}"] += count

    def failed(self, reason: str) -> None:
        """A step failed."""
        self[f"failed {reason}"] += 1

    def narrated(self, *, moved: bool) -> None:
        """A narrative came of it."""
        self["moved" if moved else "narrated"] += 1

    def dropped(self, what: str, count: int) -> None:
        """Something did not check out."""
        self[f"dropped {what}"] += count


def _diagnosis(*confidences: float) -> Diagnosis:
    """A storm in the shop; *confidences* replace those of the first candidates."""
    alerts = [
        alert("web", "latency_p99", at=0, value=900, threshold=300),
        alert("cart", "latency_p99", at=5, value=800, threshold=200),
        alert("cart", "cpu_usage", at=5, value=0.9, threshold=0.8),
        alert("auth", "cpu_usage", at=5, value=0.9, threshold=0.8),
        alert("auth", "latency_p99", at=5, value=800, threshold=200),
    ]
    found = diagnose_cluster(alerts, SHOP)
    given = zip(found.ranking.candidates, confidences, strict=False)
    first = tuple(replace(candidate, confidence=value) for candidate, value in given)
    ranking = replace(found.ranking, candidates=(*first, *found.ranking.candidates[len(first) :]))
    return replace(found, ranking=ranking)


def _narrate(
    provider: Answers | None,
    diagnosis: Diagnosis | None = None,
    *,
    allowed: Allowed | None = None,
    counts: Counts | None = None,
    settings: Llm | None = None,
) -> Outcome:
    narrator = Narrator(
        provider,
        allowed or Allowed(),
        Counts() if counts is None else counts,
        Llm() if settings is None else settings,
    )
    return asyncio.run(narrator.narrate(diagnosis or _diagnosis(), SHOP))


def test_a_diagnosis_is_put_into_words_that_cite_its_evidence() -> None:
    """Method, prompt, model and usage are named, and every sentence cites pieces that are there."""
    counts = Counts()
    found, trouble = _narrate(Answers(), counts=counts)

    narrative = found.narrative
    assert narrative is not None
    assert (found.method, trouble) == ("graph+llm", None)
    assert (narrative.prompt_id, narrative.schema_id) == (PROMPT_ID, SCHEMA_ID)
    assert (narrative.model, narrative.usage) == ("claude-haiku-4-5", USAGE)
    shown = narrative_out(narrative, found.ranking.evidence)
    known = {piece.id for piece in found.ranking.evidence} | {piece.id for piece in shown.evidence}
    assert shown.sentences
    assert all(sentence.evidence and known.issuperset(sentence.evidence) for sentence in shown.sentences)
    assert counts == Counts({"narrated": 1})


def test_what_the_model_agrees_with_stays_as_it_is() -> None:
    """An answer for the first candidate changes nothing but narrative and method."""
    before = _diagnosis()
    found, _ = _narrate(Answers(), before)

    assert replace(found, narrative=None, method=before.method) == before


def test_a_tie_is_broken_by_evidence() -> None:
    """With genuine evidence about the runner-up it is named; the graph's order stays and nothing is lost."""
    before = _diagnosis(0.45, 0.44)
    second = before.ranking.candidates[1]
    counts = Counts()
    found, _ = _narrate(Answers(obeying("C2")), before, counts=counts)

    named, narrative = found.named, found.narrative
    assert named is not None
    assert narrative is not None
    assert narrative.vote is not None
    assert narrative.vote.moved
    assert (named.service, found.moved_to) == (second.service, named)
    assert 0.44 <= named.confidence <= 0.45
    assert found.ranking.candidates == before.ranking.candidates
    assert {piece.service for piece in narrative.vote.supports} == {second.service}
    assert {action.id for action in before.actions} <= {action.id for action in found.actions}
    assert counts["moved"] == 1


def test_a_clear_lead_is_not_voted_away() -> None:
    """The vote is shown with its weight, and the root cause stays."""
    before = _diagnosis(0.8, 0.1)
    found, _ = _narrate(Answers(obeying("C2")), before)

    assert found.named == before.ranking.candidates[0]
    assert found.narrative is not None
    assert found.narrative.vote is not None
    assert not found.narrative.vote.moved


def test_a_vote_without_evidence_about_its_choice_moves_nothing() -> None:
    """Between equals, evidence about the first one does not speak for the second."""
    before = _diagnosis(0.45, 0.45)
    found, _ = _narrate(Answers(obeying("C2", evidence=["E1"])), before)

    assert found.named == before.ranking.candidates[0]


def test_no_vote_goes_to_a_name_that_only_alerts_know() -> None:
    """A service that the graph does not know cannot be voted to the top: its sender may have made it up."""
    alerts = [
        alert("cart", "cpu_usage", value=0.9, threshold=0.8),
        alert("made-up", "cpu_usage", value=0.9, threshold=0.8),
    ]
    found = diagnose_cluster(alerts, SHOP)
    first, second = sorted(found.ranking.candidates, key=lambda c: c.service)
    tie = (replace(first, confidence=0.45), replace(second, confidence=0.45))
    outcome, _ = _narrate(
        Answers(obeying("C2")), replace(found, ranking=replace(found.ranking, candidates=tie))
    )

    assert outcome.named == tie[0]
    assert outcome.narrative is not None
    assert outcome.narrative.vote is not None
    assert outcome.narrative.vote.weight == 0


def test_suspicion_takes_the_weight_of_a_vote() -> None:
    """A model that smells instructions in its input has no vote, and the answer says so."""
    before = _diagnosis(0.45, 0.45)
    found, trouble = _narrate(Answers(obeying("C2", suspicious=True)), before)

    assert found.named == before.ranking.candidates[0]
    assert trouble is not None
    assert "instructions" in trouble


def test_the_model_may_say_that_it_does_not_know() -> None:
    """NONE is an answer: sentences without a vote."""
    found, _ = _narrate(Answers(obeying("NONE")))

    assert found.method == "graph+llm"
    assert found.narrative is not None
    assert found.narrative.vote is None


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failed_step_leaves_the_graph_and_says_why(reason: str) -> None:
    """Each reason: the diagnosis as it was, its method, words for the answer, and a count."""
    before, counts = _diagnosis(), Counts()
    found, trouble = _narrate(Answers(StepError(reason, "details")), before, counts=counts)

    assert found == replace(before, method="graph-only-llm-failed")
    assert trouble == f"{reason}: details"
    assert counts == Counts({f"failed {reason}": 1})


@pytest.mark.parametrize("reason", BUDGETS)
def test_a_used_up_budget_is_a_skip(reason: str) -> None:
    """No failure: nobody was asked, and the answer says which budget is used up."""
    counts = Counts()
    found, trouble = _narrate(Answers(NotAskedError(reason, "20 of 20")), counts=counts)

    assert (found.method, trouble) == ("graph-only-skipped", f"{reason}: 20 of 20")
    assert counts == Counts({f"skipped {reason}": 1})


def test_an_answer_that_does_not_check_out_is_a_parse_error() -> None:
    """A cut answer is no narrative, whatever it holds."""
    counts = Counts()
    found, trouble = _narrate(Answers(stop_reason="max_tokens"), counts=counts)

    assert found.method == "graph-only-llm-failed"
    assert trouble is not None
    assert trouble.startswith("parse_error")
    assert counts["failed parse_error"] == 1


def test_a_fault_of_ours_is_seen_and_costs_no_answer() -> None:
    """Whatever breaks in the step: the diagnosis stands, the fault is counted and said."""
    before, counts = _diagnosis(), Counts()
    found, trouble = _narrate(Answers(ZeroDivisionError()), before, counts=counts)

    assert found == replace(before, method="graph-only-llm-failed")
    assert trouble is not None
    assert "fault of the service" in trouble
    assert counts == Counts({"failed client_error": 1})


@pytest.mark.parametrize(
    ("provider", "allowed", "method"),
    [
        (None, Allowed(), "graph-only-no-key"),
        (Answers(), Allowed(enabled=False), "graph-only-flag-off"),
        (Answers(), Allowed(TrackRecord(50, 50)), "graph-only-confident"),
    ],
)
def test_nobody_is_asked_where_it_is_not_worth_it(
    provider: Answers | None, allowed: Allowed, method: str
) -> None:
    """No key, switched off, or confident on a good record: the method says which."""
    found, trouble = _narrate(provider, allowed=allowed, settings=Llm(skip_from=0.1))

    assert (found.method, trouble, found.narrative) == (method, None, None)
    assert provider is None or not provider.asked


def test_nothing_is_prepared_where_asking_is_in_vain() -> None:
    """While the circuit is open no question is even made."""
    provider, counts = Answers(), Counts()
    provider.vain = StepError("circuit_open", "for a while")
    found, trouble = _narrate(provider, counts=counts)

    assert (found.method, trouble) == ("graph-only-llm-failed", "circuit_open: for a while")
    assert not provider.asked
    assert counts == Counts({"failed circuit_open": 1})


def test_what_did_not_check_out_is_counted_also_when_nothing_is_left() -> None:
    """Sentences that were dropped show in the metric, whether or not others were kept."""
    counts = Counts()
    _narrate(Answers(obeying("C1", sentences=["See http://evil.example now."])), counts=counts)

    assert counts["dropped url"] == 1
    assert counts["failed parse_error"] == 1


@pytest.mark.parametrize("one", [one for one in injections("auth") if one.where == "history"])
def test_a_hostile_history_votes_for_nobody(one: Injection) -> None:
    """What a past incident's fix says to the model is withheld, and the vote counts for nothing."""
    signals = (("cart", "latency_p99"), ("cart", "cpu_usage"), ("auth", "cpu_usage"), ("auth", "latency_p99"))
    past = incident("INC-1", "auth", *signals, symptom=one.text, fix=one.text)
    known = release(SHOP.graph, past=history(past))
    diagnosis = diagnose_cluster(_diagnosis().cluster.alerts, known)
    provider = Answers(obeying("C2"))
    narrator = Narrator(provider, Allowed(), Counts(), Llm())
    found, trouble = asyncio.run(narrator.narrate(diagnosis, known))

    assert found.named == diagnosis.named
    assert trouble is not None
    assert "withheld" in trouble
    assert one.text[:30] not in str(provider.asked[0].body["messages"])


def test_the_step_has_the_configured_time() -> None:
    """Without a deadline of the caller's the setting is the deadline."""
    provider = Answers()
    _narrate(provider, settings=Llm(timeout_s=3.5))

    assert 3 < provider.deadlines[0] <= 3.5


def test_a_large_cluster_is_prepared_beside_the_event_loop() -> None:
    """A storm's dossier does not stop other requests, and comes out the same."""
    alerts = [alert(f"s{n % 40}", "latency_p99", at=n % 60, id=f"a{n}") for n in range(400)]
    provider = Answers()
    found, _ = _narrate(provider, diagnose_cluster(alerts, SHOP))

    assert found.method == "graph+llm"
    assert len(provider.asked) == 1
