"""A runbook file's content (parsed YAML) to entries, checked.

Raises InputError whose field is the path inside the document (`entries[3].risk`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.graph import KINDS as NODE_KINDS
from aiops_rca.domain.kinds import KINDS as ALERT_KINDS
from aiops_rca.domain.release import RunbookEntry
from aiops_rca.wire import convert

Text = Annotated[str, Meta(min_length=1, max_length=2000)]


class EntryIn(Struct, forbid_unknown_fields=True):
    """What to do about alerts of one kind on nodes of one kind; `*` means any."""

    node_kind: str
    alert_kind: str
    text: Text
    risk: Literal["low", "medium", "high"]


class RunbookIn(Struct, forbid_unknown_fields=True):
    """The whole file."""

    entries: list[EntryIn]


def read_runbook(document: object) -> tuple[RunbookEntry, ...]:
    """Check *document* and return its entries in file order."""
    read = convert(document, RunbookIn)
    return tuple(_entry(row, position) for position, row in enumerate(read.entries))


def _entry(row: EntryIn, position: int) -> RunbookEntry:
    for name, value, known in (
        ("node_kind", row.node_kind, NODE_KINDS),
        ("alert_kind", row.alert_kind, ALERT_KINDS),
    ):
        if value != "*" and value not in known:
            raise InputError(f"unknown kind {value!r}", field=f"entries[{position}].{name}")
    return RunbookEntry(row.node_kind, row.alert_kind, row.text, row.risk)
