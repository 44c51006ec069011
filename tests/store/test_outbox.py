"""The outbox: a row for each notice and receiver, until it is settled, and each settled once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from sqlalchemy import text

from aiops_rca.adapters.store import Outbox, migrate, open_engine, places
from aiops_rca.adapters.store.engine import writing
from aiops_rca.adapters.store.migrating import _config
from aiops_rca.domain.alert import Severity
from aiops_rca.live.records import Changes, Notice
from aiops_rca.live.rows import Delivered, OutboxRow, Told
from stored import T0, Database, alert, apply

_OPENED = Notice("inc-1", "opened", T0)
_EARLIER = """
INSERT INTO outbox (incident, occasion, at, target, due_at, attempts, state, error, settled_at) VALUES
('inc-1', 'opened', 1, 0, 2, 0, 'sent', '', 9), ('inc-1', 'resolved', 5, 0, 6, 1, 'waiting', 'refused', NULL)
"""
_RESOLVED = Notice("inc-1", "resolved", T0 + 50)


def sent(
    outbox: Outbox, ids: Sequence[int], at: int, *, said: str = "opened", severity: Severity = Severity.ERROR
) -> None:
    """Settle rows by a message that said that."""
    outbox.sent([Delivered(tuple(ids), Told(said, severity))], at)


def filled(database: Database, *, targets: int = 2) -> Database:
    """Two notices, due 100 ms after `T0`."""
    apply(database.store, Changes(notices=(_OPENED, _RESOLVED)), targets=targets, settle_ms=100)
    return database


def counts(database: Database) -> tuple[int, int, int]:
    """Waiting, sent and failed, as the standing has them."""
    return database.store.standing()[11:14]


def due(database: Database, *, until: int = T0 + 100, target: int = 0) -> list[int]:
    """The ids of the rows that may be sent."""
    return [row.id for row in database.outbox.due(until, 99, target=target)]


def test_each_receiver_has_rows_of_its_own(database: Database) -> None:
    """Due once things have settled, the longest waiting first."""
    outbox = filled(database).outbox
    (first, second) = outbox.due(T0 + 100, 99, target=1)

    assert first == OutboxRow(first.id, "inc-1", "opened", T0, 1, 0, T0 + 100, T0 + 100)
    assert second == OutboxRow(second.id, "inc-1", "resolved", T0 + 50, 1, 0, T0 + 100, T0 + 100)
    assert (due(database, until=T0 + 99), len(due(database)), counts(database)) == ([], 2, (4, 0, 0))


def test_without_receivers_nothing_waits(database: Database) -> None:
    """Nobody to be told: no rows."""
    assert counts(filled(database, targets=0)) == (0, 0, 0)


def test_only_so_many_are_due_at_once(database: Database) -> None:
    """A limit bounds what is loaded."""
    assert len(filled(database).outbox.due(T0 + 100, 1, target=0)) == 1


def test_what_was_sent_is_not_sent_again(database: Database) -> None:
    """Several rows are settled by one message, and counted once however often they are settled."""
    ids = due(filled(database))
    sent(database.outbox, ids, T0 + 200)
    sent(database.outbox, ids, T0 + 300)
    database.outbox.give_up(ids, T0 + 300, "too late")

    assert (due(database), counts(database)) == ([], (2, 2, 0))


def test_what_failed_waits_for_its_next_time(database: Database) -> None:
    """Each attempt is counted; the other receiver does not wait."""
    ids = due(filled(database))
    database.outbox.retry(ids, T0 + 1000, "timeout \0")
    database.outbox.retry(ids[:1], T0 + 500, "refused")
    later = database.outbox.due(T0 + 1000, 9, target=0)

    assert [(row.id, row.attempts, row.due_at, row.first_due_at) for row in later] == [
        (ids[0], 2, T0 + 500, T0 + 100),
        (ids[1], 1, T0 + 1000, T0 + 100),
    ]
    assert database.store.standing().outbox_retrying == {0: 2}
    assert (due(database), len(due(database, target=1))) == ([], 2)


def test_what_is_given_up_is_counted_as_failed(database: Database) -> None:
    """And never due again."""
    database.outbox.give_up(due(filled(database))[:1], T0 + 200, "410 gone")

    assert (len(due(database)), counts(database)) == (1, (3, 0, 1))


def test_what_is_dropped_is_counted_as_nothing(database: Database) -> None:
    """A settled row is not dropped any more."""
    ids = due(filled(database))
    sent(database.outbox, ids[:1], T0 + 200)
    database.outbox.drop(ids)

    assert (due(database), counts(database)) == ([], (2, 1, 0))


def test_nothing_to_settle_is_no_fault(database: Database) -> None:
    """An empty list of ids changes nothing."""
    sent(filled(database).outbox, [], T0)
    database.outbox.sent([], T0)
    database.outbox.drop([])

    assert counts(database) == (4, 0, 0)


def test_rows_of_a_receiver_that_is_gone_are_forgotten(database: Database) -> None:
    """When the settings have one URL less, what waited for it would wait for ever."""
    filled(database).outbox.drop_targets(1)

    assert (len(due(database)), due(database, target=1), counts(database)) == (2, [], (2, 0, 0))


def test_all_that_waits_about_an_incident_is_found(database: Database) -> None:
    """Whenever it is due, for one receiver; other incidents and what is settled are not."""
    outbox = filled(database).outbox
    first, second = due(database)
    apply(database.store, Changes(notices=(Notice("inc-2", "opened", T0),)), targets=1)
    outbox.retry([first], T0 + 300_000, "refused")
    waiting = [row.id for row in outbox.waiting(["inc-1", "inc-3"], target=0)]
    sent(outbox, [first], T0 + 200)

    assert waiting == [second, first]
    assert [row.id for row in outbox.waiting(["inc-1"], target=0)] == [second]


def test_what_was_told_is_remembered(database: Database) -> None:
    """The last thing that was said, and the worst severity ever, by receiver; what failed is not told."""
    outbox = filled(database).outbox
    first, second = due(database)
    before = outbox.told(["inc-1"], target=0)
    sent(outbox, [second], T0 + 200, said="severity", severity=Severity.CRITICAL)
    sent(outbox, [first], T0 + 300, said="resolved", severity=Severity.WARNING)
    outbox.give_up(due(database, target=1), T0 + 300, "410 gone")

    assert before == {}
    assert outbox.told(["inc-1", "inc-2"], target=0) == {"inc-1": Told("resolved", Severity.CRITICAL)}
    assert outbox.told(["inc-1"], target=1) == {}


def test_what_an_earlier_version_sent_counts_as_told(database_url: str | None, tmp_path: Path) -> None:
    """Its rows are told as they were meant, with the lowest severity; what waits does so since it is due."""
    engine = open_engine(places(database_url, tmp_path / "state").incidents_url)
    with writing(engine) as connection:
        command.upgrade(_config(connection, "incidents"), "incidents_0001")
        connection.execute(text(_EARLIER))
    migrate(engine, "incidents")
    outbox = Outbox(engine)
    (row,) = outbox.due(T0, 9, target=0)
    told = outbox.told(["inc-1"], target=0)
    engine.dispose()

    assert (row.first_due_at, told) == (6, {"inc-1": Told("opened", Severity.INFO)})


def test_when_an_incident_was_last_heard_of(database: Database) -> None:
    """The last telling of any of its alerts; nothing where there is none."""
    alerts = (
        alert(1, seen_at=T0 + 70),
        alert(2, seen_at=T0 + 50),
        alert(3, incident="inc-2", seen_at=T0 + 99),
    )
    apply(database.store, Changes(alerts=alerts))

    assert (database.outbox.heard("inc-1"), database.outbox.heard("inc-9")) == (T0 + 70, None)
