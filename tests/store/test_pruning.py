"""What is old goes, with all that hangs on it; what may still be asked for stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from aiops_rca.adapters.store import tables
from aiops_rca.live.records import MERGED, RESOLVED, Changes, Feedback, IncidentRecord, Notice, Unmapped
from aiops_rca.live.rows import Wanted
from stored import T0, Database, alert, apply, diagnosis, happening, incident

_HANGING = ("alerts", "incidents", "happenings", "diagnoses", "facets", "outbox")


def over(number: int, ended_at: int, **fields: Any) -> IncidentRecord:
    """An incident that ended."""
    given = {"status": RESOLVED, "resolved_at": ended_at, "updated_at": ended_at, "live": False}
    return incident(number, **(given | fields))


def left(database: Database) -> list[str]:
    """The ids of the incidents that are still there."""
    return sorted(row.record.id for row in database.store.incidents(Wanted(), limit=999))


def test_an_incident_goes_with_all_that_hangs_on_it(database: Database) -> None:
    """No row of any table is left of it; what a person said of it is."""
    changes = Changes(
        alerts=(alert(1),),
        incidents=(over(1, T0),),
        happenings=(happening(),),
        notices=(Notice("inc-1", "opened", T0),),
        feedback=(Feedback("fb1", "inc-1", T0, "ann", "redis", "", None, ""),),
    )
    apply(database.store, changes, [diagnosis()], targets=1)

    assert database.store.prune(T0 + 1) == 1
    with database.incidents_engine.connect() as connection:
        tables_left = {
            name: connection.execute(select(func.count()).select_from(tables.INCIDENTS.tables[name])).scalar()
            for name in _HANGING
        }
    assert tables_left == dict.fromkeys(_HANGING, 0)
    assert len(database.store.feedback(9)) == 1


def test_only_what_is_over_and_old_goes(database: Database) -> None:
    """Open ones stay however old they are, and resolved ones that the fold may still reopen."""
    kept = (incident(1), over(2, T0, live=True), over(3, T0 + 10))
    apply(database.store, Changes(incidents=(*kept, over(4, T0 + 9))))

    assert (database.store.prune(T0 + 10), left(database)) == (1, ["inc-1", "inc-2", "inc-3"])


def test_a_merged_incident_forwards_as_long_as_the_other_lives(database: Database) -> None:
    """It goes after the one it was merged into."""
    gone = over(1, T0, status=MERGED, resolved_at=None, merged_into="inc-2")
    apply(database.store, Changes(incidents=(gone, incident(2))))
    first = database.store.prune(T0 + 10)
    apply(database.store, Changes(incidents=(over(2, T0 + 5),)))

    assert (first, database.store.prune(T0 + 10), left(database)) == (0, 2, [])


def test_many_go_in_one_call(database: Database) -> None:
    """More than fit into one transaction."""
    apply(database.store, Changes(incidents=tuple(over(n, T0) for n in range(250))))

    assert (database.store.prune(T0 + 1), left(database)) == (250, [])


def test_unmapped_names_nobody_sends_any_more_go(database: Database) -> None:
    """By the last time they were seen."""
    names = [Unmapped("grafana", f"s{n}", 1, T0 + n, {}) for n in range(3)]
    apply(database.store, Changes(unmapped=tuple(names)))
    database.store.prune(T0 + 2)

    assert database.store.unmapped(9) == names[2:]
