"""What was told before: a bounded index, so that re-delivery costs neither disk nor a second count.

What is told counts as seen once its commit has succeeded. Of events it is only a filter in front of the fold,
which is idempotent by itself: what the index forgets is told apart there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from aiops_rca.domain.event import AlertEvent

CAPACITY = 200_000
STALE_MS = 60_000  # a repetition proves that the alert lives: once a minute that is worth a line
PIECE_CAPACITY = 20_000
PIECE_STALE_MS = 7 * 86_400_000  # quarantine is cleared now and then: what is still sent must be found in it

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Piece = bytes  # the hash of what went to quarantine
Told = tuple[str, int | None, int | None, int, float | None]


class Ticket:
    """The commit that one body waits for. *kept* becomes True, or False when it failed."""

    __slots__ = ("dated", "kept", "pieces", "undated")

    def __init__(self) -> None:
        self.kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.dated: list[Told] = []
        self.undated: list[Told] = []
        self.pieces: list[Piece] = []


_At = int | Ticket  # when it was journaled last, in epoch milliseconds, or the commit under way


class Sorted(NamedTuple):
    """One body. *journal* are the events to be kept, *pieces* the positions of what is new to quarantine.

    Kept are new events and, of the repetitions that *duplicates* counts, those without times or not noted
    for a while. *waits* are commits of others that this body's repetitions rest on.
    """

    journal: Sequence[AlertEvent]
    duplicates: int
    ticket: Ticket
    waits: tuple[Ticket, ...]
    pieces: tuple[int, ...] = ()


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

    An event with a time is known by all it says. Of a signal without times only the last word counts: one
    that fires, ends and fires again says the same twice and means it. Its end may have been told to another
    process, so such a word is counted as repeated and journaled nevertheless.
    """

    def __init__(self, capacity: int = CAPACITY, stale_ms: int = STALE_MS) -> None:
        self._stale_ms = stale_ms
        self._dated: Generations[Told, _At] = Generations(capacity)
        self._last: Generations[str, tuple[Told, _At]] = Generations(capacity)
        self._pieces: Generations[Piece, _At] = Generations(min(capacity, PIECE_CAPACITY))

    def __len__(self) -> int:
        return len(self._dated) + len(self._last) + len(self._pieces)

    def sort(self, events: Iterable[AlertEvent], now: int, pieces: Iterable[Piece] = ()) -> Sorted:
        """Tell new events, and *pieces* new to quarantine, from repetitions and claim the new ones."""
        ticket = Ticket()
        journal: list[AlertEvent] = []
        waits: dict[Ticket, None] = {}
        duplicates = 0
        for event in events:
            told = _told(event)
            at = self._when(told)
            if at is not None:
                duplicates += 1
                if _has_time(told) and not _is_stale(at, now, self._stale_ms, waits):
                    continue
            self._claim(told, ticket)
            journal.append(event)
        fresh = self._claim_pieces(pieces, ticket, now, waits)
        waits.pop(ticket, None)
        return Sorted(journal, duplicates, ticket, tuple(waits), fresh)

    def keep(self, ticket: Ticket, now: int) -> None:
        """The commit of *ticket* succeeded: what it claimed is seen from now on."""
        for told in ticket.dated:
            self._dated.put(told, now)
        for told in self._standing(ticket):
            self._last.put(told[0], (told, now))
        for piece in ticket.pieces:
            self._pieces.put(piece, now)
        ticket.kept.set_result(True)

    def drop(self, ticket: Ticket) -> None:
        """The commit of *ticket* failed: what it claimed was never seen."""
        for told in ticket.dated:
            self._dated.drop(told)
        for told in self._standing(ticket):
            self._last.drop(told[0])
        for piece in ticket.pieces:
            self._pieces.drop(piece)
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

    def _claim_pieces(
        self, pieces: Iterable[Piece], ticket: Ticket, now: int, waits: dict[Ticket, None]
    ) -> tuple[int, ...]:
        fresh: list[int] = []
        for position, piece in enumerate(pieces):
            at = self._pieces.get(piece)
            if at is None or _is_stale(at, now, PIECE_STALE_MS, waits):
                ticket.pieces.append(piece)
                self._pieces.put(piece, ticket)
                fresh.append(position)
        return tuple(fresh)

    def _standing(self, ticket: Ticket) -> list[Told]:
        """The words without a time that *ticket* claimed and no newer one has replaced."""
        return [told for told in ticket.undated if self._last.get(told[0]) == (told, ticket)]


def _is_stale(at: _At, now: int, stale_ms: int, waits: dict[Ticket, None]) -> bool:
    """Whether what was written at *at* is due again; a commit under way is waited for instead."""
    if isinstance(at, Ticket):
        waits[at] = None
        return False
    return now - at > stale_ms


def _has_time(told: Told) -> bool:
    return told[1] is not None or told[2] is not None


def _told(event: AlertEvent) -> Told:
    # plain numbers and text: the garbage collector need not look into such a tuple again
    said = event.severity * 2 + event.resolved
    return event.fingerprint, event.starts_at, event.ends_at, said, event.value
