"""The outbox of a real store, told through Apprise to real receivers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from aiops_rca.adapters.live_metrics import LiveMetrics
from aiops_rca.adapters.notify import targets
from aiops_rca.adapters.store import IncidentStore, Outbox, migrate, open_engine
from aiops_rca.correlator.notifying import Notifier
from aiops_rca.domain.alert import Severity
from aiops_rca.live.records import AlertRecord, Changes, DiagnosisRecord, IncidentRecord, Notice
from aiops_rca.settings import Notify
from aiops_rca.web.pulse import Vitals
from builders import T0
from notices import diagnosis, incident
from receiver import Receiver, receiving
from served import free_port
from stored import alert

SETTLE_SEC = 5.0
HOLDER = "test"


class World:
    """A store, its outbox, and a clock that moves by hand."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_engine(f"sqlite:///{folder / 'incidents.db'}")
        self.store = IncidentStore(self.engine)
        self.outbox = Outbox(self.engine)
        self.seconds = 0.0
        self._upto = 0

    def now(self) -> int:
        """Epoch milliseconds."""
        return T0 + round(self.seconds * 1000)

    def happens(
        self,
        *notices: tuple[str, IncidentRecord],
        diagnoses: tuple[DiagnosisRecord, ...] | None = None,
        urls: int = 1,
        alerts: tuple[AlertRecord, ...] = (),
    ) -> None:
        """Store what happened now, as the correlator does: (occasion, the incident as it stands) each."""
        made = (
            tuple(diagnosis(record.id) for occasion, record in notices if occasion == "opened")
            if diagnoses is None
            else diagnoses
        )
        self.store.take_lease(HOLDER, now=self.now(), ttl_ms=3_600_000)
        self.store.apply(
            Changes(
                alerts=alerts,
                incidents=tuple({record.id: record for _, record in notices}.values()),
                notices=tuple(Notice(record.id, occasion, self.now()) for occasion, record in notices),
            ),
            made,
            after=self._upto,
            upto=self._upto + 1,
            now=self.now(),
            holder=HOLDER,
            ttl_ms=3_600_000,
            targets=urls,
            settle_ms=round(SETTLE_SEC * 1000),
        )
        self._upto += 1

    def notifier(self, *urls: str, timeout_sec: float = 5.0, per_minute: int = 20) -> Notifier:
        """A notifier for *urls* that goes by this world's clock."""
        settings = Notify.model_validate(
            {
                "urls": urls,
                "settle_sec": SETTLE_SEC,
                "timeout_sec": timeout_sec,
                "per_minute": per_minute,
                "occasions": [*Notify().occasions, "root_cause"],
            }
        )
        return Notifier(
            self.outbox,
            self.store.incident,
            targets(settings),
            settings,
            now=self.now,
            monotonic=lambda: self.seconds,
        )

    def counts(self) -> tuple[int, int, int]:
        """Rows waiting, sent and failed."""
        standing = self.store.standing()
        return standing.outbox_waiting, standing.outbox_sent, standing.outbox_failed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose tables exist."""
    made = World(tmp_path)
    migrate(made.engine, "incidents")
    yield made
    made.engine.dispose()


@contextmanager
def several(number: int) -> Iterator[list[Receiver]]:
    """So many receivers until the block ends."""
    with ExitStack() as stack:
        yield [stack.enter_context(receiving()) for _ in range(number)]


def works(notifier: Notifier) -> None:
    """Step until nothing is under way."""
    deadline = time.monotonic() + 10
    notifier.step()
    while any(lane.flight for lane in notifier._lanes):
        assert time.monotonic() < deadline
        time.sleep(0.005)
        notifier.step()


def test_every_url_is_told_once(world: World) -> None:
    """An opened incident is told to each URL after it settled, and never again."""
    with several(2) as (first, second):
        notifier = world.notifier(first.url(), second.url())
        world.happens(("opened", incident()), urls=2)
        world.seconds = 4.9
        works(notifier)
        early = first.asked + second.asked
        world.seconds = 5
        works(notifier)
        works(notifier)
        title = "CRITICAL: incident opened: redis-cart is the probable cause"

        assert early == 0
        assert [m["title"] for m in first.taken + second.taken] == [title, title]
        assert world.counts() == (0, 2, 0)


def test_what_settles_at_once_is_not_told(world: World) -> None:
    """An incident that opened and resolved within the settling time is told to nobody."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()))
        world.seconds = 2
        world.happens(("resolved", incident(resolved=2)))
        for world.seconds in (5.0, 7.0, 60.0):
            works(notifier)

        assert (receiver.asked, world.counts()) == (0, (0, 0, 0))


