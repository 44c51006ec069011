"""Diagnoses as they are stored: the record with its document, and documents that turn out otherwise later.

Pure. A document that waits for its narrative says so; it is replaced under the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from aiops_rca.domain.diagnosis import PENDING, SKIPPED, Diagnosis
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import FAILURES, PART, SKIPS
from aiops_rca.live.records import DiagnosisRecord
from aiops_rca.report import diagnosis_out
from aiops_rca.wire import DegradedOut, encode
from aiops_rca.wire.live import DiagnosisOut

# Of a document that shows an earlier narrative meanwhile; `is_awaiting` knows it again after a restart.
AWAITED = "a new narrative is awaited; this one was written for an earlier diagnosis"

_PASSING = frozenset((*FAILURES, *SKIPS))  # such a trouble is one of an attempt, not of a narrative
_DOCUMENT = msgspec.json.Decoder(DiagnosisOut)


class Frame(NamedTuple):
    """What a record says of a diagnosis besides the diagnosis itself; see `live.records.DiagnosisRecord`."""

    incident: str
    number: int
    made_at: int
    changes: int
    reason: str


class Documents:
    """Writes diagnoses that *release* made; *versions* is what they say of where they came from."""

    def __init__(self, release: Release, versions: Mapping[str, str]) -> None:
        self.release, self._versions = release, versions

    def record(self, diagnosis: Diagnosis, frame: Frame, troubles: Sequence[str] = ()) -> DiagnosisRecord:
        """*diagnosis* to be stored; *troubles* are what makes its narrative worse than it could be."""
        found = diagnosis_out(
            diagnosis,
            self.release,
            number=frame.number,
            made_at=frame.made_at,
            reason=frame.reason,
            versions=self._versions,
            degraded=[DegradedOut(PART, trouble) for trouble in troubles],
        )
        cause = found.root_cause
        return DiagnosisRecord(
            incident=frame.incident,
            number=frame.number,
            made_at=frame.made_at,
            changes=frame.changes,
            alert_count=found.alert_count,
            reason=frame.reason,
            release=self.release.id,
            root_cause=cause.service,
            confidence=cause.confidence,
            verdict=cause.verdict,
            document=encode(found),
        )


def document_of(record: DiagnosisRecord) -> DiagnosisOut | None:
    """The document of *record*; None where it cannot be read, as after a change of its shape."""
    try:
        return _DOCUMENT.decode(record.document)
    except msgspec.DecodeError:
        return None


def is_awaiting(document: DiagnosisOut) -> bool:
    """Whether the narrative of *document* is still to come."""
    return document.root_cause.method == PENDING or any(map(_says_awaited, document.degraded))


def warning_in(document: DiagnosisOut) -> str | None:
    """What *document* says of its narrative that stays true wherever that is shown."""
    said = (piece.reason for piece in document.degraded if piece.part == PART and not _says_awaited(piece))
    return next((reason for reason in said if reason.partition(":")[0] not in _PASSING), None)


def ended(record: DiagnosisRecord) -> DiagnosisRecord:
    """*record*, whose narrative was still to come, once it is certain that it never will."""
    document = document_of(record)
    if document is None:
        return record
    document.degraded = [piece for piece in document.degraded if not _says_awaited(piece)]
    if document.root_cause.method == PENDING:
        document.root_cause.method = SKIPPED
    return record._replace(document=encode(document))


def _says_awaited(piece: DegradedOut) -> bool:
    return (piece.part, piece.reason) == (PART, AWAITED)
