"""The loop over a real journal and a real store: nothing lost, nothing twice, one at a time."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from aiops_rca.adapters.store import IncidentStore, Journal, Outbox, migrate, open_engine, places
from aiops_rca.correlator.diagnosing import Diagnosing
from aiops_rca.correlator.loop import LEASE_MS, Correlator, Terms
from aiops_rca.domain.errors import LeaseLostError, RcaError
from aiops_rca.domain.event import AlertEvent
from aiops_rca.live.entry import ALERTS, encode_events
from aiops_rca.live.rows import Draft, IncidentRow, Wanted
from builders import release
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

    def correlator(self, holder: str = "one", beside: Beside | None = None) -> Correlator:
        """A process called *holder*."""
        graph = chain()
        diagnosing = Diagnosing(
            release(graph),
            {"graph": graph.version},
            growth=0.25,
            kept_alerts=lambda incident, limit: self.store.alerts(incident, limit=limit),
            clock=time.perf_counter,
        )
        terms = Terms(holder, self.dead.__contains__, 5, DAY_MS, 1, 5000, frozenset({"opened"}))
        return Correlator(
            self.journal, self.store, rules(graph), diagnosing, terms, now=self.clock, beside=beside
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
