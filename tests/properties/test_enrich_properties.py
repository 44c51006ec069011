"""Cleaning and redaction, whatever the text."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from aiops_rca.enrich.cleaning import clean
from aiops_rca.enrich.redact import HIDDEN, redact
from aiops_rca.enrich.tampering import signs

PIECES = st.sampled_from(
    [
        "password=",
        '"token":"',
        "https://",
        "\u200b",
        "\n",
        " ",
        '"',
        "\\",
        "{",
        "}",
        "@",
        "C2",
        "ﷺ",
        "é",
        "-----BEGIN",
    ]
)
ANYTHING = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=25).map("".join)
SECRET = st.text("bcdfghjkmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ23456789", min_size=28, max_size=60).filter(
    lambda key: len({*key}) > 12
)


@given(ANYTHING, st.integers(20, 300))
@settings(max_examples=120, deadline=None)
def test_a_clean_text_is_one_short_visible_line(text: str, limit: int) -> None:
    """Never longer than asked for, nothing in it that does not show, no scheme of an address."""
    shown = clean(text, limit)

    assert len(shown) <= limit
    assert shown == " ".join(shown.split())
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert "https://" not in shown


@given(ANYTHING, SECRET, ANYTHING)
@settings(max_examples=120, deadline=None)
def test_a_key_is_found_in_any_surroundings(before: str, secret: str, after: str) -> None:
    """A key drawn by chance, whatever stands before and after it."""
    text = f"{before} {secret} {after}"

    assert secret not in redact(text)
    assert secret not in clean(text, 1000)


@given(ANYTHING)
@settings(max_examples=120, deadline=None)
def test_redaction_only_replaces(text: str) -> None:
    """What stays of a text stands in it in the same order."""
    at = 0
    for kept in redact(text).split(HIDDEN):
        found = text.find(kept, at)

        assert found >= 0
        at = found + len(kept)


@given(ANYTHING)
@settings(max_examples=80, deadline=None)
def test_signs_have_a_known_name(text: str) -> None:
    """No text makes it fail, and the reasons are sorted."""
    found = signs(text)

    assert list(found) == sorted({*found})
