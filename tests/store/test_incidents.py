"""One step's changes: stored with the offset or not at all, and given back as they were."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiops_rca.adapters.store import rows
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.errors import LeaseLostError
from aiops_rca.live.records import (
    MERGED,
    RESOLVED,
    AlertRecord,
    Changes,
    Feedback,
    IncidentRecord,
    Mark,
    Stored,
    Unmapped,
    Window,
)
from aiops_rca.live.rows import Standing, Wanted
from stored import (
    HOLDER,
    T0,
    TTL_MS,
    Database,
    alert,
    apply,
    diagnosis,
    happening,
    incident,
)

_WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_TIMES = st.integers(0, 2**53)
_NUMBERS = st.floats(allow_nan=False)
_FINITE = st.floats(allow_nan=False, allow_infinity=False)  # labels come as JSON, which knows no other
_LABELS = st.dictionaries(_WORDS, st.none() | st.booleans() | st.integers(-(2**63), 2**63) | _WORDS | _FINITE)
_ALERTS = st.builds(
    alert,
    st.integers(0, 5),
    severity=st.sampled_from(Severity),
    starts_at=_TIMES,
    ends_at=st.none() | _TIMES,
    value=st.none() | _NUMBERS,
    labels=_LABELS,
    flags=st.lists(_WORDS, max_size=3).map(tuple),
    summary=_WORDS,
    service=_WORDS,
    live=st.booleans(),
)
_INCIDENTS = st.builds(
    incident,
    st.integers(1, 5),
    services=st.lists(_WORDS, max_size=3, unique=True).map(tuple),
    merged_into=st.none(),
    acknowledged_at=st.none() | _TIMES,
    acknowledged_by=_WORDS,
    max_severity=st.sampled_from(Severity),
    partial=st.booleans(),
    by_hand=st.booleans(),
)
_STEPS = st.lists(st.tuples(st.lists(_ALERTS, max_size=6), st.lists(_INCIDENTS, max_size=5)), max_size=4)
_WINDOW = Window("w1", ("cart", "*"), T0, T0 + 5, "ann", "upgrade")
_MARK = Mark("f1", T0, T0 - 5, T0 + 1, "resolved")


def test_an_empty_store_is_where_the_journal_begins(database: Database) -> None:
    """Nothing is stored and nothing folded."""
    assert database.store.load() == Stored(seq=0)


def test_every_kind_of_record_is_given_back(database: Database) -> None:
    """What was applied is what is loaded, value for value."""
    changes = Changes(
        alerts=(alert(1), alert(2, ends_at=T0 + 9, ended="resolved", value=None, labels={}, flags=())),
        incidents=(incident(1), incident(2, split_from="inc-1", acknowledged_at=T0, acknowledged_by="ann")),
        marks=(_MARK, _MARK._replace(starts_at=None)),
        windows=(_WINDOW,),
    )
    apply(database.store, changes, [diagnosis(1), diagnosis(2)], upto=17)
    stored = database.store.load()

    assert stored == Stored(
        seq=17,
        alerts=changes.alerts,
        incidents=changes.incidents,
        marks=tuple(sorted(changes.marks, key=lambda mark: mark.starts_at or -1)),
        windows=changes.windows,
        diagnosed={"inc-1": diagnosis(2)},
    )
    assert [type(value) for value in stored.alerts[0]] == [type(value) for value in changes.alerts[0]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_any_steps_end_in_the_last_record_of_each_id(
    sqlite: Database, steps: list[tuple[list[AlertRecord], list[IncidentRecord]]]
) -> None:
    """Whatever texts, labels and numbers the records hold, later ones replace earlier ones."""
    alerts: dict[str, AlertRecord] = {one.id: one._replace(live=False) for one in map(alert, range(6))}
    incidents: dict[str, IncidentRecord] = {}
    apply(sqlite.store, Changes(alerts=tuple(alerts.values())))
    for told, opened in steps:
        step_alerts, step_incidents = {a.id: a for a in told}, {i.id: i for i in opened}
        alerts |= step_alerts
        incidents |= step_incidents
        changes = Changes(alerts=tuple(step_alerts.values()), incidents=tuple(step_incidents.values()))
        apply(sqlite.store, changes)
    stored = sqlite.store.load()

    assert {one.id: one for one in stored.alerts} == {a.id: a for a in alerts.values() if a.live}
    assert {id: one for one in stored.incidents if (id := one.id) in incidents} == incidents


@given(record=_ALERTS)
def test_an_alert_is_the_same_after_being_a_row(record: AlertRecord) -> None:
    """Writing and reading a row are each other's inverse."""
    assert rows.alert_of(rows.alert_row(record)) == record


