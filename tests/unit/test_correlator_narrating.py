"""Which incidents are put into words and when, what they show meanwhile, and what a narrative outlives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from aiops_rca.correlator.calling import Calls
from aiops_rca.correlator.diagnosing import FEWER, NEW_SERVICE
from aiops_rca.correlator.documenting import AWAITED
from aiops_rca.correlator.seen import DIAGNOSED, ROOT_CAUSE, SWITCHED_OFF, UNVOTED
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.command import SPLIT, Command
from aiops_rca.domain.event import AlertEvent
from aiops_rca.enrich.asking import PART
from aiops_rca.wire.live import DiagnosisOut
from diagnosed import QUIET, SETTLE, Line
from narrators import Teller, eventually, fault, nothing, suspicious, vote_for, words
from stream import T0, firing, resolved

PENDING, WITH_LLM = "graph-only-pending", "graph+llm"
SKIPPED, FAILED, OFF = "graph-only-skipped", "graph-only-llm-failed", "graph-only-flag-off"
NEAR_TIE = (firing("a", 0), firing("b", 0), firing("a", 1, metric="errors"))
Lines = Callable[..., Line]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Make lines with a narrator; each is closed in the end."""
    made: list[Line] = []

    def make(teller: Teller, at_once: int = 4) -> Line:
        made.append(Line(teller=teller, at_once=at_once))
        return made[-1]

    yield make
    for line in made:
        line.close()


def methods(line: Line) -> list[str]:
    """How each diagnosis came about, by number."""
    return [shown.root_cause.method for shown in line.shown()]


def troubles(shown: DiagnosisOut) -> list[str]:
    """What is said of the model in `degraded`."""
    return [piece.reason for piece in shown.degraded if piece.part == PART]


def signals(service: str, count: int, at: float = 0, of: str = "m") -> list[AlertEvent]:
    """So many metrics of *service*, named *of* and a number."""
    return [firing(service, at, metric=f"{of}{number}") for number in range(count)]


def ends(service: str, count: int, at: float, began: float = 0) -> list[AlertEvent]:
    """The end of as many `signals`."""
    return [resolved(service, began, at, metric=f"m{number}") for number in range(count)]


def split(line: Line, out: str, at: float) -> str:
    """Let a person take the service *out* out of the one incident; the id of the incident."""
    (incident,) = line.stream.standing()
    ids = tuple(row.id for row in line.stream.shelf.alerts.values() if row.service == out)
    line.ask(Command("x", SPLIT, incident.id, "ana", alert_ids=ids), at=at)
    return incident.id


def narrated(lines: Lines, *events: AlertEvent, teller: Teller | None = None) -> Line:
    """Make a line with one incident of *events* that is put into words seven seconds later."""
    line = lines(teller or Teller(words))
    line.tell(*events, at=1)
    line.begun(1 + SETTLE, calls=1)
    line.worded(7)
    return line


def test_an_incident_appears_at_once_and_gets_its_narrative_later(lines: Lines) -> None:
    """The document says that words are to come; the one that has them replaces it, under its number."""
    line = lines(Teller(words))
    line.tell(firing("a", 0), firing("b", 1), at=2)
    (first,) = line.shown()
    line.begun(2 + SETTLE, calls=1)
    made = line.worded(8)
    (last,) = line.shown()

    assert (first.root_cause.method, first.narrative, first.degraded[1:]) == (PENDING, None, [])
    assert [record.number for record in made.diagnoses] == [1]
    assert (last.root_cause.method, last.made_at, last.reason) == (WITH_LLM, first.made_at, first.reason)
    assert last.narrative is not None
    assert last.narrative.text == "It began at b, with 2 signals."
    assert last.narrative.sentences[0].evidence == [piece.id for piece in last.root_cause.evidence]
    assert (made.happenings, made.notices) == ((), ())


