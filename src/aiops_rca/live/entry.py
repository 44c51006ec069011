"""Journal entries, and how their payloads are written as bytes.

One entry is one accepted body (or one command): a storm of bodies is a storm of small rows, not of one
row per alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from aiops_rca.domain.command import Command
from aiops_rca.domain.event import AlertEvent

ALERTS = "alerts"
COMMAND = "command"

_EVENTS = msgspec.msgpack.Decoder(tuple[AlertEvent, ...])
_COMMAND = msgspec.msgpack.Decoder(Command)


class Entry(NamedTuple):
    """One row of the journal. *seq* grows by commit order; *received_at* is epoch milliseconds, ours."""

    seq: int
    received_at: int
    kind: str
    source: str
    payload: bytes


def encode_events(events: Sequence[AlertEvent]) -> bytes:
    """*events* as the payload of an `ALERTS` entry."""
    return msgspec.msgpack.encode(events)


def decode_events(payload: bytes) -> tuple[AlertEvent, ...]:
    """The events of an `ALERTS` entry."""
    return _EVENTS.decode(payload)


def encode_command(command: Command) -> bytes:
    """*command* as the payload of a `COMMAND` entry."""
    return msgspec.msgpack.encode(command)


def decode_command(payload: bytes) -> Command:
    """The command of a `COMMAND` entry."""
    return _COMMAND.decode(payload)
