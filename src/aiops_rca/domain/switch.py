"""A switch that people turn at run time: it wins over the setting it stands for, until it is given back."""

from __future__ import annotations

from typing import NamedTuple


class Switch(NamedTuple):
    """*enabled* None: what the setting says. *at* in epoch milliseconds: of two, the later one holds.

    *by* is whoever turned it, in their own words.
    """

    enabled: bool | None = None
    at: int = 0
    by: str = ""


NO_SWITCH = Switch()
