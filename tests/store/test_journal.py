"""The journal: what was appended is read again, in the order of commits, and nothing is passed over."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from aiops_rca.adapters.store import Journal, open_engine, places
from aiops_rca.domain.errors import RcaError
from aiops_rca.live.entry import Entry
from aiops_rca.live.rows import Draft, Head, Lag, QuarantineCount
from stored import T0, Database, draft, opened, refused


def test_what_was_appended_is_read_again(database: Database) -> None:
    """An entry comes back with every field of its draft and a number."""
    seq = database.journal.append([draft(7, alerts=3)])

    assert database.journal.read(0, limit=10) == [
        Entry(seq, T0 + 7, "alerts", "alertmanager", draft(7).payload)
    ]


def test_an_append_returns_the_highest_number(database: Database) -> None:
    """Numbers start at 1 and follow the order of the drafts."""
    seq = database.journal.append([draft(1), draft(2), draft(3)])

    assert (seq, [entry.seq for entry in database.journal.read(0, limit=10)]) == (3, [1, 2, 3])


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (100, 4)])
def test_reading_stops_at_so_many_alerts(database: Database, limit: int, expected: int) -> None:
    """A read holds at least one entry, and ends with the one that reaches the limit."""
    database.journal.append([draft(n, alerts=3) for n in range(4)])

    assert len(database.journal.read(0, limit=limit)) == expected


def test_entries_without_alerts_count_too(database: Database) -> None:
    """Commands hold no alerts, but a million of them must not be read at once."""
    database.journal.append([draft(n, alerts=0) for n in range(5)])

    assert len(database.journal.read(0, limit=3)) == 3


def test_reading_goes_on_from_a_number(database: Database) -> None:
    """A reader that asks from the last number it saw gets every entry once."""
    database.journal.append([draft(n) for n in range(200)])
    seen: list[int] = []
    while entries := database.journal.read(seen[-1] if seen else 0, limit=7):
        seen += [entry.seq for entry in entries]

    assert seen == [*range(1, 201)]


def test_recent_entries_come_oldest_first(database: Database) -> None:
    """The newest entries up to a number of alerts, in the order they were appended."""
    database.journal.append([draft(n, alerts=2) for n in range(10)])

    assert [entry.seq for entry in database.journal.recent(6)] == [8, 9, 10]


def test_one_entry_is_found_by_its_number(database: Database) -> None:
    """An entry is found by its number; a number that was never given finds nothing."""
    database.journal.append([draft(1), draft(2)])
    found = database.journal.entry(2)

    assert (found and found.payload, database.journal.entry(3)) == (draft(2).payload, None)


def test_an_empty_journal_has_a_head(database: Database) -> None:
    """Before the first entry everything is 0."""
    assert (database.journal.head(), database.journal.behind(0)) == (Head(0, 0, 0, 0), Lag(0, 0, None))


def test_the_head_tells_how_much_there_is(database: Database) -> None:
    """Number and time of the newest entry, entries kept and alerts ever."""
    database.journal.append([draft(1, alerts=3), draft(2, alerts=4)])

    assert database.journal.head() == Head(2, T0 + 2, 2, 7)


@pytest.mark.parametrize(
    ("seq", "expected"),
    [(0, Lag(3, 9, T0 + 1)), (1, Lag(2, 7, T0 + 2)), (3, Lag(0, 0, None)), (9, Lag(0, 0, None))],
)
def test_lag_counts_what_lies_behind_a_number(database: Database, seq: int, expected: Lag) -> None:
    """Entries and alerts after the number, and when the first of them came."""
    database.journal.append([draft(1, alerts=2), draft(2, alerts=3), draft(3, alerts=4)])

    assert database.journal.behind(seq) == expected


class _Slow(Sequence[Draft]):
    """Drafts whose reading begins, and then waits."""

    def __init__(self, *drafts: Draft) -> None:
        self.drafts, self.begun, self.go_on = drafts, threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[Draft]:
        self.begun.set()
        assert self.go_on.wait(20)
        return iter(self.drafts)

    def __len__(self) -> int:
        return len(self.drafts)

    def __getitem__(self, index: object) -> Draft:  # type: ignore[override]
        raise NotImplementedError


def test_numbers_follow_the_order_of_commits(database: Database) -> None:
    """A transaction that began first is seen first: a faster one waits instead of getting ahead of it."""
    slow = _Slow(draft(1))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(database.journal.append, slow)
        assert slow.begun.wait(20)
        second = pool.submit(database.journal.append, [draft(2)])
        early = wait([second], timeout=0.3).done
        seen_meanwhile = database.journal.read(0, limit=10)
        slow.go_on.set()

    assert (early, seen_meanwhile) == (set(), [])
    assert (first.result(), second.result()) == (1, 2)


def test_a_reader_misses_nothing_while_many_write(database: Database) -> None:
    """Writers on connections of their own and a reader that follows: every entry is seen once, in order."""
    done, seen = threading.Event(), list[Entry]()

    def write(writer: int) -> None:
        engine = open_engine(database.places.journal_url)
        for number in range(12):
            Journal(engine).append([draft(writer * 1000 + number), draft(writer * 1000 + number)])
        engine.dispose()

    def follow() -> None:
        while True:
            over = done.is_set()
            entries = database.journal.read(seen[-1].seq if seen else 0, limit=50)
            seen.extend(entries)
            if over and not entries:
                return

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(follow)
        wait([pool.submit(write, writer) for writer in range(4)])
        done.set()
    reader.result()

    kept = sorted(entry.received_at - T0 for entry in seen)
    assert kept == sorted(2 * [writer * 1000 + number for writer in range(4) for number in range(12)])
    assert database.journal.head().alerts == 96


def test_old_folded_entries_are_pruned(database: Database) -> None:
    """Only what is both old and folded goes, and the head still knows all alerts there ever were."""
    database.journal.append([draft(n, alerts=2) for n in range(10)])
    pruned = database.journal.prune(T0 + 8, folded_upto=6)

    assert (pruned, [entry.seq for entry in database.journal.read(0, limit=99)]) == (6, [7, 8, 9, 10])
    assert database.journal.head() == Head(10, T0 + 9, 4, 20)


@pytest.mark.parametrize("before", range(0, 12, 3))
@pytest.mark.parametrize("folded", [0, 4, 99])
def test_pruning_cuts_where_time_and_fold_say(sqlite: Database, before: int, folded: int) -> None:
    """Wherever the cut lies, also in a journal that has lost its beginning; the newest entry stays."""
    sqlite.journal.append([draft(n) for n in range(10)])
    sqlite.journal.prune(T0 + 2, folded_upto=99)
    sqlite.journal.prune(T0 + before, folded_upto=folded)

    expected = [n + 1 for n in range(2, 10) if n >= before or n + 1 > folded or n == 9]
    assert [entry.seq for entry in sqlite.journal.read(0, limit=99)] == expected


def test_pruning_spares_what_is_young_among_the_old(database: Database) -> None:
    """A clock that was set back does not cost an entry its time."""
    database.journal.append([draft(n) for n in (0, 1, 50, 2, 3, 60)])
    database.journal.prune(T0 + 10, folded_upto=99)

    assert {entry.received_at - T0 for entry in database.journal.read(0, limit=99)} >= {50, 60}


def test_a_number_is_never_given_twice(database: Database) -> None:
    """After everything was pruned the newest entry is still there, and numbers and totals go on."""
    database.journal.append([draft(n) for n in range(1200)])
    pruned = database.journal.prune(T0 + 10_000, folded_upto=1200)

    assert (pruned, database.journal.append([draft()]), database.journal.head().alerts) == (1199, 1201, 1201)


def test_lag_is_right_after_pruning(database: Database) -> None:
    """What is gone was folded: only what is left counts."""
    database.journal.append([draft(n, alerts=2) for n in range(5)])
    database.journal.prune(T0 + 99, folded_upto=3)

    assert database.journal.behind(3) == Lag(2, 4, T0 + 3)


def test_what_was_refused_lies_in_quarantine(database: Database) -> None:
    """A refused body is kept with source, field, reason, headers and every byte."""
    database.journal.append([], [refused(5, body=b"\x00\xff not json")])
    (piece,) = database.journal.quarantine()

    assert piece == (
        *(1, T0 + 5, "generic", "alerts[0].ts", "not a time"),
        *({"user-agent": "curl"}, None, 11, b"\x00\xff not json"),
    )


def test_refused_alone_gives_no_number(database: Database) -> None:
    """What goes to quarantine alone leaves the journal where it was."""
    database.journal.append([draft()])

    assert database.journal.append([], [refused()]) == 1


def test_text_that_no_database_keeps_is_quarantined_too(database: Database) -> None:
    """Half of a surrogate pair and the character 0 do not cost the others of the transaction their place."""
    broken = refused(field="a\ud800", reason="b\x00", headers={"x": "c\udfff\x00"}, source="d\ud800")
    database.journal.append([draft()], [broken])

    assert (database.journal.head().seq, database.journal.quarantine_count()) == (1, QuarantineCount(1, 0))
    assert database.journal.quarantine()[0].headers == {"x": "c\udfff\x00"}


def test_quarantine_is_listed_newest_first(database: Database) -> None:
    """A list goes on from the last piece seen."""
    database.journal.append([], [refused(n) for n in range(5)])
    first = database.journal.quarantine(limit=2)
    second = database.journal.quarantine(after=first[-1].id, limit=2)

    assert [piece.id for piece in first + second] == [5, 4, 3, 2]


def test_a_list_shows_the_beginning_of_a_large_body(database: Database) -> None:
    """Fifty bodies of many megabytes are not loaded for a list; one of them is loaded whole."""
    database.journal.append([], [refused(body=b"x" * 100_000)])
    (listed,) = database.journal.quarantine()
    whole = database.journal.quarantined(listed.id)

    assert (listed.size, len(listed.body)) == (100_000, 4096)
    assert whole is not None
    assert (whole.size, len(whole.body)) == (100_000, 100_000)


def test_a_piece_is_marked_as_replayed(database: Database) -> None:
    """The time is noted and counted; a piece that is not there cannot be marked."""
    database.journal.append([], [refused(), refused()])

    assert database.journal.mark_replayed(2, T0 + 9)
    assert not database.journal.mark_replayed(3, T0 + 9)
    assert [piece.replayed_at for piece in database.journal.quarantine()] == [T0 + 9, None]
    assert database.journal.quarantine_count() == QuarantineCount(2, 1)


def test_old_quarantine_is_pruned(database: Database) -> None:
    """Pieces go by age."""
    database.journal.append([], [refused(n) for n in range(4)])

    assert database.journal.prune(T0 + 3, folded_upto=0) == 3
    assert database.journal.quarantine_count() == QuarantineCount(1, 0)


def test_a_journal_outlives_its_process(database: Database) -> None:
    """Opened and migrated again, it goes on where it was."""
    database.journal.append([draft(1)])
    database.close()
    again = opened(database.places)

    assert again.journal.append([draft(2)]) == 2
    again.close()


def test_a_file_that_is_no_database_is_said_to_be_one(tmp_path: Path) -> None:
    """Reading says "not_ready", writing "full"; both say why."""
    (tmp_path / "journal.db").write_bytes(b"not a database at all" * 400)
    journal = Journal(open_engine(places(None, tmp_path).journal_url))
    with pytest.raises(RcaError, match="file is not a database") as reading:
        journal.head()
    with pytest.raises(RcaError, match="file is not a database") as writing:
        journal.append([draft()])

    assert (reading.value.code, writing.value.code) == ("not_ready", "full")
