"""The one shape of every error, and the HTTP status of each code."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

STATUS: Mapping[str, int] = {
    "empty_batch": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid": 422,
    "internal": 500,
    "full": 503,
    "overloaded": 503,
    "not_ready": 503,
    "timeout": 504,
}

CLIENT_GONE = 499  # never sent, only logged: the caller hung up


class ErrorBody(Struct, gc=False):
    """What was wrong. *field* names the input at fault, where there is one."""

    code: str
    message: str
    field: str | None
    request_id: str


class ErrorOut(Struct, gc=False):
    """The one shape of every error."""

    error: ErrorBody
