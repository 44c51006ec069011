"""Webhooks: from a sender's body to events on disk, and the count of what became of them.

The answer is given only after everything of the body is durably kept: events in the journal, what could
not be read in quarantine. A failure to keep it is RcaError "full" and the sender may come again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import NamedTuple, Protocol

from aiops_rca.domain.errors import RcaError
from aiops_rca.domain.event import AlertEvent
from aiops_rca.live.entry import ALERTS, Entry, decode_events, encode_events
from aiops_rca.live.rows import Draft, Refused
from aiops_rca.web.repeats import Repeats, Sorted
from aiops_rca.wire.live import AcceptedOut

UNKNOWN = "unknown"  # the source of a body that no adapter recognises
_INLINE_BYTES = 256 * 1024  # a larger body is read beside the event loop
_KEPT_HEADERS = ("content-type", "user-agent")  # and ce-*; never one that holds a credential


class Unread(Protocol):
    """One alert that could not be read; see `ingest.reader.Fault`."""

    @property
    def field(self) -> str:
        """What was wrong with it: the path to the value."""
        ...

    @property
    def reason(self) -> str:
        """In words."""
        ...

    @property
    def fragment(self) -> bytes:
        """A body that holds this alert alone."""
        ...


class Reading(Protocol):
    """What was in a body; see `ingest.reader.Reading`."""

    @property
    def events(self) -> Sequence[AlertEvent]:
        """The alerts that could be read."""
        ...

    @property
    def faults(self) -> Sequence[Unread]:
        """Those that could not."""
        ...

    @property
    def recognised(self) -> bool:
        """False when the body is nothing the source could have sent."""
        ...


class Reader(Protocol):
    """Reads bodies; see `ingest.reader.Reader`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every source there is."""
        ...

    @property
    def guarded(self) -> tuple[str, ...]:
        """The sources that must present a credential."""
        ...

    def known(self, source: str) -> bool:
        """Tell whether there is such a source."""
        ...

    def verify(self, source: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raise RcaError "unauthorized" unless *source* presents what it must."""
        ...

    def read(
        self, source: str | None, body: bytes, headers: Mapping[str, str], received_at: int
    ) -> tuple[str, Reading]:
        """The source's name and what its body holds; without a name the source is found."""
        ...


class Appender(Protocol):
    """Keeps drafts on disk; see `adapters.store.committer.Committer`."""

    async def append(self, drafts: Sequence[Draft], refused: Sequence[Refused] = ()) -> int:
        """Return once all of it is on disk; raises RcaError "full" when none of it is."""
        ...


class Recorder(Protocol):
    """Where the figures of webhooks go."""

    def kept(self, source: str, accepted: int, duplicates: int, quarantined: int) -> None:
        """Count what became of the alerts of one body."""
        ...


class Receipt(NamedTuple):
    """The answer to one webhook: its HTTP status, the source it was found to be of, and the counts."""

    status: int
    source: str
    outcome: AcceptedOut


_Read = Callable[[str | None, Mapping[str, str], bytes, int], tuple[str, Reading]]


