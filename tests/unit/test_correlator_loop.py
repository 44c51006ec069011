"""The loop over a real journal and a real store: nothing lost, nothing twice, one at a time."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from aiops_rca.adapters.store import IncidentStore, Journal, Outbox, migrate, open_engine, places
from aiops_rca.correlator.diagnosing import Diagnosing
from aiops_rca.correlator.documenting import Documents
from aiops_rca.correlator.jobs import Timing
from aiops_rca.correlator.loop import LEASE_MS, Correlator, MisplacedError, Terms
from aiops_rca.correlator.narrating import Narrating
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.errors import LeaseLostError, RcaError
from aiops_rca.domain.event import AlertEvent
from aiops_rca.ingest.reader import Reader
from aiops_rca.live.entry import ALERTS, COMMAND, encode_events
from aiops_rca.live.rows import Draft, IncidentRow, Wanted
from aiops_rca.live.state import Rules
from aiops_rca.settings import Settings
from builders import release
from diagnosed import document
from narrators import Teller, eventually, words
from stream import T0, chain, firing, resolved, rules

DAY_MS = 86_400_000


class Clock:
    """Epoch milliseconds that pass when the test says so."""

    def __init__(self) -> None:
        self.ms = T0

    def __call__(self) -> int:
        """The time."""
        return self.ms


class Beside:
    """Counts how often it runs."""

    def __init__(self) -> None:
        self.running = 0

    def start(self) -> None:
        """Begin."""
        self.running += 1

    def stop(self) -> None:
        """End."""
        self.running -= 1


class House:
    """Journal and incidents in a folder, and correlators that share them."""

    def __init__(self, folder: Path) -> None:
        where = places(None, folder)
        self.folder = folder
        self.engines: tuple[Engine, Engine] = open_engine(where.journal_url), open_engine(where.incidents_url)
        migrate(self.engines[0], "journal")
        migrate(self.engines[1], "incidents")
        self.journal, self.store = Journal(self.engines[0]), IncidentStore(self.engines[1])
        self.clock = Clock()
        self.dead: set[str] = set()

    def close(self) -> None:
        """Close the databases."""
        for engine in self.engines:
            engine.dispose()

    def tell(self, *events: AlertEvent, at: float) -> int:
        """One body received *at* seconds after T0; its number."""
        self.clock.ms = T0 + round(at * 1000)
        payload = encode_events(events)
        return self.journal.append([Draft(self.clock.ms, ALERTS, "alertmanager", len(events), payload)], [])

    def correlator(
        self,
        holder: str = "one",
        beside: Beside | None = None,
        folding: Rules | None = None,
        teller: Teller | None = None,
    ) -> Correlator:
        """A process called *holder*, which may fold by rules of its own, and may put into words."""
        graph = chain()
        made_by, versions = release(graph), {"graph": graph.version}
        documents, timing = Documents(made_by, versions), Timing(5000, 60_000, 1.0, 4)
        diagnosing = Diagnosing(
            made_by,
            versions,
            growth=0.25,
            kept_alerts=lambda incident, limit: self.store.alerts(incident, limit=limit),
            clock=time.perf_counter,
            narrating=Narrating(teller, documents, timing) if teller else None,
        )
        terms = Terms(holder, self.dead.__contains__, 5, DAY_MS, 1, 5000, frozenset({"opened"}))
        return Correlator(
            *(self.journal, self.store, folding or rules(graph), diagnosing, terms),
            now=self.clock,
            beside=beside,
        )

    def incidents(self) -> Sequence[IncidentRow]:
        """All that is stored, newest first."""
        return self.store.incidents(Wanted(suppressed=None), before=None, limit=100)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Nothing yet."""
    made = House(tmp_path / "state")
    yield made
    made.close()


def drain(correlator: Correlator) -> None:
    """Work until there is nothing to do."""
    while correlator.step():
        pass


def test_what_was_received_becomes_a_diagnosed_incident(house: House) -> None:
    """Incident, diagnosis and the new place in the journal are stored together."""
    last = house.tell(firing("a", 0), firing("b", 1), at=2)

    drain(house.correlator())

    (row,) = house.incidents()
    assert row.record.alert_count == 2
    assert row.diagnosis is not None
    assert row.diagnosis.alert_count == 2
    assert house.store.standing().seq == last


def test_only_what_is_asked_for_is_notified(house: House) -> None:
    """Of the turns in an incident's life the settings' occasions reach the outbox, once for each target."""
    house.tell(firing("a", 0), at=1)
    correlator = house.correlator()
    drain(correlator)
    house.tell(resolved("a", 0, 30), at=30)
    drain(correlator)

    waiting = Outbox(house.engines[1]).due(house.clock.ms + DAY_MS, 10, target=0)
    assert [row.occasion for row in waiting] == ["opened"]