def test_a_step_never_waits_for_the_narrator(lines: Lines) -> None:
    """While no answer comes there is nothing to do, and other incidents go their way."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("a", 2), at=1)
    line.begun(7, calls=1)

    assert not line.diagnosing.has_work(T0 + 60_000)
    assert len(line.tell(firing("h", 8), at=9).diagnoses) == 1
    teller.asked[0].answer(words)
    assert len(line.worded(10).diagnoses) == 1


def test_what_senders_wrote_goes_along(lines: Lines) -> None:
    """The narrator gets the summaries of the alerts, by the ids that the diagnosis knows them by."""
    event = firing("a", 0)._replace(summary="checkout is slow")
    line = narrated(lines, event, firing("b", 0))

    assert line.teller is not None
    (asked,) = line.teller.asked
    by_service = {alert.id: alert.service for alert in asked.diagnosis.cluster.alerts}
    assert {by_service[id]: text for id, text in asked.summaries.items()} == {"a": "checkout is slow"}


def test_it_may_settle_before_it_is_put_into_words(lines: Lines) -> None:
    """A growing incident is asked about once: its latest diagnosis, as soon as the first one is due."""
    teller = Teller(words)
    line = lines(teller)
    line.tell(firing("a", 1), firing("b", 1), at=1)
    for at, service in enumerate("cd", 2):
        line.tell(firing(service, at), at=at)
    line.wait(1 + SETTLE - 0.001)
    assert teller.asked == []
    line.begun(1 + SETTLE, calls=1)
    line.worded(7)

    assert methods(line) == [SKIPPED, SKIPPED, WITH_LLM]
    assert [len(asked.diagnosis.cluster.alerts) for asked in teller.asked] == [4]


@pytest.mark.parametrize(("reason", "method"), [("no_key", "graph-only-no-key"), ("flag_off", OFF)])
def test_where_nobody_may_be_asked_the_document_says_why(lines: Lines, reason: str, method: str) -> None:
    """No call, nothing pending, and no thread."""
    teller = Teller()
    teller.reason = reason
    line = lines(teller)
    line.tell(*signals("a", 2), at=1)
    line.wait(60)

    assert methods(line) == [method]
    assert teller.skips == {reason: 1}
    assert "narrating" not in {thread.name for thread in threading.enumerate()}


def test_a_diagnosis_that_brings_no_news_keeps_the_narrative(lines: Lines) -> None:
    """A higher severity alone is not worth a call; what the words cite stays, even what is said no more."""
    line = narrated(lines, *signals("b", 8), firing("a", 0))
    line.tell(firing("a", 0, severity=Severity.CRITICAL), at=100)
    line.wait(300)
    before, after = line.shown()

    assert line.teller is not None
    assert (methods(line), line.teller.skips) == ([WITH_LLM, WITH_LLM], {"unchanged": 1})
    assert len(line.teller.asked) == 1
    assert before.narrative is not None
    assert after.narrative is not None
    assert (after.narrative.text, troubles(after)) == (before.narrative.text, [])
    told = {piece.text for piece in (*after.root_cause.evidence, *after.narrative.evidence)}
    assert told >= {piece.text for piece in before.root_cause.evidence}
    assert after.narrative.evidence != []
    ids = {piece.id for piece in (*after.root_cause.evidence, *after.narrative.evidence)}
    assert ids >= set(after.narrative.sentences[0].evidence)


def test_growth_is_worth_another_call_but_not_at_once(lines: Lines) -> None:
    """With twice the signals it was put into words with, it is asked about again, after a quiet time."""
    line = narrated(lines, *signals("c", 4))
    line.tell(*signals("c", 3, at=9, of="n"), at=10)
    line.tell(firing("c", 10), firing("b", 10), at=11)
    _, fewer, meanwhile = line.shown()
    line.wait(1 + SETTLE + QUIET - 0.001)
    assert line.teller is not None
    assert len(line.teller.asked) == 1
    line.begun(1 + SETTLE + QUIET, calls=2)
    line.worded(70)
    *_, last = line.shown()

    assert (troubles(fewer), line.teller.skips["unchanged"]) == ([], 1)
    assert meanwhile.narrative is not None
    assert (meanwhile.root_cause.method, troubles(meanwhile)) == (WITH_LLM, [AWAITED])
    assert meanwhile.narrative.text == "It began at c, with 4 signals."
    assert last.narrative is not None
    assert (last.narrative.text, troubles(last)) == ("It began at c, with 9 signals.", [])


def test_another_service_alone_is_no_news(lines: Lines) -> None:
    """A diagnosis that adds a service, and says else what the one before said, keeps its narrative."""
    line = narrated(lines, *signals("c", 8), firing("b", 0))
    line.tell(firing("a", 9), at=10)
    line.wait(300)
    before, after = line.shown()

    assert line.teller is not None
    assert (len(line.teller.asked), line.teller.skips) == (1, {"unchanged": 1})
    assert (after.reason, after.alert_count) == (NEW_SERVICE, 10)
    assert before.narrative is not None
    assert after.narrative is not None
    assert (after.narrative.text, troubles(after)) == (before.narrative.text, [])


def test_a_lone_signal_is_put_into_words_when_it_gets_company(lines: Lines) -> None:
    """One signal says it all itself: nobody is asked, nothing is awaited. A second one makes it a story."""
    line = lines(Teller(words))
    line.tell(firing("a", 0), at=1)
    line.wait(60)
    assert line.teller is not None
    alone = (methods(line), len(line.teller.asked), dict(line.teller.skips))
    line.tell(firing("b", 61), at=62)
    joined = methods(line)
    line.wait(62 + SETTLE - 0.001)
    assert line.teller.asked == []
    line.begun(62 + SETTLE, calls=1)
    line.worded(70)

    assert alone == ([SKIPPED], 0, {"lone_signal": 1})
    assert (joined, methods(line)) == ([SKIPPED, PENDING], [SKIPPED, WITH_LLM])


def test_words_are_awaited_no_more_where_one_signal_is_left(lines: Lines) -> None:
    """When a person takes the other one out, neither of them is worth a call."""
    line = lines(Teller(words))
    line.tell(firing("a", 0), firing("b", 0), at=1)
    kept = split(line, "a", at=3)
    line.wait(60)

    assert line.teller is not None
    assert [shown.root_cause.method for shown in line.shown(kept)] == [SKIPPED, SKIPPED]
    assert (methods(line), line.teller.asked) == ([SKIPPED] * 3, [])
    assert line.teller.skips == {"lone_signal": 2}


@pytest.mark.parametrize(("out", "method"), [("a", WITH_LLM), ("b", SKIPPED)])
def test_the_signal_that_is_left_keeps_words_about_it(lines: Lines, out: str, method: str) -> None:
    """They stay, without a call, where they name the service that is left, and go where they name another."""
    line = narrated(lines, firing("a", 0), firing("b", 0))
    kept = split(line, out, at=10)
    line.wait(300)
    before, after = line.shown(kept)

    assert line.teller is not None
    assert (before.root_cause.service, len(line.teller.asked)) == ("b", 1)
    assert (after.reason, after.root_cause.method, troubles(after)) == (FEWER, method, [])
    assert (after.narrative is not None) == (method == WITH_LLM)


def test_a_document_that_awaited_newer_words_in_vain_keeps_the_older_ones(lines: Lines) -> None:
    """It no longer says that it waits once a newer diagnosis does."""
    line = narrated(lines, firing("b", 0), firing("c", 0))
    line.tell(*signals("c", 2, at=9), at=10)
    line.tell(firing("a", 11), at=11)

    assert [troubles(shown) for shown in line.shown()] == [[], [], [AWAITED]]
    assert methods(line) == [WITH_LLM] * 3


@pytest.mark.parametrize("restarts", [False, True])
def test_a_warning_about_words_goes_where_they_go(lines: Lines, restarts: bool) -> None:  # noqa: FBT001 - a table
    """What makes a narrative suspicious is said wherever it is shown, also after a restart."""
    line = narrated(lines, *signals("b", 8), firing("a", 0), teller=Teller(suspicious))
    if restarts:
        line.restart()
    line.tell(firing("a", 0, severity=Severity.CRITICAL), at=100)

    assert [troubles(shown) for shown in line.shown()] == [["alert text looks like instructions"]] * 2


def test_words_about_another_cause_are_let_go(lines: Lines) -> None:
    """When the graph names another service, the narrative is not shown until there is a new one."""
    line = narrated(lines, firing("a", 0), firing("a", 0, metric="errors"))
    line.tell(firing("c", 1), firing("c", 1, metric="cpu"), firing("b", 1), at=20)

    _, last = line.shown()
    assert (last.root_cause.service, last.root_cause.method, last.narrative) == ("c", PENDING, None)


def test_an_incident_that_is_over_gets_no_call(lines: Lines) -> None:
    """What waited for words waits no more."""
    teller = Teller(words)
    line = lines(teller)
    line.tell(*signals("a", 2), at=1)
    line.tell(*ends("a", 2, 3), at=3)
    line.wait(60)

    assert (methods(line), teller.asked, teller.skips) == ([SKIPPED], [], {"resolved": 1})


def test_a_call_under_way_is_of_use_when_it_is_over(lines: Lines) -> None:
    """It is paid for: an incident that ends meanwhile gets its narrative."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("a", 2), at=1)
    line.begun(7, calls=1)
    line.tell(*ends("a", 2, 8), at=8)
    teller.asked[0].answer(words)
    line.worded(9)

    assert methods(line) == [WITH_LLM]


