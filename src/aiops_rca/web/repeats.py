"""Which events were told before: a bounded index, so that re-delivery costs neither disk nor a second count.

An event counts as seen once its commit has succeeded. Only a filter in front of the fold, which is
idempotent by itself: what the index forgets is told apart there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from aiops_rca.domain.event import AlertEvent

CAPACITY = 200_000
STALE_MS = 60_000  # a repetition proves that the alert lives: once a minute that is worth a line

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Told = tuple[str, int | None, int | None, int, float | None]


class Ticket:
    """The commit that one body waits for. *kept* becomes True, or False when it failed."""

    __slots__ = ("dated", "kept", "undated")

    def __init__(self) -> None:
        self.kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.dated: list[Told] = []
        self.undated: list[Told] = []


_At = int | Ticket  # when it was journaled last, in epoch milliseconds, or the commit under way


class Sorted(NamedTuple):
    """One body's events. *journal* are those to be kept: new ones and repetitions not noted for a while.

    *waits* are commits of others that this body's repetitions rest on.
    """

    journal: Sequence[AlertEvent]
    duplicates: int
    ticket: Ticket
    waits: tuple[Ticket, ...]


class Generations(Generic[K, V]):
    """A map of at most *capacity* keys in two halves; the older is dropped when the younger is full."""

    def __init__(self, capacity: int) -> None:
        self._half = max(capacity // 2, 1)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """What is kept under *key*; None when nothing is, or no more."""
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def put(self, key: K, value: V) -> None:
        """Keep *value* under *key*, as the youngest."""
        young = self._young
        if len(young) >= self._half and key not in young:
            self._old, self._young = young, {}
            young = self._young
        young[key] = value

    def drop(self, key: K) -> None:
        """Forget *key*."""
        self._young.pop(key, None)
        self._old.pop(key, None)


class Repeats:
    """The index of one process and one event loop. Exactly one of `keep` and `drop` follows each `sort`.

    An event with a time is known by all it says. Of a signal without times only the last word counts:
    one that fires, ends and fires again says the same twice and means it.
    """

    def __init__(self, capacity: int = CAPACITY, stale_ms: int = STALE_MS) -> None:
        self._stale_ms = stale_ms
        self._dated: Generations[Told, _At] = Generations(capacity)
        self._last: Generations[str, tuple[Told, _At]] = Generations(capacity)

    def __len__(self) -> int:
        return len(self._dated) + len(self._last)

    def sort(self, events: Iterable[AlertEvent], now: int) -> Sorted:
        """Tell new events from repetitions and claim the new ones."""
        ticket = Ticket()
        journal: list[AlertEvent] = []
        waits: dict[Ticket, None] = {}
        duplicates = 0
        for event in events:
            told = _told(event)
            at = self._when(told)
            if at is not None:
                duplicates += 1
                if isinstance(at, Ticket):
                    waits[at] = None
                    continue
                if now - at <= self._stale_ms:
                    continue
            self._claim(told, ticket)
            journal.append(event)
        waits.pop(ticket, None)
        return Sorted(journal, duplicates, ticket, tuple(waits))

    def keep(self, ticket: Ticket, now: int) -> None:
        """The commit of *ticket* succeeded: what it claimed is seen from now on."""
        for told in ticket.dated:
            self._dated.put(told, now)
        for told in self._standing(ticket):
            self._last.put(told[0], (told, now))
        ticket.kept.set_result(True)

    def drop(self, ticket: Ticket) -> None:
        """The commit of *ticket* failed: what it claimed was never seen."""
        for told in ticket.dated:
            self._dated.drop(told)
        for told in self._standing(ticket):
            self._last.drop(told[0])
        ticket.kept.set_result(False)

    def note(self, events: Iterable[AlertEvent], at: int) -> None:
        """Take *events* as journaled at *at*; for those of an earlier run, oldest first."""
        for event in events:
            told = _told(event)
            if _has_time(told):
                self._dated.put(told, at)
                self._last.drop(told[0])
            else:
                self._last.put(told[0], (told, at))

    def _when(self, told: Told) -> _At | None:
        if _has_time(told):
            return self._dated.get(told)
        last = self._last.get(told[0])
        return last[1] if last is not None and last[0] == told else None

    def _claim(self, told: Told, ticket: Ticket) -> None:
        if _has_time(told):
            ticket.dated.append(told)
            self._dated.put(told, ticket)
            if self._last:
                self._last.drop(told[0])  # no longer the last word of its signal
        else:
            ticket.undated.append(told)
            self._last.put(told[0], (told, ticket))

    def _standing(self, ticket: Ticket) -> list[Told]:
        """The words without a time that *ticket* claimed and no newer one has replaced."""
        return [told for told in ticket.undated if self._last.get(told[0]) == (told, ticket)]


def _has_time(told: Told) -> bool:
    return told[1] is not None or told[2] is not None


def _told(event: AlertEvent) -> Told:
    # plain numbers and text: the garbage collector need not look into such a tuple again
    said = event.severity * 2 + event.resolved
    return event.fingerprint, event.starts_at, event.ends_at, said, event.value