def how(house: House) -> list[str]:
    """How the last diagnosis of each incident came about, newest first."""
    found = [row.diagnosis for row in house.incidents()]
    return [document(last).root_cause.method for last in found if last]


def pass_on(correlator: Correlator, *, until: Callable[[], object]) -> None:
    """Step, as the loop does while nothing arrives, until *until* holds."""

    def holds() -> object:
        correlator.step()
        return until()

    eventually(holds)


def test_words_replace_the_diagnosis_they_were_awaited_for(house: House) -> None:
    """They come in a step of their own, while nothing arrives; who asks for what is new gets to know it."""
    correlator = house.correlator(teller=Teller(words))
    house.tell(firing("a", 0), firing("b", 1), at=2)
    drain(correlator)
    before, first = house.store.standing().revision, how(house)
    house.clock.ms += 5000
    pass_on(correlator, until=lambda: how(house) != first)
    (row,) = house.store.changed(before, 9)
    correlator.close()

    assert (first, how(house)) == (["graph-only-pending"], ["graph+llm"])
    assert [record.number for record in house.store.diagnoses(row.record.id)] == [1]
    assert row.revision > before
    assert row.diagnosis is not None
    assert document(row.diagnosis).narrative is not None


def test_a_call_that_hangs_stops_nothing(house: House) -> None:
    """While no answer comes all that arrives is folded; when the lease is lost the call is cancelled."""
    teller = Teller()
    correlator = house.correlator(teller=teller)
    house.tell(firing("a", 0), firing("b", 0), at=1)
    drain(correlator)
    house.clock.ms += 5000
    pass_on(correlator, until=lambda: teller.asked)
    house.tell(firing("h", 7), firing("g", 7), at=8)
    drain(correlator)
    house.clock.ms += LEASE_MS
    house.correlator("two").step()
    assert not correlator.step()
    eventually(lambda: teller.asked[0].cancelled)
    correlator.close()

    assert how(house) == ["graph-only-pending"] * 2


def test_another_process_asks_for_the_words_that_one_awaited(house: House) -> None:
    """A crash in between loses the answer, not the question."""
    gone, teller = house.correlator("one", teller=Teller()), Teller(words)
    house.tell(firing("a", 0), firing("b", 0), at=1)
    drain(gone)
    gone.close()
    house.clock.ms += 1000
    correlator = house.correlator("two", teller=teller)
    drain(correlator)
    house.clock.ms += 5000
    pass_on(correlator, until=lambda: how(house) == ["graph+llm"])
    correlator.close()

    (row,) = house.incidents()
    assert [record.number for record in house.store.diagnoses(row.record.id)] == [1]


def test_another_process_goes_on_where_one_stopped(house: House) -> None:
    """After a clean end the next one has the lease at once, and knows the incident that is open."""
    house.tell(firing("a", 0), at=1)
    first = house.correlator("one")
    drain(first)
    first.close()

    house.tell(firing("b", 2), at=3)
    drain(house.correlator("two"))

    (row,) = house.incidents()
    assert row.record.services == ("a", "b")
    assert house.store.standing().holder == "two"


def test_one_works_the_other_waits(house: House) -> None:
    """While the lease runs a second process does nothing; when the first is known dead it goes on at once."""
    house.tell(firing("a", 0), at=1)
    drain(house.correlator("one"))
    second = house.correlator("two")
    house.tell(firing("b", 2), at=3)

    assert not second.step()
    assert house.incidents()[0].record.services == ("a",)

    house.dead.add("one")
    drain(second)
    assert house.incidents()[0].record.services == ("a", "b")


def test_a_lease_runs_out(house: House) -> None:
    """Of a holder on another machine nothing is known: it is replaced when its time is over."""
    house.tell(firing("a", 0), at=1)
    drain(house.correlator("elsewhere"))
    second = house.correlator("two")

    house.clock.ms += LEASE_MS - 1
    assert not second.step()
    assert house.store.standing().holder == "elsewhere"

    house.clock.ms += 1
    second.step()
    assert house.store.standing().holder == "two"


def test_the_one_that_was_replaced_stores_nothing(house: House) -> None:
    """A process that slept through the end of its lease finds out, and what it folded does not count."""
    house.tell(firing("a", 0), at=1)
    slept = house.correlator("one")
    drain(slept)
    house.dead.add("one")
    house.tell(firing("b", 2), at=3)
    drain(house.correlator("two"))
    before = house.incidents()

    house.tell(firing("c", 4), at=5)
    with pytest.raises(LeaseLostError):
        slept.step()

    assert house.incidents() == before


