"""Lists in parts: how long a part is, and opaque cursors that say where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query

from aiops_rca.domain.errors import InputError
from aiops_rca.wire import encode
from aiops_rca.wire.live import NO_NUL, Page

R = TypeVar("R")
T = TypeVar("T")
Mark = tuple[int | str, ...]

DEFAULT_LIMIT, MOST = 50, 500
Limit = Annotated[int, Query(ge=1, le=MOST, description="how many at most")]
Cursor = Annotated[
    str | None,
    Query(max_length=16_384, pattern="^[A-Za-z0-9_-]*$", description="`next_cursor` of the part before"),
]
NUMBER = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # what a database keeps as a whole number
WORD = Annotated[str, msgspec.Meta(pattern=NO_NUL)]


def write_cursor(name: str, mark: Mark) -> str:
    """A cursor of the list *name* that stands behind *mark*."""
    return base64.urlsafe_b64encode(encode((name, *mark))).decode().rstrip("=")


def read_cursor(cursor: str | None, name: str, *kinds: Any) -> Any:
    """The tuple that `write_cursor` was given, of *kinds* (`NUMBER`, `WORD`); None for no cursor.

    Raises InputError for one that is of another list or was not made here.
    """
    if cursor is None:
        return None
    kind = tuple[(str, *kinds)]  # type: ignore[valid-type]
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        written, *mark = msgspec.json.decode(text, type=kind)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("not a cursor of this list", field="cursor") from error
    if written != name:
        raise InputError("not a cursor of this list", field="cursor")
    return tuple(mark)


def page(
    rows: Sequence[R], limit: int, name: str, mark: Callable[[R], Mark], show: Callable[[R], T]
) -> Page[T]:
    """The page of at most *limit* of *rows*; one row more than that says that the list goes on.

    *mark* gives what the cursor behind a row holds, *show* what the page holds of it.
    """
    shown = rows[:limit]
    following = write_cursor(name, mark(shown[-1])) if len(rows) > limit else None
    return Page([show(row) for row in shown], following)
