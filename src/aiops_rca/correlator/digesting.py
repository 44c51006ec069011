"""Folds entries of which one may be indigestible: it is found, and the fold goes on without it.

Whatever a sender, or a version of this program before, has got into the journal: it must not stop what
comes after it. What cannot be folded goes into quarantine, readable, and everything else is folded.
"""

from __future__ import annotations

import base64
import logging
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from aiops_rca.domain.event import AlertEvent
from aiops_rca.live.entry import ALERTS, COMMAND, Entry, decode_command, decode_events, encode_events
from aiops_rca.live.faults import FOLD_FAILED
from aiops_rca.live.fold import fold, unsure
from aiops_rca.live.records import Changes
from aiops_rca.live.rows import Refused
from aiops_rca.live.state import Rules, State

log = logging.getLogger("aiops_rca.digesting")

_ANY = sys.maxsize
_HEADERS = {"content-type": "application/json"}


class Digest(NamedTuple):
    """What folding *eaten*, the first of the entries given, has made; *refused* is what was left out."""

    state: State
    changes: Changes
    eaten: Sequence[Entry]
    refused: tuple[Refused, ...] = ()


class IndigestibleError(Exception):
    """Folding, or storing what was folded, failed in a way nobody foresaw; the cause says how."""


class Digestion:
    """Folds by *rules*; *known* says which alerts are stored (it may raise RcaError: no entry's fault)."""

    def __init__(self, rules: Rules, known: Callable[[set[str]], Collection[str]]) -> None:
        self._rules, self._known = rules, known
        self._most = _ANY  # entries at once: few after a failure, so that each step is short and kept
        self._bad: dict[int, Exception] = {}  # what could be folded and then not be stored

    def digest(self, state: State, entries: Sequence[Entry], *, now: int) -> Digest:
        """Fold as many of *entries* as can be folded at once, at least one; then let it be *now*.

        One that cannot be folded alone is left out. What fails without any entry is raised.
        """
        piece = entries[: self._most]
        while True:
            try:
                digest = self._fold(state, piece, now)
            except IndigestibleError as error:
                cause = error.__cause__
                if not piece or not isinstance(cause, Exception):
                    raise
                if len(piece) == 1:
                    return self._leave_out(state, piece[0], cause, now)
                piece = self._less(piece)
            else:
                self._most = min(2 * self._most, _ANY)
                return digest

    def blame(self, digest: Digest, error: IndigestibleError) -> None:
        """What *digest* made cannot be stored: take less next time, at last leave the entry at fault out.

        Raises *error* when no entry can be at fault.
        """
        cause = error.__cause__
        if digest.refused or not digest.eaten or not isinstance(cause, Exception):
            raise error
        log.warning("what was folded cannot be stored", extra={"event": {"reason": type(cause).__name__}})
        if len(digest.eaten) == 1:
            self._bad = {digest.eaten[0].seq: cause}
        self._less(digest.eaten)

    def _less(self, piece: Sequence[Entry]) -> Sequence[Entry]:
        self._most = max(1, len(piece) // 2)
        return piece[: self._most]

    def _fold(self, state: State, piece: Sequence[Entry], now: int) -> Digest:
        if piece and piece[0].seq in self._bad:
            return self._leave_out(state, piece[0], self._bad[piece[0].seq], now)
        with foreseeing():
            ids = unsure(state, piece, self._rules)
        known = frozenset(self._known(ids)) if ids else frozenset()
        with foreseeing():
            return Digest(*fold(state, piece, self._rules, now=now, known=known), piece)

    def _leave_out(self, state: State, entry: Entry, error: Exception, now: int) -> Digest:
        """Go on after *entry* as if it had told nothing. Where even that fails, the entry is not at fault."""
        hollow = entry._replace(kind=ALERTS, payload=encode_events(()))
        folded, changes = fold(state, [hollow], self._rules, now=now)
        reason = FOLD_FAILED + type(error).__name__
        event = {"entry": entry.seq, "source": entry.source, "reason": reason}
        log.error("an entry goes into quarantine", exc_info=error, extra={"event": event})
        source = COMMAND if entry.kind == COMMAND else entry.source
        field, body = f"journal entry {entry.seq}", readable(entry)
        refused = Refused(entry.received_at, source, field, reason, _HEADERS, body)
        return Digest(folded, changes, [entry], (refused,))


@contextmanager
def foreseeing(*expected: type[Exception]) -> Iterator[None]:
    """Let *expected* errors pass and name what nobody foresaw.

    A fold is pure and its input was accepted long ago, so what it raises is a fault of ours that comes
    again with every try, of a kind that cannot be known here: hence, as nowhere else within, Exception.
    """
    try:
        yield
    except expected:
        raise
    except Exception as error:
        raise IndigestibleError from error


def readable(entry: Entry) -> bytes:
    """The payload of *entry* as JSON: alerts in the words of `/webhooks/generic`, a command by its fields."""
    try:
        if entry.kind == COMMAND:
            return msgspec.json.encode({"command": decode_command(entry.payload)._asdict()})
        return msgspec.json.encode({"alerts": [_spoken(event) for event in decode_events(entry.payload)]})
    except (msgspec.MsgspecError, ValueError):  # written by another version, or damaged
        return msgspec.json.encode({"payload_base64": base64.b64encode(entry.payload).decode()})


def _spoken(event: AlertEvent) -> dict[str, Any]:
    said = {name: value for name, value in event._asdict().items() if value is not None}
    said["status"] = "resolved" if said.pop("resolved") else "firing"
    return said | {"severity": event.severity.word}
