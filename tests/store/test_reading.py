"""What pages ask the store: filters, pages, timelines, and how much there is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from aiops_rca.live.records import (
    ACKNOWLEDGED,
    MERGED,
    OPEN,
    RESOLVED,
    Changes,
    Feedback,
    Unmapped,
    Window,
)
from aiops_rca.live.rows import Standing, Wanted
from stored import HOLDER, T0, TTL_MS, Database, alert, apply, diagnosis, happening, incident

_INCIDENTS = (
    incident(1, services=("cart", "web"), sources=("grafana",)),
    incident(2, status=ACKNOWLEDGED, services=("web",)),
    incident(3, status=RESOLVED, resolved_at=T0 + 9000, services=('we"b', "web%"), live=False),
    incident(4, suppressed=True),
    incident(5, status=MERGED, merged_into="inc-1", live=False),
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [5, 3, 2, 1]),
        (Wanted(statuses=(OPEN,)), [1]),
        (Wanted(statuses=(OPEN, ACKNOWLEDGED)), [2, 1]),
        (Wanted(statuses=(OPEN, RESOLVED)), [3, 1]),
        (Wanted(service="web"), [2, 1]),
        (Wanted(service='we"b'), [3]),
        (Wanted(service="we"), []),
        (Wanted(source="grafana"), [1]),
        (Wanted(source="alertmanager", statuses=(ACKNOWLEDGED,)), [2]),
        (Wanted(root_cause="redis"), [2]),
        (Wanted(root_cause="cart"), []),
        (Wanted(opened_from=T0 + 3000), [5, 3]),
        (Wanted(opened_until=T0 + 3000), [2, 1]),
        (Wanted(suppressed=None), [5, 4, 3, 2, 1]),
        (Wanted(suppressed=True), [4]),
        (Wanted(service="cart", source="grafana", opened_from=T0, opened_until=T0 + 9000), [1]),
    ],
    ids=str,
)
def test_incidents_are_found_by_every_filter(database: Database, wanted: Wanted, expected: list[int]) -> None:
    """Filters narrow down together; the newest comes first; only the last diagnosis names the root cause."""
    given = [diagnosis(1, of="inc-2", root_cause="cart"), diagnosis(2, of="inc-2", root_cause="redis")]
    apply(database.store, Changes(incidents=_INCIDENTS), given)
    found = database.store.incidents(wanted, limit=9)

    assert [row.record for row in found] == [_INCIDENTS[number - 1] for number in expected]


def test_a_filter_follows_the_services_of_an_incident(database: Database) -> None:
    """A service that joins is found from then on, one that was split off no more."""
    apply(database.store, Changes(incidents=(incident(1, services=("cart", "web")),)))
    apply(database.store, Changes(incidents=(incident(1, services=("web", "redis")),)))
    found = {
        service: len(database.store.incidents(Wanted(service=service), limit=9))
        for service in ("cart", "web", "redis")
    }

    assert found == {"cart": 0, "web": 1, "redis": 1}


def test_pages_hold_every_incident_once(database: Database) -> None:
    """Also where many were opened in the same millisecond, and with new ones coming in between."""
    same = [incident(n, opened_at=T0 + n // 5) for n in range(1, 21)]
    apply(database.store, Changes(incidents=tuple(same)))
    seen: list[tuple[int, str]] = []
    while page := database.store.incidents(Wanted(), before=seen[-1] if seen else None, limit=3):
        seen += [(row.record.opened_at, row.record.id) for row in page]
        apply(database.store, Changes(incidents=(incident(100 + len(seen)),)))

    assert seen == sorted(((i.opened_at, i.id) for i in same), key=lambda key: (-key[0], key[1]))


def test_an_unknown_incident_is_not_found(database: Database) -> None:
    """Nothing is there for an id that was never given."""
    store = database.store

    assert (store.incident("inc-9"), store.alerts("inc-9", limit=1)) == (None, [])
    assert (store.timeline("inc-9", 9), store.diagnoses("inc-9")) == ([], [])


def test_alerts_of_an_incident_come_in_pages(database: Database) -> None:
    """By order of arrival; rows that only repeat a firing are left out."""
    alerts = [alert(n) for n in range(7)] + [alert(8, ended="repeated"), alert(9, incident="inc-2")]
    apply(database.store, Changes(alerts=tuple(reversed(alerts))))
    first = database.store.alerts("inc-1", limit=4)
    second = database.store.alerts("inc-1", after=first[-1].order, limit=4)

    assert first + second == alerts[:7]


def test_a_timeline_is_cut_at_its_old_end(database: Database) -> None:
    """The newest lines, oldest first; lines of one moment as they were told."""
    lines = [happening(f"line {n}", at=T0 + n // 2) for n in range(6)]
    apply(database.store, Changes(happenings=(*lines[4:], happening(of="inc-2"), *lines[:4])))

    assert database.store.timeline("inc-1", 9) == lines
    assert database.store.timeline("inc-1", 3) == lines[3:]


def test_unmapped_names_come_in_pages(database: Database) -> None:
    """The most frequent first, then by source and name."""
    names = [Unmapped(source, f"s{n}", n % 2 + 1, T0, {}) for source in "ab" for n in range(4)]
    apply(database.store, Changes(unmapped=tuple(names)))
    seen: list[Unmapped] = []
    while page := database.store.unmapped(3, (seen[-1].times, *seen[-1][:2]) if seen else None):
        seen += page

    assert seen == sorted(names, key=lambda one: (-one.times, one.source, one.service))


def test_feedback_comes_in_pages(database: Database) -> None:
    """The oldest first, then by id."""
    said = [Feedback(f"fb{n}", "inc-1", T0 + n % 3, "ann", "redis", "", None, "") for n in range(7)]
    apply(database.store, Changes(feedback=tuple(said)))
    seen: list[Feedback] = []
    while page := database.store.feedback(2, (seen[-1].at, seen[-1].id) if seen else None):
        seen += page

    assert seen == sorted(said, key=lambda one: (one.at, one.id))


def test_windows_come_by_their_start(database: Database) -> None:
    """All that the fold still knows."""
    windows = [Window(f"w{n}", ("cart",), T0 - n, T0, "ann", "") for n in range(3)]
    apply(database.store, Changes(windows=tuple(windows)))

    assert database.store.windows() == windows[::-1]


def test_the_standing_counts_what_is_not_over(database: Database) -> None:
    """By status, with suppressed incidents apart, and the oldest of the others."""
    apply(database.store, Changes(incidents=_INCIDENTS, events=3))
    apply(database.store, Changes(incidents=(incident(6), incident(7, suppressed=True, status=ACKNOWLEDGED))))

    assert database.store.standing() == Standing(
        *(2, T0, HOLDER, T0 + TTL_MS, 7, 3, 0),
        *(2, 1, 2, T0 + 1000),
    )


def test_open_incidents_are_found_by_their_index(sqlite: Database) -> None:
    """A list of what is open must not walk through a long past."""
    apply(sqlite.store, Changes(incidents=_INCIDENTS))
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: Any) -> None:
        if statement.startswith("SELECT incidents."):
            found = connection.connection.dbapi_connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.append(found.fetchone()[-1])

    event.listen(sqlite.incidents_engine, "before_cursor_execute", explain)
    sqlite.store.incidents(Wanted(statuses=(OPEN,)), limit=9)
    sqlite.store.incidents(Wanted(statuses=(OPEN, ACKNOWLEDGED)), limit=9)
    sqlite.store.standing()

    assert ["incidents_unfinished" in plan for plan in plans] == [True] * 3
