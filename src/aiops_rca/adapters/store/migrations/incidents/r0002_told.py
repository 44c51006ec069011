"""The outbox notes since when a row waits, and what was said in the end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "incidents_0002"
down_revision = "incidents_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was sent before counts as said as it was meant."""
    first_due_at = sa.Column("first_due_at", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("outbox", first_due_at)
    op.add_column("outbox", sa.Column("told", sa.Text))
    op.add_column("outbox", sa.Column("severity", sa.SmallInteger))
    op.execute("UPDATE outbox SET first_due_at = due_at")
    op.execute("UPDATE outbox SET told = occasion WHERE state = 'sent'")
