"""The stream, its diagnoses and their narratives on a clock that is moved by hand: hours pass in a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, TypeVarTuple

from aiops_rca.bootstrap.rules import rules_of
from aiops_rca.correlator.calling import Calls
from aiops_rca.correlator.diagnosing import Diagnosing
from aiops_rca.correlator.documenting import Documents, Frame
from aiops_rca.correlator.jobs import Narrator, Timing
from aiops_rca.correlator.narrating import Narrating
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.event import AlertEvent
from aiops_rca.domain.release import Release
from aiops_rca.live.records import AlertRecord, Changes, DiagnosisRecord
from aiops_rca.settings import Llm, Settings
from stream import T0, Stream

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
AS_SHIPPED = Settings()
_TURNS = 40  # more than any chain of callbacks between two waits is long


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock (seconds) moves when told to; what runs beside it runs at once."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__()

    def time(self) -> float:
        """See `asyncio.AbstractEventLoop`."""
        return self._now

    def run_in_executor(
        self,
        executor: Executor | None,  # noqa: ARG002 - as inherited
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """See `asyncio.AbstractEventLoop`."""
        done: asyncio.Future[T] = self.create_future()
        done.set_result(func(*args))
        return done

    def at(self, now: float) -> None:
        """Let it be *now*, and everything happen that is due."""
        self._now = max(now, self._now)
        if asyncio.all_tasks(self):
            for _ in range(_TURNS):
                self.call_soon(self.stop)
                self.run_forever()


class Virtually(Calls):
    """Calls on the event loop of the test instead of a thread."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._virtual = loop

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """See `Calls`."""
        task, future = self._virtual.create_task(work), Future[T]()

        def hand_over(done: asyncio.Task[T]) -> None:
            if done.cancelled():
                future.cancel()
            elif (error := done.exception()) is not None:
                future.set_exception(error)
            else:
                future.set_result(done.result())

        task.add_done_callback(hand_over)
        future.add_done_callback(lambda done: task.cancel() if done.cancelled() else None)
        return future

    def close(self) -> None:
        """See `Calls`."""


class Words(Narrating):
    """What puts the incidents of one scene into words, as *llm* says, in virtual time."""

    def __init__(
        self, narrator: Narrator, release: Release, loop: VirtualLoop, llm: Llm = AS_SHIPPED.llm
    ) -> None:
        growth = AS_SHIPPED.llm.growth
        ms = (round(1000 * llm.settle_sec), round(1000 * llm.quiet_sec))
        super().__init__(narrator, Documents(release, {}), Timing(*ms, growth, llm.max_in_flight))
        self._beside = Virtually(loop)

    @property
    def is_waiting(self) -> bool:
        """Whether the passing of time alone brings something about."""
        return bool(self._waiting or self._calls)


class Everything(Words):
    """Wants words for every diagnosis, and gets none: *heard* are the diagnoses with their incidents."""

    def __init__(self, narrator: Narrator, release: Release, loop: VirtualLoop) -> None:
        super().__init__(narrator, release, loop)
        self.heard: list[tuple[str, Diagnosis]] = []

    def begin(
        self,
        diagnosis: Diagnosis,
        frame: Frame,
        *,
        over: bool,  # noqa: ARG002 - as inherited
        summaries: Callable[[], Mapping[str, str]],  # noqa: ARG002 - as inherited
    ) -> tuple[DiagnosisRecord, ...]:
        """See `Narrating`."""
        self.heard.append((frame.incident, diagnosis))
        return (self._shown.record(diagnosis, frame),)


class Body(NamedTuple):
    """What is told *at* a second of a scene."""

    at: int
    events: tuple[AlertEvent, ...]


@dataclass(frozen=True)
class Scene:
    """One failure as its alerts come in, and what diagnoses it. *bodies* are sorted by time."""

    release: Release
    bodies: Sequence[Body]


class Played(NamedTuple):
    """How a scene has gone: the incidents that were made of it, and the second after its end."""

    incidents: frozenset[str]
    until: int


def play(scene: Scene, begins: int, loop: VirtualLoop, words: Sequence[Words]) -> Played:
    """Play *scene* from the second *begins* (after T0) on, for each of *words* apart.

    It ends when all its incidents are over and nothing is awaited any more. Looks are a second apart.
    """
    stream = Stream(rules_of(AS_SHIPPED, scene.release))
    lines = [_line(scene.release, stream, one) for one in words]
    now = begins
    for body in scene.bodies:
        for tick in _idle(stream, words, now, begins + body.at):
            _look(loop, stream, lines, stream.wait(tick), tick)
        now = begins + body.at
        _look(loop, stream, lines, stream.tell(*_placed(body.events, begins), at=now), now)
    for tick in _idle(stream, words, now, None):
        _look(loop, stream, lines, stream.wait(tick), tick)
        now = tick
    return Played(frozenset(record.id for record in stream.standing()), now + 1)


def _line(release: Release, stream: Stream, words: Words) -> Diagnosing:
    def kept(incident: str, limit: int) -> Iterable[AlertRecord]:
        rows = stream.shelf.alerts.values()
        return [row for row in rows if row.incident == incident][:limit]

    growth = AS_SHIPPED.live.rediagnose_growth
    return Diagnosing(release, {}, growth=growth, kept_alerts=kept, clock=lambda: 0.0, narrating=words)


def _idle(stream: Stream, words: Sequence[Words], now: int, until: int | None) -> Iterator[int]:
    """The seconds after *now*, before *until* or the end of everything, at which something may happen."""
    while stream.state.incidents or any(one.is_waiting for one in words):
        turn = -(-(stream.state.look_at - T0) // 1000)
        now = now + 1 if any(one.is_waiting for one in words) else max(now + 1, turn)
        if until is not None and now >= until:
            return
        yield now


def _look(loop: VirtualLoop, stream: Stream, lines: Sequence[Diagnosing], changes: Changes, at: int) -> None:
    now = T0 + 1000 * at
    loop.at(now / 1000)
    for line in lines:
        line.note(changes)
        line.make(stream.state, now=now, seconds=1.0)
        line.stored(changes)
    loop.at(now / 1000)


def _placed(events: Iterable[AlertEvent], begins: int) -> list[AlertEvent]:
    """*events* with their times, milliseconds of the scene, as those of the day on which it is played."""
    day = T0 + 1000 * begins

    def placed(ms: int | None) -> int | None:
        return None if ms is None else day + ms

    return [e._replace(starts_at=placed(e.starts_at), ends_at=placed(e.ends_at)) for e in events]
