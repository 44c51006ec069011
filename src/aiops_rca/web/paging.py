"""Lists in parts: how long a part is, and opaque cursors that say where the next one begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from aiops_rca.domain.errors import InputError
from aiops_rca.wire.live import Page

R = TypeVar("R")
T = TypeVar("T")
Mark = Sequence[int | str]

DEFAULT_LIMIT, MOST = 50, 500
Limit = Annotated[int, Query(ge=1, le=MOST, description="how many at most")]
Cursor = Annotated[str | None, Query(max_length=8192, description="`next_cursor` of the part before")]

_LARGEST = 2**63 - 1  # what a database keeps as a whole number


def write_cursor(name: str, mark: Mark) -> str:
    """A cursor of the list *name* that stands behind *mark*."""
    text = json.dumps([name, *mark], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, name: str, *kinds: type) -> tuple[int | str, ...] | None:
    """What `write_cursor` was given, one value per kind; None for no cursor.

    Raises InputError for one that is of another list or was not made here.
    """
    if cursor is None:
        return None
    try:
        mark = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        mark = None
    if not isinstance(mark, list) or [type(part) for part in mark] != [str, *kinds] or mark[0] != name:
        raise InputError("not a cursor of this list", field="cursor")
    if any(isinstance(part, int) and not 0 <= part <= _LARGEST for part in mark):
        raise InputError("not a cursor of this list", field="cursor")
    if any(isinstance(part, str) and "\0" in part for part in mark):
        raise InputError("not a cursor of this list", field="cursor")
    return tuple(mark[1:])


def page(
    rows: Sequence[R], limit: int, name: str, mark: Callable[[R], Mark], show: Callable[[R], T]
) -> Page[T]:
    """The page of at most *limit* of *rows*; one row more than that says that the list goes on.

    *mark* gives what the cursor behind a row holds, *show* what the page holds of it.
    """
    shown = rows[:limit]
    following = write_cursor(name, mark(shown[-1])) if len(rows) > limit else None
    return Page([show(row) for row in shown], following)