def test_records_that_are_over_are_not_loaded(database: Database) -> None:
    """They stay to be read, but a fold goes on without them."""
    apply(database.store, Changes(alerts=(alert(1), alert(2)), incidents=(incident(1), incident(2))))
    over = incident(1, live=False, status=RESOLVED)
    apply(database.store, Changes(alerts=(alert(2, incident="inc-2", live=False),), incidents=(over,)))
    stored = database.store.load()

    assert (stored.alerts, stored.incidents) == ((), (incident(2),))
    assert [row.record for row in database.store.incidents(Wanted(), limit=9)] == [incident(2), over]


def test_an_incident_that_is_over_takes_its_alerts_along(database: Database) -> None:
    """The fold need not send a thousand alerts again only to say that they are done."""
    alerts = (alert(1), alert(2), alert(3, incident="inc-2"))
    apply(database.store, Changes(alerts=alerts, incidents=(incident(1), incident(2))))
    apply(database.store, Changes(incidents=(incident(1, live=False),)))

    assert database.store.load().alerts == (alert(3, incident="inc-2"),)


def test_a_merge_moves_all_alerts(database: Database) -> None:
    """The survivor owns them from then on, also after a restart, and they stay alive."""
    apply(
        database.store,
        Changes(alerts=tuple(alert(n) for n in range(4)), incidents=(incident(1), incident(2))),
    )
    gone = incident(1, status=MERGED, merged_into="inc-2", live=False)
    apply(database.store, Changes(incidents=(gone, incident(2, alert_count=4))))

    assert [a.incident for a in database.store.load().alerts] == ["inc-2"] * 4
    assert [a.order for a in database.store.alerts("inc-2", limit=9)] == [0, 1, 2, 3]
    assert database.store.alerts("inc-1", limit=9) == []


def test_merges_of_one_step_are_followed_to_the_end(database: Database) -> None:
    """One into two and two into three leave everything with three, in whatever order they are told."""
    alerts = (alert(1), alert(2, incident="inc-2"))
    apply(database.store, Changes(alerts=alerts, incidents=(incident(1), incident(2), incident(3))))
    first = incident(1, status=MERGED, merged_into="inc-2", live=False)
    second = incident(2, status=MERGED, merged_into="inc-3", live=False)
    apply(database.store, Changes(alerts=(alert(9),), incidents=(second, first)))

    assert [a.incident for a in database.store.load().alerts] == ["inc-3"] * 3


def test_marks_and_windows_are_dropped(database: Database) -> None:
    """What the fold no longer needs is gone, what it added and dropped in one step as well."""
    other = _MARK._replace(fingerprint="f2", starts_at=None)
    windows = (_WINDOW, _WINDOW._replace(id="w2"))
    apply(database.store, Changes(marks=(_MARK, other), marks_dropped=(other,), windows=windows))
    apply(database.store, Changes(marks_dropped=(_MARK,), windows_dropped=("w1",)))
    stored = database.store.load()

    assert (stored.marks, stored.windows) == ((), (windows[1],))


def test_a_mark_that_was_replaced_is_not_dropped(database: Database) -> None:
    """A mark is dropped as it was: the newer one in its place stays."""
    newer = _MARK._replace(received_at=T0 + 99)
    apply(database.store, Changes(marks=(_MARK,)))
    apply(database.store, Changes(marks=(newer,), marks_dropped=(_MARK,)))

    assert database.store.load().marks == (newer,)


def test_known_alerts_are_found(database: Database) -> None:
    """Of many ids, those that are stored, live or not."""
    apply(database.store, Changes(alerts=(alert(1), alert(2, live=False))))
    asked = [f"a{n:06}" for n in range(2500)]

    assert database.store.known_alerts(asked) == {"a000001", "a000002"}
    assert database.store.known_alerts([]) == set()


def test_counts_add_up(database: Database) -> None:
    """Events and repetitions grow with each step, unmapped names by source and service."""
    first = Unmapped("grafana", "crat", 2, T0 + 5, {"app": "crat"})
    second = Unmapped("grafana", "crat", 3, T0 + 4, {"app": "crat", "pod": "x"})
    apply(database.store, Changes(events=10, repeated=4, unmapped=(first,)))
    apply(database.store, Changes(events=1, repeated=1, unmapped=(second,)))

    assert database.store.standing()[5:7] == (11, 5)
    assert database.store.unmapped(9) == [Unmapped("grafana", "crat", 5, T0 + 5, second.labels)]


def test_feedback_is_kept(database: Database) -> None:
    """What a person said, with author and time."""
    said = Feedback("fb1", "inc-1", T0, "ann", "redis", "restarted", None, "")
    apply(database.store, Changes(feedback=(said, said._replace(id="fb2", wrong=True))))

    assert database.store.feedback(9) == [said, said._replace(id="fb2", wrong=True)]


def test_a_step_from_another_place_is_refused(database: Database) -> None:
    """A step made for an offset that has moved since stores nothing."""
    apply(database.store, Changes(), upto=5)
    with pytest.raises(LeaseLostError, match="folded up to 5, not 0"):
        apply(database.store, Changes(alerts=(alert(1),), events=1), after=0)

    assert database.store.load() == Stored(seq=5)
    assert database.store.standing().events == 0