def test_an_incident_that_is_reopened_is_asked_about_after_all(lines: Lines) -> None:
    """One of its signals fires again: there is no new diagnosis, but the one there is gets its words."""
    line = lines(Teller(words))
    line.tell(*signals("a", 2), at=1)
    line.tell(*ends("a", 2, 3), at=3)
    over = methods(line)
    line.tell(firing("a", 4, metric="m0"), at=4)
    open_again = methods(line)
    line.begun(1 + SETTLE, calls=1)
    line.worded(7)

    assert (over, open_again, methods(line)) == ([SKIPPED], [PENDING], [WITH_LLM])


def test_what_is_reopened_with_more_is_written_once(lines: Lines) -> None:
    """A record that is replaced twice within one step is given once, before the newer one."""
    line = lines(Teller(words))
    line.tell(*signals("b", 2), at=1)
    line.tell(*ends("b", 2, 3), at=3)
    made = line.tell(firing("b", 4, metric="m0"), firing("a", 4), at=4)

    assert [record.number for record in made.diagnoses] == [1, 2]
    assert methods(line) == [SKIPPED, PENDING]


def test_one_that_has_its_words_needs_no_others_when_it_is_reopened(lines: Lines) -> None:
    """A flapping signal costs one call."""
    line = narrated(lines, *signals("a", 2))
    for at in (20, 40, 60):
        line.tell(*ends("a", 2, at - 5, began=at - 20), at=at - 5)
        line.tell(*signals("a", 2, at=at), at=at)
    line.wait(300)

    assert line.teller is not None
    assert (methods(line), len(line.teller.asked)) == ([WITH_LLM], 1)


