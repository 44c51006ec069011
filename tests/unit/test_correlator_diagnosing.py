"""Which incidents are diagnosed when, and what is said of it; over real folds."""

from __future__ import annotations

from collections.abc import Sequence

from aiops_rca.correlator.diagnosing import FEWER, FIRST, GROWN, NEW_SERVICE, OVER, WORSE, Made
from aiops_rca.correlator.seen import DIAGNOSED, ROOT_CAUSE
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.command import SPLIT, Command
from aiops_rca.live.records import Stored
from diagnosed import Line, document
from stream import T0, firing, resolved

DAY = 86_400.0


def reasons(made: Made) -> Sequence[str]:
    """Why each diagnosis was made."""
    return [record.reason for record in made.diagnoses]


def test_an_incident_is_diagnosed_when_it_opens() -> None:
    """The first diagnosis names a root cause, holds the whole document and a line for the timeline."""
    made = Line().tell(firing("a", 0), firing("b", 1), at=2)

    (record,) = made.diagnoses
    shown = document(record)
    assert (record.number, record.reason, record.alert_count) == (1, FIRST, 2)
    assert shown.root_cause.service == record.root_cause
    assert shown.versions == {"graph": "chain"}
    assert [happening.kind for happening in made.happenings] == [DIAGNOSED]
    assert record.root_cause in made.happenings[0].text
    assert made.notices == ()
    assert (shown.root_cause.method, shown.narrative) == ("graph-only", None)


def test_the_same_alerts_told_again_are_not_diagnosed_again() -> None:
    """A repetition, and an end that changes nothing of what was seen, cost no diagnosis."""
    line = Line()
    line.tell(firing("a", 0), firing("b", 1), at=2)

    assert reasons(line.tell(firing("a", 0), at=60)) == []
    assert reasons(line.tell(resolved("a", 0, 70), resolved("b", 1, 70), at=70)) == []


def test_a_new_service_is_worth_a_diagnosis() -> None:
    """An alert of a service that was not in it yet."""
    line = Line()
    line.tell(*(firing("a", 0, metric=f"m{n}") for n in range(9)), at=1)

    assert reasons(line.tell(firing("b", 5), at=6)) == [NEW_SERVICE]


def test_growth_is_worth_a_diagnosis_from_a_quarter_on() -> None:
    """Nine signals may become eleven; the twelfth is a quarter more."""
    line = Line()
    line.tell(*(firing("a", 0, metric=f"m{n}") for n in range(9)), at=1)

    assert reasons(line.tell(firing("a", 2, metric="x"), firing("a", 2, metric="y"), at=3)) == []
    assert reasons(line.tell(firing("a", 4, metric="z"), at=5)) == [GROWN]


def test_a_higher_severity_is_worth_a_diagnosis() -> None:
    """What was an error becomes critical."""
    line = Line()
    line.tell(*(firing("a", 0, metric=f"m{n}") for n in range(9)), at=1)

    assert reasons(line.tell(firing("a", 0, metric="m0", severity=Severity.CRITICAL), at=2)) == [WORSE]


def test_alerts_taken_out_are_worth_a_diagnosis() -> None:
    """After a split both parts are diagnosed for what they are now."""
    line = Line()
    line.tell(firing("a", 0), firing("b", 1), firing("c", 2), at=3)
    (incident,) = line.stream.standing()
    out = next(row.id for row in line.stream.shelf.alerts.values() if row.service == "c")

    made = line.ask(Command("x", SPLIT, incident.id, "ana", alert_ids=(out,)), at=10)

    assert sorted(reasons(made)) == sorted([FEWER, FIRST])


def test_what_ends_is_diagnosed_with_all_it_had() -> None:
    """A signal too few to count as growth is in the last diagnosis."""
    line = Line()
    signals = [firing("a", 0, metric=f"m{n}") for n in range(9)]
    line.tell(*signals, at=1)
    line.tell(firing("a", 2, metric="x"), at=3)

    ends = [resolved("a", 0, 60, metric=f"m{n}") for n in range(9)]
    made = line.tell(*ends, resolved("a", 2, 60, metric="x"), at=60)

    assert reasons(made) == [OVER]
    assert made.diagnoses[0].alert_count == 10