class Webhooks:
    """Receives webhooks for one process. *now* gives epoch milliseconds."""

    def __init__(
        self,
        reader: Reader,
        committer: Appender,
        recorder: Recorder,
        *,
        now: Callable[[], int],
        repeats: Repeats | None = None,
    ) -> None:
        self._reader, self._committer, self._recorder = reader, committer, recorder
        self._now = now
        self._repeats = repeats or Repeats()
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="webhook")

    def warm(self, entries: Iterable[Entry]) -> None:
        """Take what the journal holds, oldest first, as told before."""
        for entry in entries:
            if entry.kind == ALERTS:
                self._repeats.note(decode_events(entry.payload), entry.received_at)

    def expect(self, source: str | None) -> str:
        """The label of *source* for metrics; raises RcaError "not_found" when nobody is called so."""
        if source is None:
            return UNKNOWN
        if not self._reader.known(source):
            names = ", ".join(self._reader.names)
            raise RcaError(f"there is no source {source[:80]!r}; there are {names}", code="not_found")
        return source

    async def receive(self, source: str | None, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Keep what *body* holds. Header names are in lower case; the body is plain, not compressed.

        Raises RcaError: "not_found", "unauthorized", "full".
        """
        self.expect(source)
        now = self._now()
        name, reading = await self._reading(self._read, source, headers, body, now)
        faults = _refused(name, reading, headers, body, now)
        return await self._keep(name, reading.events, faults, now)

    async def again(self, source: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """Receive what lies in quarantine once more; what still cannot be read is RcaError "invalid"."""
        named = source if self._reader.known(source) else None
        now = self._now()
        name, reading = await self._reading(self._read_again, named, headers, body, now)
        fault = next(iter(reading.faults), None)
        if fault is not None or not reading.recognised:
            reason = fault.reason if fault else "no source recognises this body"
            raise RcaError(f"still not readable: {reason}", code="invalid", field="body")
        return await self._keep(name, reading.events, (), now)

    def close(self) -> None:
        """End the thread for large bodies."""
        self._beside.shutdown()

    async def _reading(
        self, read: _Read, source: str | None, headers: Mapping[str, str], body: bytes, now: int
    ) -> tuple[str, Reading]:
        """What *read* finds in *body*; a large one holds up no other request."""
        if len(body) <= _INLINE_BYTES:
            return read(source, headers, body, now)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._beside, read, source, headers, body, now)

    def _read_again(
        self, source: str | None, headers: Mapping[str, str], body: bytes, now: int
    ) -> tuple[str, Reading]:
        return self._reader.read(source, body, headers, now)

    def _read(
        self, source: str | None, headers: Mapping[str, str], body: bytes, now: int
    ) -> tuple[str, Reading]:
        if source is not None:
            self._reader.verify(source, headers, body)
        name, reading = self._reader.read(source, body, headers, now)
        if source is None:
            self._verify_found(name, headers, body)
        return name, reading

    def _verify_found(self, name: str, headers: Mapping[str, str], body: bytes) -> None:
        """A body without a name must satisfy the source it turns out to be of.

        One that nobody recognises must satisfy any that asks for something: else quarantine would be
        open to everybody.
        """
        guarded = self._reader.guarded
        if self._reader.known(name):
            self._reader.verify(name, headers, body)
            return
        if guarded and not any(self._passes(other, headers, body) for other in guarded):
            raise RcaError("no source is satisfied with these credentials", code="unauthorized")

    def _passes(self, source: str, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            self._reader.verify(source, headers, body)
        except RcaError:
            return False
        return True

    async def _keep(
        self, source: str, events: Sequence[AlertEvent], refused: Sequence[Refused], now: int
    ) -> Receipt:
        told = self._repeats.sort(events, now, map(_hash, refused))
        fresh = [refused[position] for position in told.pieces]
        await self._commit(source, told, fresh, now)
        again = len(refused) - len(fresh)
        outcome = AcceptedOut(len(events) - told.duplicates, told.duplicates + again, len(fresh))
        self._recorder.kept(source, outcome.accepted, outcome.duplicates, outcome.quarantined)
        return Receipt(202 if events or refused else 200, source, outcome)

    async def _commit(self, source: str, told: Sorted, refused: Sequence[Refused], now: int) -> None:
        try:
            if told.journal or refused:
                payload = encode_events(told.journal)
                draft = Draft(now, ALERTS, source, len(told.journal), payload)
                await self._committer.append((draft,) if told.journal else (), refused)
        except BaseException:  # a cancelled request too must leave no claim behind
            self._repeats.drop(told.ticket)
            raise
        self._repeats.keep(told.ticket, now)
        for ticket in told.waits:
            if not await asyncio.shield(ticket.kept):
                raise RcaError("the same alert, told at the same time, could not be kept", code="full")


def _hash(piece: Refused) -> bytes:
    """What is the same when the same piece comes again, wherever in a body it then stands."""
    event = sorted((name, value) for name, value in piece.headers.items() if name.startswith("ce-"))
    digest = blake2b(repr((piece.source, piece.reason, event)).encode(), digest_size=16)
    digest.update(piece.body)
    return digest.digest()


def _refused(
    source: str, reading: Reading, headers: Mapping[str, str], body: bytes, now: int
) -> tuple[Refused, ...]:
    """What of a body goes to quarantine: single alerts, or all of it when it was not recognised."""
    if reading.recognised and not reading.faults:
        return ()
    kept = {k: v for k, v in headers.items() if k in _KEPT_HEADERS or k.startswith("ce-")}
    if reading.recognised:
        return tuple(Refused(now, source, f.field, f.reason, kept, f.fragment) for f in reading.faults)
    fault = next(iter(reading.faults), None)
    field, reason = (fault.field, fault.reason) if fault else ("body", "no source recognises this body")
    return (Refused(now, source, field, reason, kept, body),)