def test_the_end_keeps_the_narrative(lines: Lines) -> None:
    """The last diagnosis of an incident carries the words of the one before, without a call."""
    line = narrated(lines, *signals("a", 9))
    line.tell(firing("a", 2, metric="x"), at=10)
    line.tell(*ends("a", 9, 60), resolved("a", 2, 60, metric="x"), at=60)
    line.wait(300)

    assert line.teller is not None
    assert (methods(line), len(line.teller.asked)) == ([WITH_LLM, WITH_LLM], 1)


def test_a_merged_incident_is_asked_about_no_more(lines: Lines) -> None:
    """The call about it is cancelled, its document says so, and the one that stays is asked about."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("a", 2), *signals("e", 2, at=0.5), at=1)
    kept, gone = (record.id for record in line.stream.standing())
    line.begun(7, calls=2)
    line.tell(firing("c", 8), at=9)
    (last,) = line.shown(gone)
    about_gone = next(asked for asked in teller.asked if asked.diagnosis.cluster.services == ("e",))

    assert line.stream.shelf.incidents[gone].merged_into == kept
    assert last.root_cause.method == SKIPPED
    assert [shown.root_cause.method for shown in line.shown(kept)] == [SKIPPED, PENDING]
    eventually(lambda: about_gone.cancelled)


def test_an_answer_that_comes_late_serves_the_newer_diagnosis(lines: Lines) -> None:
    """It never replaces it; where it brought no news since, nobody is asked again."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("b", 8), firing("a", 0), at=1)
    line.begun(7, calls=1)
    line.tell(firing("a", 0, severity=Severity.CRITICAL), at=8)
    teller.asked[0].answer(words)
    made = line.worded(9)
    line.wait(300)

    assert [(record.number) for record in made.diagnoses] == [2]
    assert (methods(line), len(teller.asked)) == ([SKIPPED, WITH_LLM], 1)
    assert troubles(line.shown()[1]) == []


