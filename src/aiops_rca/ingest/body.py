"""What a sender posted, and what of it could not be read.

A body is JSON, or nearly: a byte order mark, NaN, stray bytes and half surrogates are mended, so that one
bad text does not lose the alerts beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from aiops_rca.domain.errors import InputError

_MENDED_BYTES = 4 * 1024 * 1024  # a larger body is not looked over twice: that takes everybody's time
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Fault(NamedTuple):
    """One alert that could not be read.

    *field* is where it stands, *fragment* a body that holds it alone and that the same source could read.
    """

    field: str
    reason: str
    fragment: bytes


class Body(NamedTuple):
    """One webhook. *headers* have lower-case names; *received_at* is epoch milliseconds by our clock."""

    source: str
    raw: bytes
    headers: Mapping[str, str]
    received_at: int

    def document(self) -> Any:
        """The body as JSON; raises InputError with the field `body` when it is none."""
        try:
            return msgspec.json.decode(self.raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            if len(self.raw) > _MENDED_BYTES:
                raise InputError(f"not valid JSON: {error}", field="body") from error
            return _mended(self.raw, error)


def _mended(raw: bytes, error: Exception) -> Any:
    text = raw.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "replace")
    try:
        return _sound(json.loads(text, strict=False, parse_constant=_nothing))
    except (ValueError, RecursionError):
        raise InputError(f"not valid JSON: {error}", field="body") from error


def _nothing(_constant: str) -> None:
    """NaN and the infinite numbers say nothing."""


def _sound(value: Any) -> Any:
    """*value* with every half surrogate replaced: such text cannot be stored or sent anywhere."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_sound(item) for item in value]
    if isinstance(value, dict):
        return {_sound(key): _sound(item) for key, item in value.items()}
    return value


def fragment(value: object) -> bytes:
    """*value* as a body of its own."""
    return msgspec.json.encode(value)


def json_object(value: object, what: str) -> dict[str, Any]:
    """*value* where it is a JSON object; raises InputError with the field *what* where it is not."""
    if isinstance(value, dict):
        return value
    raise InputError("not an object", field=what)