def test_one_that_slept_begins_anew_when_the_lease_is_free_again(house: House) -> None:
    """Another one took over and left in between: what it did is known, and nothing is told twice."""
    house.tell(firing("a", 0), at=1)
    slept = house.correlator("one")
    drain(slept)
    house.clock.ms += 2 * LEASE_MS
    other = house.correlator("two")
    drain(other)
    house.tell(firing("h", 60), at=2 * LEASE_MS / 1000 + 2)
    drain(other)
    other.close()

    house.tell(firing("h", 60), at=2 * LEASE_MS / 1000 + 3)
    drain(slept)

    assert [row.record.services for row in house.incidents()] == [("h",), ("a",)]
    assert house.store.standing().holder == "one"


def test_an_idle_holder_keeps_its_lease(house: House) -> None:
    """The lease is renewed before it ends though nothing arrives."""
    correlator = house.correlator("one")
    for _ in range(8):
        correlator.step()
        house.clock.ms += LEASE_MS // 4

    assert not house.correlator("two").step()
    assert house.store.standing().holder == "one"


def test_time_alone_ends_what_nobody_tells_of(house: House) -> None:
    """An alert whose sender fell silent expires, and its incident with it."""
    house.tell(firing("a", 0), at=1)
    correlator = house.correlator()
    drain(correlator)

    house.clock.ms += DAY_MS
    drain(correlator)

    assert [row.record.status for row in house.incidents()] == ["resolved"]


def test_the_notifier_runs_while_the_lease_is_held(house: House) -> None:
    """It starts with the lease and ends with it."""
    beside = Beside()
    correlator = house.correlator("one", beside)
    assert beside.running == 0

    correlator.step()
    assert beside.running == 1

    correlator.close()
    assert beside.running == 0


def test_a_failed_step_is_done_again_whole(house: House) -> None:
    """A store that fails in the middle leaves nothing behind; the loop waits, and goes on when it works."""
    incidents = house.folder / "incidents.db"
    correlator = house.correlator()
    correlator.step()
    house.tell(firing("a", 0), at=1)
    house.engines[1].dispose()
    kept = incidents.with_suffix(".kept")
    shutil.move(incidents, kept)
    incidents.mkdir()
    with pytest.raises(RcaError):
        correlator.step()

    stop = threading.Event()
    thread = threading.Thread(target=correlator.run, args=(stop,))
    thread.start()
    time.sleep(0.1)
    incidents.rmdir()
    shutil.move(kept, incidents)
    deadline = time.monotonic() + 10
    while not _seen(house) and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join()

    assert [row.record.services for row in house.incidents()] == [("a",)]


def _seen(house: House) -> bool:
    try:
        return bool(house.incidents())
    except RcaError:
        return False


def test_what_is_old_is_thrown_away(house: House) -> None:
    """Entries and incidents older than they are kept for are gone; what is open stays."""
    house.tell(firing("a", 0), at=1)
    house.tell(resolved("a", 0, 60), at=60)
    house.tell(firing("h", 0), at=61)
    drain(house.correlator())
    house.clock.ms += 2 * DAY_MS
    house.tell(firing("h", 0), at=2 * 86_400 + 61)

    drain(house.correlator())
    later = house.correlator()
    house.clock.ms += DAY_MS // 2
    drain(later)

    assert house.journal.head().entries == 1
    assert "a" not in {service for row in house.incidents() for service in row.record.services}


def test_a_large_backlog_is_taken_in_steps(house: House) -> None:
    """A journal that has run far ahead is folded a bounded number of alerts at a time."""
    for body in range(40):
        house.tell(*(firing("a", body, metric=f"m{n}") for n in range(50)), at=body + 1)
    correlator = house.correlator()

    correlator.step()
    first = house.store.standing().events
    drain(correlator)

    assert 0 < first < 2000
    assert house.store.standing().events == 2000
    assert [row.record.alert_count for row in house.incidents()] == [2000]


POISON = "h"  # a service that the rules below cannot take


class SpoiltError(Exception):
    """A fault of ours that only one alert brings about."""


def spoilt(*, by: str = POISON) -> Rules:
    """Rules that fail on an alert of the service *by*."""
    sound = rules(chain())

    def link(alerts: Sequence[Alert]) -> Iterable[Sequence[Alert]]:
        if any(alert.service == by for alert in alerts):
            raise SpoiltError(by)
        return sound.link(alerts)

    return replace(sound, link=link)