def test_an_answer_that_comes_late_is_shown_until_there_is_another(lines: Lines) -> None:
    """A newer diagnosis that does bring news shows it meanwhile, and is asked about after the quiet time."""
    teller = Teller()
    line = lines(teller)
    line.tell(firing("a", 0), firing("b", 0), at=1)
    line.begun(7, calls=1)
    line.tell(*signals("b", 2, at=8), at=9)
    teller.asked[0].answer(words)
    line.worded(10)
    *_, meanwhile = line.shown()
    line.begun(7 + QUIET, calls=2)
    teller.asked[1].answer(words)
    line.worded(70)
    *_, last = line.shown()

    assert (methods(line), troubles(meanwhile), troubles(last)) == ([SKIPPED, WITH_LLM], [AWAITED], [])
    assert last.narrative is not None
    assert last.narrative.text == "It began at b, with 4 signals."


@pytest.mark.parametrize(("out", "method"), [("a", WITH_LLM), ("b", SKIPPED)])
def test_an_answer_that_comes_late_serves_the_signal_that_is_left(
    lines: Lines, out: str, method: str
) -> None:
    """Nobody is asked about that one, and there may be no other diagnosis; words about another cause go."""
    teller = Teller()
    line = lines(teller)
    line.tell(firing("a", 0), firing("b", 0), at=1)
    line.begun(1 + SETTLE, calls=1)
    kept = split(line, out, at=8)
    teller.asked[0].answer(words)
    line.worded(9)
    line.wait(300)

    assert [shown.root_cause.method for shown in line.shown(kept)] == [SKIPPED, method]
    assert (len(teller.asked), teller.skips) == (1, {"lone_signal": 2})


def test_an_answer_that_comes_late_serves_the_last_diagnosis(lines: Lines) -> None:
    """An incident that is over has no other; when it is reopened it needs no other words."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("a", 9), at=1)
    line.begun(1 + SETTLE, calls=1)
    line.tell(firing("a", 7, metric="x"), *ends("a", 9, 8), resolved("a", 7, 8, metric="x"), at=8)
    teller.asked[0].answer(words)
    line.worded(9)
    over = methods(line)
    line.tell(firing("a", 10, metric="x"), at=10)
    line.wait(300)

    assert (over, methods(line)) == ([SKIPPED, WITH_LLM], [SKIPPED, WITH_LLM])
    assert [troubles(shown) for shown in line.shown()] == [[], []]
    assert not line.diagnosing.has_work(T0 + 600_000)


def test_a_failure_leaves_the_answer_of_the_graph(lines: Lines) -> None:
    """The document says that it failed, and why."""
    line = narrated(lines, *signals("a", 2), teller=Teller(nothing))

    (shown,) = line.shown()
    assert (shown.root_cause.service, shown.root_cause.method) == ("a", FAILED)
    assert (shown.narrative, troubles(shown)) == (None, ["timeout: no answer"])


def test_a_failure_takes_no_words_away(lines: Lines) -> None:
    """What was said of the same cause before stays, beside why there is nothing newer."""
    teller = Teller()
    line = lines(teller)
    line.tell(firing("a", 0), firing("b", 0), at=1)
    line.begun(7, calls=1)
    teller.asked[0].answer(words)
    line.worded(8)
    line.tell(*signals("b", 2, at=9), at=10)
    line.begun(7 + QUIET, calls=2)
    teller.asked[1].answer(nothing)
    line.worded(70)
    *_, last = line.shown()

    assert last.narrative is not None
    assert (last.narrative.text, troubles(last)) == ("It began at b, with 2 signals.", ["timeout: no answer"])


def test_a_fault_of_the_narrator_stops_nothing(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    """The graph's answer stands; the fault is logged, and its text, which may hold anything, is not."""
    line = narrated(lines, *signals("a", 2), teller=Teller(fault))

    (shown,) = line.shown()
    assert (shown.root_cause.method, troubles(shown)) == (
        FAILED,
        ["client_error: a fault of the service; see its log"],
    )
    (entry,) = (entry for entry in caplog.records if entry.levelname == "ERROR")
    assert entry.__dict__["event"]["reason"] == "LookupError"
    assert "the whole prompt" not in caplog.text


