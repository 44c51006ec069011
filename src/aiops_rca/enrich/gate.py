"""Which diagnoses are worth a call. Every no has a name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiops_rca.domain import diagnosis as methods
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.record import TrackRecord
from aiops_rca.enrich.asking import CONFIDENT, EMPTY, FLAG_OFF, NO_KEY

_METHODS: Mapping[str, str] = {
    NO_KEY: methods.NO_KEY,
    FLAG_OFF: methods.FLAG_OFF,
    CONFIDENT: methods.CONFIDENT,
}


class SkipTerms(NamedTuple):
    """When a confident diagnosis needs no call.

    From *confidence* on, once the system's own record holds at least *told* judged diagnoses as confident
    as that, and supports that the share of right ones is at least *right*.
    """

    confidence: float
    told: int
    right: float

    def trusts(self, record: TrackRecord) -> bool:
        """Whether *record* says that confidence means something here. No record, no trust."""
        return record.told >= self.told and record.at_least >= self.right


def closed(*, has_key: bool, enabled: bool) -> str | None:
    """Why nobody at all is asked now; None when somebody may be."""
    if not has_key:
        return NO_KEY
    return None if enabled else FLAG_OFF


def refusal(diagnosis: Diagnosis, terms: SkipTerms, record: TrackRecord) -> str | None:
    """Why *diagnosis* is not worth a call; None when it is."""
    named = diagnosis.named
    if named is None:
        return EMPTY
    sure = named.confidence >= terms.confidence
    return CONFIDENT if sure and terms.trusts(record) else None


def method_of(reason: str) -> str:
    """The method of a diagnosis for which nobody was asked because of *reason*, one of `asking.SKIPS`."""
    return _METHODS.get(reason, methods.SKIPPED)