def test_a_life_is_told_in_two_messages(world: World) -> None:
    """Opened, then resolved a minute later, are told one after the other."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()))
        world.seconds = 6
        works(notifier)
        world.seconds = 60
        world.happens(("resolved", incident(resolved=60)))
        world.seconds = 66
        works(notifier)

        assert [m["type"] for m in receiver.taken] == ["failure", "success"]


def fails_until(world: World, notifier: Notifier, end: float) -> list[float]:
    """Go from one attempt to the next until *end* or until nothing waits; return when they were made."""
    asked_at = []
    while rows := world.outbox.due(world.now() + 10**9, 1, target=0):
        world.seconds = (rows[0].due_at - T0) / 1000
        if world.seconds > end:
            break
        works(notifier)
        asked_at.append(world.seconds)
    return asked_at


@pytest.mark.slow
def test_a_failing_receiver_is_asked_for_a_day(world: World) -> None:
    """Answers of 500 are tried again after 1, 2, 4 ... seconds, at most five minutes, until a day is over."""
    with receiving() as receiver:
        receiver.way = "fail"
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()))
        asked_at = fails_until(world, notifier, 100_000)

        assert asked_at[:10] == [4 + 2**n for n in range(10)]
        assert {b - a for a, b in pairwise(asked_at[9:])} == {300}
        assert 86_400 <= asked_at[-1] - 5 < 86_700
        assert (receiver.asked, world.counts()) == (len(asked_at), (0, 0, 1))


def test_a_receiver_that_was_away_for_hours_is_told(world: World) -> None:
    """The page is not lost however many attempts it took; the next one comes within five minutes."""
    with receiving() as receiver:
        receiver.way = "fail"
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()))
        fails_until(world, notifier, 2 * 3600)
        receiver.way = "take"
        works(notifier)

        assert world.seconds <= 2 * 3600 + 300
        assert [m["title"] for m in receiver.taken] == [
            "CRITICAL: incident opened: redis-cart is the probable cause"
        ]


def test_an_end_takes_the_waiting_opening_along(world: World) -> None:
    """What resolves while its opening waits for another attempt is told once, as resolved."""
    with receiving() as receiver:
        receiver.way = "fail"
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()))
        fails_until(world, notifier, 600)
        receiver.way = "take"
        world.seconds = 601
        world.happens(("resolved", incident(resolved=601)))
        world.seconds = 606
        works(notifier)
        world.seconds = 2_000
        works(notifier)

        assert [m["type"] for m in receiver.taken] == ["success"]
        assert world.counts() == (0, 2, 0)


@pytest.mark.slow
def test_failures_are_logged_by_place_and_seldom(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The failing URL is named by its place at once and every five minutes, and when it works again."""
    caplog.set_level(logging.INFO, "aiops_rca.notify")
    with several(2) as (working, failing):
        failing.way = "fail"
        notifier = world.notifier(working.url(), failing.url())
        for number in range(100):
            world.happens(("opened", incident(f"inc-{number}", opened=world.seconds)), urls=2)
            world.seconds += 6
            works(notifier)
        failing.way = "take"
        world.seconds += 300
        works(notifier)

        assert [record.getMessage() for record in caplog.records] == [
            "notifications to notify.urls[1] fail",
            "notifications to notify.urls[1] fail",
            "notifications to notify.urls[1] are taken again",
        ]


