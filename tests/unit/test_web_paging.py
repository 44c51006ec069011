"""Cursors: what goes in comes out, and nothing else is taken for one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.domain.errors import InputError
from aiops_rca.web.paging import NUMBER, WORD, page, read_cursor, write_cursor

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))


@given(st.integers(0, 2**63 - 1), TEXT)
def test_a_cursor_gives_back_what_it_was_made_of(number: int, word: str) -> None:
    """Any number a database can keep and any text survive the way through a URL."""
    assert read_cursor(write_cursor("list", (number, word)), "list", NUMBER, WORD) == (number, word)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b'["other",5,"a"]',
        b'["list",5]',
        b'["list",-1,"a"]',
        b'["list",9223372036854775808,"a"]',
        b'["list",true,"a"]',
        b'["list",5,"\\u0000"]',
        b'["list",5,"\\ud800"]',
        b"[" * 5000,
    ],
    ids=str,
)
def test_anything_else_is_refused(content: bytes) -> None:
    """A cursor of another list, cut off, or made up is an error that names the field."""
    with pytest.raises(InputError) as caught:
        read_cursor(base64.urlsafe_b64encode(content).decode().rstrip("="), "list", NUMBER, WORD)

    assert caught.value.field == "cursor"


def test_no_cursor_is_the_beginning() -> None:
    """Without a cursor there is no mark."""
    assert read_cursor(None, "list", NUMBER) is None


@given(st.lists(st.integers(0, 1000), unique=True), st.integers(1, 7))
def test_pages_together_are_the_list(rows: list[int], limit: int) -> None:
    """Following the cursors to the end gives every row once, in order."""
    rows.sort()
    seen: list[int] = []
    cursor: str | None = None
    while True:
        (after,) = read_cursor(cursor, "list", NUMBER) or (-1,)
        ahead = [row for row in rows if row > after][: limit + 1]
        part = page(ahead, limit, "list", lambda row: (row,), lambda row: row)
        seen += part.items
        assert len(part.items) <= limit
        if part.next_cursor is None:
            break
        cursor = part.next_cursor

    assert seen == rows
