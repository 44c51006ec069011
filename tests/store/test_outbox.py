"""The outbox: a row for each notice and receiver, until it is settled, and each settled once."""

from __future__ import annotations

from aiops_rca.live.records import Changes, Notice
from aiops_rca.live.rows import OutboxRow
from stored import T0, Database, apply

_OPENED = Notice("inc-1", "opened", T0)
_RESOLVED = Notice("inc-1", "resolved", T0 + 50)


def filled(database: Database, *, targets: int = 2) -> Database:
    """Two notices, due 100 ms after `T0`."""
    apply(database.store, Changes(notices=(_OPENED, _RESOLVED)), targets=targets, settle_ms=100)
    return database


def counts(database: Database) -> tuple[int, int, int]:
    """Waiting, sent and failed, as the standing has them."""
    return database.store.standing()[11:]


def due(database: Database, *, until: int = T0 + 100, target: int = 0) -> list[int]:
    """The ids of the rows that may be sent."""
    return [row.id for row in database.outbox.due(until, 99, target=target)]


def test_each_receiver_has_rows_of_its_own(database: Database) -> None:
    """Due once things have settled, the longest waiting first."""
    outbox = filled(database).outbox
    (first, second) = outbox.due(T0 + 100, 99, target=1)

    assert first == OutboxRow(first.id, "inc-1", "opened", T0, 1, 0, T0 + 100)
    assert second == OutboxRow(second.id, "inc-1", "resolved", T0 + 50, 1, 0, T0 + 100)
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
    database.outbox.sent(ids, T0 + 200)
    database.outbox.sent(ids, T0 + 300)
    database.outbox.give_up(ids, T0 + 300, "too late")

    assert (due(database), counts(database)) == ([], (2, 2, 0))


def test_what_failed_waits_for_its_next_time(database: Database) -> None:
    """Each attempt is counted; the other receiver does not wait."""
    ids = due(filled(database))
    database.outbox.retry(ids, T0 + 1000, "timeout \0")
    database.outbox.retry(ids[:1], T0 + 500, "refused")
    later = database.outbox.due(T0 + 1000, 9, target=0)

    assert [(row.id, row.attempts, row.due_at) for row in later] == [
        (ids[0], 2, T0 + 500),
        (ids[1], 1, T0 + 1000),
    ]
    assert (due(database), len(due(database, target=1))) == ([], 2)


def test_what_is_given_up_is_counted_as_failed(database: Database) -> None:
    """And never due again."""
    database.outbox.give_up(due(filled(database))[:1], T0 + 200, "410 gone")

    assert (len(due(database)), counts(database)) == (1, (3, 0, 1))


def test_what_is_dropped_is_counted_as_nothing(database: Database) -> None:
    """A settled row is not dropped any more."""
    ids = due(filled(database))
    database.outbox.sent(ids[:1], T0 + 200)
    database.outbox.drop(ids)

    assert (due(database), counts(database)) == ([], (2, 1, 0))


def test_nothing_to_settle_is_no_fault(database: Database) -> None:
    """An empty list of ids changes nothing."""
    filled(database).outbox.sent([], T0)
    database.outbox.drop([])

    assert counts(database) == (4, 0, 0)


def test_rows_of_a_receiver_that_is_gone_are_forgotten(database: Database) -> None:
    """When the settings have one URL less, what waited for it would wait for ever."""
    filled(database).outbox.drop_targets(1)

    assert (len(due(database)), due(database, target=1), counts(database)) == (2, [], (2, 0, 0))