def test_switched_off_means_no_words_at_all(lines: Lines) -> None:
    """What waits for them ends at once, and new diagnoses do not show the old ones either."""
    line = narrated(lines, firing("a", 0), firing("b", 0))
    line.tell(*signals("b", 2, at=9), at=10)
    assert line.teller is not None
    line.teller.reason = "flag_off"
    assert line.diagnosing.has_work(T0 + 11_000)
    line.wait(11)
    line.tell(firing("c", 12), at=13)

    assert methods(line) == [WITH_LLM, OFF, OFF]
    assert [shown.narrative is None for shown in line.shown()] == [False, True, True]


def test_switching_off_ends_what_is_under_way(lines: Lines) -> None:
    """The next step cancels the calls, and shows no words of an answer that has come meanwhile."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("a", 2), *signals("h", 2), at=1)
    line.begun(1 + SETTLE, calls=2)
    assert not line.diagnosing.has_work(T0 + 7_000)
    teller.asked[0].answer(words)
    teller.reason = "flag_off"
    assert line.diagnosing.has_work(T0 + 7_000)
    line.wait(7)
    eventually(lambda: teller.asked[1].cancelled)
    line.wait(300)

    assert methods(line) == [OFF, OFF]
    assert [shown.narrative for shown in line.shown()] == [None, None]
    assert (len(teller.asked), teller.skips, teller.failures) == (2, {"flag_off": 2}, {})


def test_switching_off_ends_a_call_that_a_newer_diagnosis_hoped_for(lines: Lines) -> None:
    """The older document stays as it ended; the newer one says that the switch is off."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("b", 2), at=1)
    line.begun(1 + SETTLE, calls=1)
    line.tell(firing("a", 8), at=8)
    teller.reason = "flag_off"
    line.wait(9)
    eventually(lambda: teller.asked[0].cancelled)

    assert methods(line) == [SKIPPED, OFF]


def test_a_bounded_number_is_under_way(lines: Lines) -> None:
    """Of many incidents at once the oldest come first; a place that is free is filled."""
    teller = Teller()
    line = lines(teller, at_once=1)
    line.tell(*signals("a", 2), *signals("h", 2), at=1)
    line.begun(7, calls=1)
    line.wait(8)
    assert len(teller.asked) == 1
    teller.asked[0].answer(words)
    line.worded(9)
    line.begun(9, calls=2)

    assert sorted(asked.diagnosis.cluster.services[0] for asked in teller.asked) == ["a", "h"]
    assert sorted(methods(line)) == [WITH_LLM, PENDING]


def test_a_clock_that_is_put_back_makes_nobody_wait(lines: Lines) -> None:
    """An hour earlier is not an hour longer."""
    teller = Teller(words)
    line = lines(teller)
    line.tell(*signals("a", 2), at=3600)
    line.begun(1, calls=1)

    assert len(teller.asked) == 1


def test_a_vote_that_moves_the_cause_is_told(lines: Lines) -> None:
    """The timeline and those who asked for it hear of it as of any other cause; the graph's order stays."""
    line = lines(Teller(vote_for("b")))
    line.tell(*NEAR_TIE, at=1)
    line.begun(1 + SETTLE, calls=1)
    told = line.worded(7)
    (shown,) = line.shown()

    assert [candidate.service for candidate in shown.root_cause.candidates][:2] == ["a", "b"]
    assert (shown.root_cause.service, shown.root_cause.verdict) == ("b", "probable")
    assert [record.root_cause for record in line.all] == ["a", "b"]
    assert [happening.kind for happening in told.happenings] == [DIAGNOSED]
    assert told.happenings[0].text.startswith("the root cause is now b: probable, ")
    assert "a language model's vote" in told.happenings[0].text
    assert [(notice.occasion, notice.at) for notice in told.notices] == [(ROOT_CAUSE, T0 + 7000)]


