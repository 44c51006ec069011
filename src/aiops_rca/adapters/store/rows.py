"""Records of `live.records` as database rows, and back.

A row's values stand in the order of the record's fields; lists and labels are JSON text, severities numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Select, Table, select

from aiops_rca.adapters.store import tables
from aiops_rca.adapters.store.bulk import Row
from aiops_rca.domain.alert import LabelValue, Severity
from aiops_rca.live.records import (
    AlertRecord,
    DiagnosisRecord,
    Feedback,
    Happening,
    IncidentRecord,
    Mark,
    Unmapped,
    Window,
)

_LABELS = msgspec.json.Decoder(dict[str, LabelValue])
_WORDS = msgspec.json.Decoder(tuple[str, ...])
_SEVERITIES = tuple(Severity)
_NOT_SAID = -1  # no time is negative
_encode = msgspec.json.Encoder().encode


def columns_of(table: Table, record: type[tuple[Any, ...]]) -> tuple[str, ...]:
    """The columns of *table* that keep the fields of *record*, in the order of the fields."""
    fields: tuple[str, ...] = getattr(record, "_fields", ())
    return tuple(table.c[name].name for name in fields)


def selecting(table: Table, record: type[tuple[Any, ...]]) -> Select[Any]:
    """A query for the columns of *record*, to be given a condition."""
    return select(*(table.c[name] for name in columns_of(table, record)))


def json_text(value: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Labels, headers or words as JSON text."""
    return _encode(value).decode()


def labels_of(text: str) -> dict[str, LabelValue]:
    """What `json_text` made of labels."""
    return _LABELS.decode(text)


def words_of(text: str) -> tuple[str, ...]:
    """What `json_text` made of words."""
    return _WORDS.decode(text)


def alert_row(record: AlertRecord) -> Row:
    """*record* in the order of `ALERT_COLUMNS`."""
    labels, flags = json_text(record.labels), json_text(record.flags) if record.flags else "[]"
    return (*record[:6], int(record.severity), *record[7:14], labels, flags, *record[16:])


def alert_of(row: Row) -> AlertRecord:
    """The record that `alert_row` wrote."""
    labels, flags = labels_of(row[14]), words_of(row[15])
    return AlertRecord._make((*row[:6], _SEVERITIES[row[6]], *row[7:14], labels, flags, *row[16:]))


def incident_row(record: IncidentRecord) -> Row:
    """*record* in the order of `INCIDENT_COLUMNS`."""
    lists = (json_text(record.services), json_text(record.sources))
    return (*record[:6], *lists, *record[8:12], int(record.max_severity), *record[13:])


def incident_of(row: Row) -> IncidentRecord:
    """The record that `incident_row` wrote."""
    lists = (words_of(row[6]), words_of(row[7]))
    return IncidentRecord._make((*row[:6], *lists, *row[8:12], _SEVERITIES[row[12]], *row[13:]))


def window_row(record: Window) -> Row:
    """*record* in the order of `WINDOW_COLUMNS`."""
    return (record.id, json_text(record.services), *record[2:])


def window_of(row: Row) -> Window:
    """The record that `window_row` wrote."""
    return Window._make((row[0], words_of(row[1]), *row[2:]))


def mark_row(record: Mark) -> Row:
    """*record* in the order of `MARK_COLUMNS`."""
    starts_at = _NOT_SAID if record.starts_at is None else record.starts_at
    return (record.fingerprint, record.at, starts_at, record.received_at, record.how)


def mark_of(row: Row) -> Mark:
    """The record that `mark_row` wrote."""
    return Mark(row[0], row[1], None if row[2] == _NOT_SAID else row[2], row[3], row[4])


def unmapped_row(record: Unmapped) -> Row:
    """*record* in the order of `UNMAPPED_COLUMNS`."""
    return (*record[:4], json_text(record.labels))


def unmapped_of(row: Row) -> Unmapped:
    """The record that `unmapped_row` wrote, with all its times."""
    return Unmapped._make((*row[:4], labels_of(row[4])))


ALERT_COLUMNS = columns_of(tables.alerts, AlertRecord)
INCIDENT_COLUMNS = columns_of(tables.incidents, IncidentRecord)
MARK_COLUMNS = columns_of(tables.marks, Mark)
WINDOW_COLUMNS = columns_of(tables.windows, Window)
HAPPENING_COLUMNS = columns_of(tables.happenings, Happening)
FEEDBACK_COLUMNS = columns_of(tables.feedback, Feedback)
UNMAPPED_COLUMNS = columns_of(tables.unmapped, Unmapped)
DIAGNOSIS_COLUMNS = columns_of(tables.diagnoses, DiagnosisRecord)
