"""Incidents, their alerts and what belongs to them; the correlator's standing; the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "incidents_0001"
down_revision = None
branch_labels = None
depends_on = None

_UNFINISHED = "status IN ('open', 'acknowledged')"
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _standing()
    _incidents()
    _alerts()
    _fold()
    _people()
    _diagnoses()
    _outbox()


def _text(*names: str, key: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False, primary_key=key) for name in names]


def _whole(*names: str, key: bool = False, nullable: bool = False) -> list[sa.Column[int]]:
    return [
        sa.Column(name, sa.BigInteger, nullable=nullable, primary_key=key, autoincrement=False)
        for name in names
    ]


def _flags(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean, nullable=False) for name in names]


def _partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _standing() -> None:
    op.create_table(
        "standing",
        *_whole("id", key=True),
        *_whole("seq", "now"),
        *_text("holder"),
        *_whole("lease_until", "revision", "events", "repeated", "outbox_sent", "outbox_failed"),
    )
    op.execute("INSERT INTO standing VALUES (1, 0, 0, '', 0, 0, 0, 0, 0, 0)")


def _incidents() -> None:
    op.create_table(
        "incidents",
        *_text("id", key=True),
        *_text("status"),
        *_whole("order", "opened_at", "updated_at"),
        *_whole("resolved_at", nullable=True),
        *_text("services", "sources"),
        *_whole("alert_count", "signal_count", "open_alerts", "event_count"),
        sa.Column("max_severity", sa.SmallInteger, nullable=False),
        *_flags("partial", "suppressed"),
        sa.Column("merged_into", sa.Text),
        sa.Column("split_from", sa.Text),
        *_whole("acknowledged_at", nullable=True),
        *_text("acknowledged_by"),
        *_whole("snoozed_until", nullable=True),
        *_text("resolved_by"),
        *_flags("by_hand"),
        *_whole("reopened", "changes"),
        *_flags("live"),
        *_whole("revision"),
        *_whole("diagnosis", nullable=True),
        sa.Column("root_cause", sa.Text),
    )
    op.create_index("incidents_opened_at", "incidents", ["opened_at", "id"])
    _partial_index("incidents_unfinished", "incidents", ["status", "suppressed", "opened_at"], _UNFINISHED)
    op.create_index("incidents_revision", "incidents", ["revision"])
    op.create_index("incidents_root_cause", "incidents", ["root_cause", "opened_at"])
    _partial_index("incidents_live", "incidents", ["live"], "live")
    op.create_table("facets", *_text("kind", "word", "incident", key=True))
    op.create_index("facets_incident", "facets", ["incident"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        *_text("id", key=True),
        *_text("incident", "fingerprint", "source", "service", "metric"),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        *_whole("starts_at", "at"),
        *_whole("ends_at", nullable=True),
        *_text("ended"),
        *_whole("seen_at"),
        sa.Column("value", sa.Double),
        sa.Column("threshold", sa.Double),
        *_text("labels", "flags", "summary", "link", "joined_because"),
        *_whole("order"),
        *_flags("live"),
    )
    op.create_index("alerts_incident", "alerts", ["incident", "order"])
    _partial_index("alerts_live", "alerts", ["live"], "live")


def _fold() -> None:
    op.create_table(
        "marks",
        *_text("fingerprint", key=True),
        *_whole("at", "starts_at", key=True),
        *_whole("received_at"),
        *_text("how"),
    )
    op.create_table(
        "windows",
        *_text("id", key=True),
        *_text("services"),
        *_whole("starts_at", "until"),
        *_text("by", "note"),
    )
    op.create_table(
        "happenings",
        sa.Column("id", _NUMBER, primary_key=True),
        *_text("incident"),
        *_whole("at"),
        *_text("kind", "text", "by", "alert_id"),
    )
    op.create_index("happenings_incident", "happenings", ["incident", "at", "id"])


def _people() -> None:
    op.create_table(
        "feedback",
        *_text("id", key=True),
        *_text("incident"),
        *_whole("at"),
        *_text("by", "root_cause", "resolution"),
        sa.Column("wrong", sa.Boolean),
        *_text("note"),
    )
    op.create_index("feedback_at", "feedback", ["at", "id"])
    op.create_table(
        "unmapped",
        *_text("source", "service", key=True),
        *_whole("times", "last_at"),
        *_text("labels"),
    )
    op.create_index("unmapped_times", "unmapped", ["times", "source", "service"])


def _diagnoses() -> None:
    op.create_table(
        "diagnoses",
        *_text("incident", key=True),
        *_whole("number", key=True),
        *_whole("made_at", "changes", "alert_count"),
        *_text("reason", "release", "root_cause"),
        sa.Column("confidence", sa.Double, nullable=False),
        *_text("verdict"),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _NUMBER, primary_key=True),
        *_text("incident", "occasion"),
        *_whole("at", "target", "due_at", "attempts"),
        *_text("state", "error"),
        *_whole("settled_at", nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_due", "outbox", ["state", "target", "due_at", "id"])
    op.create_index("outbox_incident", "outbox", ["incident"])