def test_an_entry_the_fold_fails_on_stops_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """It goes into quarantine, readable and counted; all others of its batch are folded, once each."""
    for body in range(7):
        house.tell(firing("a", body, metric=f"m{body}"), at=body + 1)
    bad = house.tell(firing(POISON, 7, value=1.5), at=8)
    for body in range(5):
        house.tell(firing("b", body, metric=f"m{body}"), at=body + 9)
    last = house.tell(firing(POISON, 20), at=21)

    drain(house.correlator(folding=spoilt()))

    assert [(row.record.services, row.record.alert_count) for row in house.incidents()] == [(("a", "b"), 12)]
    assert (house.store.standing().seq, house.store.standing().events) == (last, 12)
    _, piece = house.journal.quarantine(None, 10)
    assert (piece.source, piece.field) == ("alertmanager", f"journal entry {bad}")
    assert piece.reason == "the fold failed: SpoiltError"
    (told,) = json.loads(piece.body)["alerts"]
    assert (told["service"], told["status"], told["severity"], told["value"]) == (
        POISON,
        "firing",
        "error",
        1.5,
    )
    (again,) = Reader(Settings(), lambda: [POISON]).read("generic", piece.body, {}, T0)[1].events
    assert (again.service, again.metric, again.starts_at) == (POISON, "latency", T0 + 7000)
    assert house.journal.quarantine_count().not_folded == 2
    (first, _) = (record for record in caplog.records if record.levelname == "ERROR")
    assert first.exc_info is not None


def test_a_payload_that_is_none_stops_nothing(house: House) -> None:
    """Damaged bytes, of alerts or of a command, are kept as they are, in a form that can be shown."""
    for kind in (ALERTS, COMMAND):
        house.journal.append([Draft(T0, kind, "alertmanager", 1, b"\xc1damaged")], [])
    house.tell(firing("a", 0), at=1)

    drain(house.correlator())

    assert [row.record.services for row in house.incidents()] == [("a",)]
    command, alerts = house.journal.quarantine(None, 10)
    assert (command.source, alerts.source) == ("command", "alertmanager")
    assert json.loads(alerts.body) == {"payload_base64": "wWRhbWFnZWQ="}


def test_an_entry_that_cannot_be_stored_stops_nothing(house: House) -> None:
    """A number that is too large for the database is found out only when all of its batch is stored."""
    for body in range(4):
        house.tell(firing("a", body, metric=f"m{body}"), at=body + 1)
    house.tell(firing("a", 5, metric="huge")._replace(starts_at=2**64 - 1), at=6)
    house.tell(firing("b", 6), at=7)

    drain(house.correlator())

    assert sum(row.record.alert_count for row in house.incidents()) == 5
    (piece,) = house.journal.quarantine(None, 10)
    assert piece.reason == "the fold failed: OverflowError"
    assert house.store.standing().seq == house.journal.head().seq


def test_a_crash_after_quarantine_leaves_one_piece(house: House) -> None:
    """An entry whose step was not stored is left out again, but not put into quarantine twice."""
    house.tell(firing(POISON, 0), at=1)
    first = house.correlator(folding=spoilt())
    first.step()
    with house.engines[1].begin() as connection:
        connection.execute(text("UPDATE standing SET seq = 0"))

    drain(house.correlator(folding=spoilt()))

    assert house.journal.quarantine_count().entries == 1


def test_a_store_without_its_tables_accuses_no_entry(house: House) -> None:
    """What is wrong with the database is said and stops the process; the journal keeps everything."""
    correlator = house.correlator()
    correlator.step()
    house.tell(firing("a", 0), at=1)
    with house.engines[1].begin() as connection:
        connection.execute(text("DROP TABLE happenings"))

    with pytest.raises(OperationalError):
        drain(correlator)

    assert house.journal.quarantine_count().entries == 0


def test_a_journal_that_ends_before_its_incidents_is_not_folded(house: House, tmp_path: Path) -> None:
    """What came into a journal that began anew would be skipped: nothing is folded, until it is put right."""
    for body in range(3):
        house.tell(firing("a", body), at=body + 1)
    drain(house.correlator())
    with house.engines[0].begin() as connection:
        connection.execute(text("DELETE FROM journal"))
        connection.execute(text("DELETE FROM sqlite_sequence"))
    house.tell(firing("b", 5), at=6)
    begun_anew = house.correlator()

    for _ in range(2):
        with pytest.raises(MisplacedError, match=r"remove incidents\.db"):
            begun_anew.step()
    assert [row.record.services for row in house.incidents()] == [("a",)]

    anew = House(tmp_path / "other")
    anew.journal, anew.clock = house.journal, house.clock
    drain(anew.correlator())
    assert [row.record.services for row in anew.incidents()] == [("b",)]
    anew.close()


def test_a_journal_exchanged_under_way_is_noticed(house: House) -> None:
    """Also one who is folding looks where the journal ends, whenever it renews its lease."""
    house.tell(firing("a", 0), at=1)
    correlator = house.correlator()
    drain(correlator)
    with house.engines[0].begin() as connection:
        connection.execute(text("DELETE FROM journal"))
    house.clock.ms += LEASE_MS // 2 + 1

    with pytest.raises(MisplacedError):
        correlator.step()