def test_retries_show_by_place(world: World) -> None:
    """A metric counts what waits for a URL that fails, and falls back to zero."""
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry, (), urls=2)
    figures = []
    with several(2) as (working, failing):
        notifier = world.notifier(working.url(), failing.url())
        world.happens(("opened", incident()), urls=2)
        for way, world.seconds in (("fail", 5.0), ("take", 6.0)):
            failing.way = way
            works(notifier)
            metrics.record(Vitals(world.now(), world.store.standing(), None, None, ()))
            figures.append(
                [registry.get_sample_value("aiops_notifications_retrying", {"url": n}) for n in "01"]
            )

    assert figures == [[0, 1], [0, 0]]


def test_an_end_of_what_was_never_told_is_not_told(world: World) -> None:
    """Whose opening was dropped, because of a snooze, does not come up as resolved."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident(snoozed=20)))
        world.seconds = 5
        works(notifier)
        world.seconds = 60
        world.happens(("resolved", incident(resolved=60)))
        world.seconds = 70
        works(notifier)

        assert (receiver.asked, world.counts()) == (0, (0, 0, 0))


def test_each_severity_is_told_once(world: World) -> None:
    """Worse within the settling time is one message; worse after that is one more, whatever comes back."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        for occasion, severity, seconds in (
            ("opened", Severity.INFO, 1),
            ("severity", Severity.WARNING, 6),
            ("severity", Severity.CRITICAL, 60),
            ("severity", Severity.CRITICAL, 60),
        ):
            world.happens((occasion, incident(severity=severity)))
            world.seconds += seconds
            works(notifier)

        about = "redis-cart is the probable cause"
        assert [m["title"] for m in receiver.taken] == [
            f"WARNING: incident opened: {about}",
            f"CRITICAL: incident got worse: {about}",
        ]


def test_silence_says_since_when(world: World) -> None:
    """An incident that expired is told with the time its alerts were last told of."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()), alerts=(alert(seen_at=T0 + 2_000),))
        world.seconds = 6
        works(notifier)
        world.seconds = 900
        world.happens(("expired", incident(resolved=900)))
        world.seconds = 906
        works(notifier)

        assert receiver.taken[-1]["title"].startswith(
            "CRITICAL: incident not heard of since 2026-05-28T20:26:42.000Z: "
        )
        assert [m["type"] for m in receiver.taken] == ["failure", "warning"]


def test_a_receiver_that_comes_back_is_told(world: World) -> None:
    """What nobody listened for is told when somebody does."""
    port = free_port()
    notifier = world.notifier(f"json://127.0.0.1:{port}/")
    world.happens(("opened", incident()))
    world.seconds = 5
    works(notifier)
    refused = world.counts()
    with receiving(port) as receiver:
        world.seconds = 6
        works(notifier)

        assert (refused, len(receiver.taken), world.counts()) == ((1, 0, 0), 1, (0, 1, 0))


def test_a_hanging_receiver_holds_up_nobody(world: World) -> None:
    """While one URL hangs, another one is told everything at once."""
    with several(2) as (hanging, working):
        hanging.way = "hang"
        notifier = world.notifier(hanging.url(), working.url(), timeout_sec=60)
        for number in range(3):
            world.happens(("opened", incident(f"inc-{number}")), urls=2)
            world.seconds += 6
            notifier.step()
            assert working.wait(number + 1)
            notifier.step()
        deadline = time.monotonic() + 5
        while world.counts()[1] < 3 and time.monotonic() < deadline:
            notifier.step()

        assert (hanging.asked, len(working.taken)) == (1, 3)


def test_a_dripping_receiver_runs_out_of_time(world: World) -> None:
    """An answer that never ends counts as a failed attempt when its time is over."""
    with receiving() as receiver:
        receiver.way = "drip"
        notifier = world.notifier(receiver.url(), timeout_sec=0.2)
        world.happens(("opened", incident()))
        world.seconds = 5
        works(notifier)
        rows = world.outbox.due(world.now() + 60_000, 9, target=0)

        assert [(row.attempts, row.due_at - world.now()) for row in rows] == [(1, 1_000)]


def test_many_incidents_are_one_message(world: World) -> None:
    """Forty incidents that open together are told in one message to each URL."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        world.happens(*(("opened", incident(f"inc-{n:02}")) for n in range(40)))
        world.seconds = 5
        works(notifier)

        assert [m["title"] for m in receiver.taken] == ["40 incidents: 40 opened"]
        assert world.counts() == (0, 40, 0)


