"""The HTTP contract of what is switched at run time."""

from __future__ import annotations

from msgspec import Struct

from aiops_rca.wire.batch import DegradedOut
from aiops_rca.wire.live import Person


class SwitchIn(Struct, gc=False, forbid_unknown_fields=True):
    """Turn the language model on or off; null gives it back to the setting. Unknown keys are refused."""

    enabled: bool | None
    by: Person = ""


class RecordOut(Struct, gc=False):
    """Of *told* confident diagnoses that somebody has judged, *right* named the cause.

    *at_least* is the share of right ones that this supports, 0 to 1.
    """

    right: int
    told: int
    at_least: float


class SwitchOut(Struct, gc=False):
    """Whether the language model may be asked. *decided_by*: "setting", or "switch" since *since* *by*.

    *setting* is what holds without the switch, *key* whether there is a key at all. *skipping*: the record
    is good enough for confident diagnoses to go without. *degraded*: what keeps others from hearing of it, or
    this process from knowing how it was left.
    """

    enabled: bool
    decided_by: str
    since: str | None
    by: str | None
    setting: bool
    model: str
    key: bool
    record: RecordOut
    skipping: bool
    degraded: list[DegradedOut]


SHOWN: tuple[object, ...] = (SwitchIn, SwitchOut)  # what the OpenAPI document describes of these
