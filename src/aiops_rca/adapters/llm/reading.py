"""The bytes of an answer with status 200 -> a reply, or a fault where they are no message. Pure.

Bytes are decoded here rather than by the SDK, which lets a page of HTML or an object of any kind pass.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from aiops_rca.adapters.llm.faults import Fault
from aiops_rca.domain.narrative import Usage
from aiops_rca.enrich.asking import CLIENT_ERROR, PARSE_ERROR, Reply

_MOST_TOKENS = 10_000_000  # more than any model reads: who says so has miscounted
_Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST_TOKENS)]
_UNKNOWN = Usage()


class _Block(msgspec.Struct):
    type: str
    text: str = ""


class _Usage(msgspec.Struct):
    input_tokens: _Count = 0
    output_tokens: _Count = 0
    cache_read_input_tokens: _Count | None = 0
    cache_creation_input_tokens: _Count | None = 0


class _Message(msgspec.Struct):
    type: Literal["message"]
    content: list[_Block]
    stop_reason: str | None
    usage: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


def read(status: int, body: bytes) -> Reply | Fault:
    """What *body* says; a status other than 200 that is no error is none of a message either.

    A usage that cannot be is all zero, as one that is not told: nobody knows what the answer took.
    """
    if status != 200:
        return Fault(CLIENT_ERROR, f"{status} instead of an answer", sent=False)
    try:
        message = msgspec.json.decode(body, type=_Message)
    except (msgspec.MsgspecError, RecursionError):
        return Fault(PARSE_ERROR, "the answer is no message of the API")
    return Reply(
        stop_reason=message.stop_reason,
        kinds=tuple(block.type for block in message.content),
        text="".join(block.text for block in message.content if block.type == "text"),
        usage=_usage(message.usage),
    )


def _usage(told: msgspec.Raw) -> Usage:
    try:
        usage = msgspec.json.decode(told, type=_Usage)
    except (msgspec.MsgspecError, RecursionError):
        return _UNKNOWN
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens or 0,
        usage.cache_creation_input_tokens or 0,
    )
