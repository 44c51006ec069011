"""A hundred texts that try to make a language model obey: `data/injections.json`, in our own words.

`where` says which part of a payload carries it: annotation, label, service, url or history. `{target}` in
a text stands for the service that is to be blamed. `fragments` belong together, one alert each, in order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parent / "data" / "injections.json"


class Injection(NamedTuple):
    """One hostile *text*, of one *kind*, and *where* it stands."""

    kind: str
    where: str
    text: str


def injections(target: str = "search-db") -> tuple[Injection, ...]:
    """All of them, against *target*."""
    told = json.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Injection(one["kind"], one["where"], one["text"].replace("{target}", target)) for one in told
    )