def test_another_root_cause_is_told() -> None:
    """The timeline says it, and people who asked for it are notified."""
    line = Line()
    line.tell(firing("a", 0), firing("a", 0, metric="errors"), at=1)

    made = line.tell(firing("c", 1), firing("c", 1, metric="cpu"), firing("b", 1), at=3)

    assert [record.root_cause for record in line.all] == ["a", "c"]
    assert [happening.kind for happening in made.happenings] == [DIAGNOSED]
    assert [(notice.occasion, notice.at) for notice in made.notices] == [(ROOT_CAUSE, T0 + 3000)]


def test_there_is_only_so_much_time() -> None:
    """When the time is up the rest waits its turn; each step makes at least one."""
    line = Line(tick=1.0)
    far = [firing(service, 0) for service in ("a", "d", "g")]

    assert len(line.tell(*far, at=1, seconds=0.5).diagnoses) == 1
    assert line.diagnosing.waiting == 2
    assert len(line.wait(2, seconds=2.5).diagnoses) == 2
    assert line.diagnosing.waiting == 0


def test_new_incidents_come_before_old_ones() -> None:
    """An incident without any diagnosis does not wait behind one that only grew."""
    line = Line(tick=1.0)
    line.tell(firing("a", 0), at=1)
    line.stream.tell(firing("b", 2), at=3)
    line.diagnosing.note(line.stream.all[-1])

    assert reasons(line.tell(firing("h", 4), at=5, seconds=0.5)) == [FIRST]
    assert reasons(line.wait(6, seconds=0.5)) == [NEW_SERVICE]


def test_a_restart_makes_nothing_twice() -> None:
    """What is diagnosed stays so; what grew while nobody looked is diagnosed, with the next number."""
    line = Line()
    line.tell(firing("a", 0), firing("b", 1), at=2)
    line.restart()
    assert line.diagnosing.waiting == 0

    line.stream.tell(firing("c", 3), at=4)
    line.restart()
    made = line.wait(5)

    assert [(record.number, record.reason) for record in made.diagnoses] == [(2, GROWN)]


def test_a_merged_incident_is_diagnosed_no_more() -> None:
    """The alert that joins two is diagnosed in the one that stays."""
    line = Line()
    line.tell(firing("a", 0), firing("e", 0), at=1)
    kept, gone = (record.id for record in line.stream.standing())

    made = line.tell(firing("c", 2), at=3)

    assert line.stream.shelf.incidents[gone].merged_into == kept
    assert [record.incident for record in made.diagnoses] == [kept]


def test_what_came_and_went_in_one_step_is_diagnosed_too() -> None:
    """An incident that is put away before its turn is diagnosed from what is stored of it."""
    line = Line()
    bodies = [(1.0, [firing("a", 0), firing("b", 1)]), (60.0, [resolved("a", 0, 60), resolved("b", 1, 60)])]
    changes = line.stream.tell_all([*bodies, (DAY, [])])
    line.diagnosing.note(changes)
    assert line.diagnosing.make(line.stream.state, now=T0, seconds=1).diagnoses == ()
    line.diagnosing.stored(changes)

    (record,) = line.wait(DAY + 1).diagnoses

    assert (record.alert_count, record.reason) == (2, FIRST)
    assert line.diagnosing.waiting == 0


def test_nothing_is_left_behind() -> None:
    """An incident that was diagnosed and is put away is forgotten."""
    line = Line()
    line.tell(firing("a", 0), at=1)
    line.tell(resolved("a", 0, 60), at=60)
    line.wait(DAY)

    assert line.diagnosing._seen == {}
    line.diagnosing.resume(Stored(0))
    assert line.diagnosing.waiting == 0