def test_a_step_without_the_lease_is_refused(database: Database) -> None:
    """Only the holder stores."""
    with pytest.raises(LeaseLostError, match="no longer held by somebody"):
        apply(database.store, Changes(alerts=(alert(1),)), holder="somebody")

    assert database.store.load() == Stored(seq=0)


def test_a_step_that_cannot_be_written_leaves_no_trace(database: Database) -> None:
    """A record in the middle that no database can take undoes what was written before it."""
    broken = diagnosis()._replace(root_cause=object())  # type: ignore[arg-type]
    with pytest.raises(Exception, match="object"):
        apply(database.store, Changes(alerts=(alert(1),), incidents=(incident(1),), events=7), [broken])

    assert database.store.load() == Stored(seq=0)
    assert database.store.standing() == Standing(holder=HOLDER, lease_until=T0 + TTL_MS)


def test_an_empty_step_moves_the_offset_and_the_lease(database: Database) -> None:
    """Time passes too: nothing changed is stored like anything else."""
    revision = apply(database.store, Changes(), upto=3, now=T0 + 500)

    assert database.store.standing() == Standing(
        seq=3, now=T0 + 500, holder=HOLDER, lease_until=T0 + 500 + TTL_MS, revision=revision
    )


def test_every_changed_incident_gets_a_revision_of_its_own(database: Database) -> None:
    """Changes and diagnoses count on; who asks from any revision on gets what came after it, in order."""
    first = apply(database.store, Changes(incidents=(incident(1), incident(2), incident(3))))
    second = apply(database.store, Changes(incidents=(incident(2, changes=2),)), [diagnosis(of="inc-1")])
    changed = database.store.changed(first - 1, 9)

    assert (first, second) == (3, 5)
    assert [(row.record.id, row.revision) for row in changed] == [("inc-3", 3), ("inc-2", 4), ("inc-1", 5)]
    assert [row.record.id for row in database.store.changed(3, 1)] == ["inc-2"]


def test_the_last_diagnosis_comes_with_its_incident(database: Database) -> None:
    """Older ones are kept; a change of the incident does not lose the last one."""
    apply(database.store, Changes(incidents=(incident(1),)), [diagnosis(1, root_cause="cart")])
    apply(database.store, Changes(), [diagnosis(2)])
    apply(database.store, Changes(incidents=(incident(1, changes=9),)))
    found = database.store.incident("inc-1")

    assert found is not None
    assert (found.record.changes, found.diagnosis) == (9, diagnosis(2))
    assert database.store.diagnoses("inc-1") == [diagnosis(1, root_cause="cart"), diagnosis(2)]


def test_a_diagnosis_may_be_replaced_under_its_number(database: Database) -> None:
    """As when it is put into words later: the incident gets a new revision, perhaps another root cause."""
    apply(database.store, Changes(incidents=(incident(1),)), [diagnosis(1, root_cause="cart")])
    worded = diagnosis(1, root_cause="redis")._replace(document=b'{"number": 1, "narrative": {}}')
    revision = apply(database.store, Changes(), [worded])
    (found,) = database.store.changed(revision - 1, 9)

    assert (found.revision, found.diagnosis) == (revision, worded)
    assert database.store.diagnoses("inc-1") == [worded]
    wanted = Wanted(root_cause="redis")
    assert [row.record.id for row in database.store.incidents(wanted, before=None, limit=9)] == ["inc-1"]


def test_an_older_diagnosis_that_is_replaced_in_the_same_step_stays_the_older_one(database: Database) -> None:
    """The one that comes last in the step is the one that counts."""
    apply(database.store, Changes(incidents=(incident(1),)), [diagnosis(1)])
    ended = diagnosis(1)._replace(document=b"{}")
    apply(database.store, Changes(), [ended, diagnosis(2, root_cause="cart")])
    found = database.store.incident("inc-1")

    assert found is not None
    assert found.diagnosis == diagnosis(2, root_cause="cart")
    assert database.store.diagnoses("inc-1") == [ended, diagnosis(2, root_cause="cart")]


def test_text_with_the_character_zero_does_not_stop_the_correlator(database: Database) -> None:
    """PostgreSQL has no such character: a hostile alert is stored with another one in its place."""
    hostile = alert(1, summary="a\0b", labels={"k": "v\0"})
    apply(
        database.store,
        Changes(alerts=(hostile,), incidents=(incident(1),), happenings=(happening("c\0d"),)),
        [diagnosis(root_cause="e\0f")],
    )
    (stored,) = database.store.load().alerts

    assert stored.summary in {"a\0b", "a\ufffdb"}
    assert stored._replace(summary="") == hostile._replace(summary="")