def test_incidents_that_open_in_quick_succession_are_one_message(world: World) -> None:
    """Incidents that open within a second wait for each other."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        for number in range(6):
            world.seconds = number * 0.15
            world.happens(("opened", incident(f"inc-{number}")))
        for world.seconds in (5.0, 5.3, 5.6, 5.75, 6.1):
            works(notifier)

        assert [m["title"] for m in receiver.taken] == ["6 incidents: 6 opened"]


def test_a_minute_has_its_limit(world: World) -> None:
    """No more messages leave within a minute than allowed; the last one of it tells all that waits."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url(), per_minute=2)
        told_at = []
        for second in range(100):
            world.seconds = float(second)
            if second % 10 == 0:
                world.happens(("opened", incident(f"inc-{second}", opened=second)))
            before = receiver.asked
            works(notifier)
            told_at += [second] * (receiver.asked - before)

        assert told_at == [5, 15, 65, 75]
        assert receiver.taken[2]["title"] == "5 incidents: 5 opened"


def test_a_snoozed_incident_is_not_told(world: World) -> None:
    """Whether somebody is told is decided by how the incident stands when the message would leave."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()))
        world.seconds = 3
        world.happens(("root_cause", incident(snoozed=3600)))
        world.seconds = 10
        works(notifier)

        assert (receiver.asked, world.counts()) == (0, (0, 0, 0))


def test_a_diagnosis_is_waited_for(world: World) -> None:
    """A message waits until the incident is diagnosed."""
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        world.happens(("opened", incident()), diagnoses=())
        world.seconds = 6
        works(notifier)
        early = receiver.asked
        world.happens(diagnoses=(diagnosis(),))
        works(notifier)

        assert (early, [m["title"] for m in receiver.taken]) == (
            0,
            ["CRITICAL: incident opened: redis-cart is the probable cause"],
        )


def test_after_a_crash_it_is_told_again(world: World) -> None:
    """A message whose end nobody noted is told by the next notifier."""
    with receiving() as receiver:
        world.happens(("opened", incident()))
        world.seconds = 5
        world.notifier(receiver.url()).step()  # and that one is never heard of again
        assert receiver.wait(1)
        works(world.notifier(receiver.url()))

        assert (len(receiver.taken), world.counts()) == (2, (0, 1, 0))


def test_a_url_that_was_taken_out_is_forgotten(world: World) -> None:
    """What waits for a URL that is no longer in the settings is dropped."""
    with receiving() as receiver:
        world.happens(("opened", incident()), urls=3)
        world.seconds = 5
        works(world.notifier(receiver.url()))

        assert world.counts() == (0, 1, 0)


def test_the_thread_survives_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    """A notifier that cannot use the outbox goes on as soon as it can, and stops when told to."""
    world = World(tmp_path)
    with receiving() as receiver:
        notifier = world.notifier(receiver.url())
        notifier.start()
        time.sleep(0.2)
        migrate(world.engine, "incidents")
        world.happens(("opened", incident()))
        world.seconds = 5
        told = receiver.wait(1)
        notifier.stop()
        stopped = notifier._thread
        world.happens(("opened", incident("inc-2", opened=5)))
        world.seconds = 20
        time.sleep(0.3)
        notifier.start()
        again = receiver.wait(2)
        notifier.stop()

    world.engine.dispose()
    assert (len(told), len(again)) == (1, 2)
    assert stopped is not None
    assert not stopped.is_alive()