def test_a_vote_counts_until_the_graph_is_sure(lines: Lines) -> None:
    """A new diagnosis does not move the cause back and forth; one that leaves no tie does."""
    line = narrated(lines, *NEAR_TIE, teller=Teller(vote_for("b")))
    worse = (firing(service, 0, severity=Severity.CRITICAL) for service in "ab")
    made = line.tell(*worse, at=10)
    _, tied = line.shown()
    line.tell(*signals("a", 6, at=11), at=12)
    *_, sure = line.shown()

    assert (tied.root_cause.service, tied.root_cause.method) == ("b", WITH_LLM)
    assert (made.happenings, made.notices) == ((), ())
    assert tied.narrative is not None
    assert tied.narrative.vote is not None
    assert tied.narrative.vote.moved
    assert (sure.root_cause.service, sure.root_cause.method, sure.narrative) == ("a", PENDING, None)


@pytest.mark.parametrize("off", [True, False])
def test_a_cause_that_moves_back_is_told_for_what_it_is(lines: Lines, off: bool) -> None:  # noqa: FBT001 - a table
    """Not as a vote: newer words came without one, or the model was switched off while they were awaited."""
    teller = Teller()
    line = lines(teller)
    line.tell(*NEAR_TIE, at=1)
    line.begun(1 + SETTLE, calls=1)
    teller.asked[0].answer(vote_for("b"))
    line.worded(7)
    line.tell(*(firing(service, 8, metric=metric) for service in "ab" for metric in ("x", "y")), at=9)
    before = line.shown()[-1].root_cause.service
    if off:
        teller.reason = "flag_off"
        told = line.wait(10)
    else:
        line.begun(1 + SETTLE + QUIET, calls=2)
        teller.asked[1].answer(words)
        told = line.worded(70)

    assert (before, line.shown()[-1].root_cause.service) == ("b", "a")
    (happening,) = told.happenings
    assert happening.text.endswith(f"({SWITCHED_OFF if off else UNVOTED})")
    assert happening.text.startswith("the root cause is now a: ")


def test_a_vote_that_the_graph_comes_round_to_is_no_longer_needed(lines: Lines) -> None:
    """The words stay, and say that the vote moved nothing."""
    line = narrated(lines, *NEAR_TIE, teller=Teller(vote_for("b")))
    line.tell(*signals("b", 6, at=11), at=12)
    *_, last = line.shown()

    assert last.root_cause.candidates[0].service == last.root_cause.service == "b"
    assert last.narrative is not None
    assert last.narrative.vote is not None
    assert (last.narrative.vote.moved, last.narrative.vote.weight) == (False, 0.0)


def test_words_that_were_awaited_are_awaited_after_a_restart(lines: Lines) -> None:
    """The diagnosis is made once more under its number, and put into words."""
    teller = Teller()
    line = lines(teller)
    line.tell(firing("a", 0), firing("b", 0), at=1)
    line.begun(7, calls=1)
    line.restart()
    line.wait(10)
    line.begun(10 + SETTLE, calls=2)
    teller.asked[1].answer(words)
    made = line.worded(20)

    assert teller.asked[0].cancelled
    assert [(record.number, record.reason) for record in made.diagnoses] == [(1, "first alerts")]
    assert (methods(line), made.happenings) == ([WITH_LLM], ())


def test_what_changed_before_a_restart_takes_the_words(lines: Lines) -> None:
    """The document that waited for them ends, the next number is put into words."""
    line = lines(Teller(words))
    line.tell(firing("a", 0), firing("b", 0), at=1)
    line.stream.tell(firing("c", 3), at=4)
    line.restart()
    line.wait(5)
    line.begun(5 + SETTLE, calls=1)
    line.worded(11)

    assert methods(line) == [SKIPPED, WITH_LLM]


def test_a_narrative_outlives_a_restart(lines: Lines) -> None:
    """It is read back from the document: vote, usage and all, and carried as before."""
    line = narrated(lines, *signals("b", 8), firing("a", 0), teller=Teller(vote_for("b")))
    line.restart()
    line.tell(firing("a", 0, severity=Severity.CRITICAL), at=100)
    before, after = line.shown()

    assert line.teller is not None
    assert len(line.teller.asked) == 1
    assert before.narrative is not None
    assert after.narrative is not None
    for name in ("text", "proposals", "first_actions", "prompt_id", "schema_id", "model", "usage"):
        assert getattr(after.narrative, name) == getattr(before.narrative, name)
    assert after.narrative.vote is not None
    assert after.narrative.vote.service == "b"
    assert after.narrative.first_actions != []


def test_a_vote_is_no_news_after_a_restart(lines: Lines) -> None:
    """The verdict that it led to is not taken for the graph's own, so nobody is asked for that again."""
    tied = (*NEAR_TIE, *signals("a", 1), *signals("c", 2))
    line = narrated(lines, *tied, teller=Teller(vote_for("c")))
    line.restart()
    line.tell(tied[0]._replace(severity=Severity.CRITICAL), at=10)
    line.wait(300)

    assert line.teller is not None
    assert [(record.root_cause, record.verdict) for record in line.all] == [
        ("a", "probable"),
        *[("c", "inconclusive")] * 2,
    ]
    assert (methods(line), line.teller.skips) == ([WITH_LLM, WITH_LLM], {"unchanged": 1})


def test_what_waits_beside_old_words_is_asked_for_after_a_restart(lines: Lines) -> None:
    """An earlier narrative does not hide that a newer one was awaited."""
    line = narrated(lines, firing("a", 0), firing("b", 0))
    line.tell(*signals("b", 2, at=9), at=10)
    line.restart()
    line.wait(11)
    line.begun(10 + SETTLE + QUIET, calls=2)
    line.worded(80)
    *_, last = line.shown()

    assert (methods(line), troubles(last)) == ([WITH_LLM, WITH_LLM], [])
    assert last.narrative is not None
    assert last.narrative.text == "It began at b, with 4 signals."


def test_a_document_of_another_shape_is_left_alone(lines: Lines) -> None:
    """What cannot be read any more is neither carried nor awaited."""
    line = lines(Teller(words))
    line.tell(*signals("a", 2), at=1)
    line.kept = {key: record._replace(document=b'{"old": 1}') for key, record in line.kept.items()}
    line.restart()

    assert line.wait(60).diagnoses == ()


def test_nothing_is_left_of_what_is_over(lines: Lines) -> None:
    """An incident that is put away is forgotten, and closing ends the thread."""
    line = narrated(lines, *signals("a", 2))
    line.tell(*ends("a", 2, 60), at=60)
    line.wait(86_400)
    narrating = line.narrating
    assert narrating is not None
    left = (narrating._shown._told, narrating._called_at, narrating._waiting, narrating._calls)
    line.close()

    assert left == ({}, {}, {}, {})
    assert "narrating" not in {thread.name for thread in threading.enumerate()}


def test_the_narrator_has_the_last_word_on_its_thread() -> None:
    """When the thread is closed everything is cancelled; then the narrator closes what it opened."""
    said: list[str] = []

    async def hang() -> None:
        try:
            said.append("begun")
            await asyncio.sleep(60)
        finally:
            said.append("cancelled")

    async def closing() -> None:
        said.append("closed")

    calls = Calls(closing)
    calls.begin(hang())
    eventually(lambda: said)
    calls.close()

    assert said == ["begun", "cancelled", "closed"]


def test_letting_go_cancels_what_is_under_way(lines: Lines) -> None:
    """Another process takes over: it will ask itself."""
    teller = Teller()
    line = lines(teller)
    line.tell(*signals("a", 2), at=1)
    line.begun(7, calls=1)
    line.diagnosing.let_go()
    line.close()

    assert teller.asked[0].cancelled
    assert not line.diagnosing.has_work(T0 + 60_000)
