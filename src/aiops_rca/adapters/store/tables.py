"""The tables of today, as the migrations leave them: `JOURNAL` and `INCIDENTS`, two databases or one.

Columns of a table that keeps a record of `live.records` bear the names of its fields, in their order.
Times are epoch milliseconds, lists and labels JSON text, ids text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

JOURNAL = MetaData()
INCIDENTS = MetaData()
# written out in index and queries alike: for a parameter no database uses the index
UNFINISHED = "status IN ('open', 'acknowledged')"
NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER columns are numbered there


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, primary_key=key)


def _whole(name: str, *, nullable: bool = False, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, primary_key=key, autoincrement=False)


def _real(name: str) -> Column[float]:
    return Column(name, Double, nullable=True)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _severity(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False)


journal = Table(
    "journal",
    JOURNAL,
    Column("seq", NUMBER, primary_key=True),
    _whole("received_at"),
    _text("kind"),
    _text("source"),
    _whole("alerts"),
    _whole("total"),  # sum of `alerts` up to and with this row: lag is one subtraction
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,  # a number is never given twice, however much was pruned
)

quarantine = Table(
    "quarantine",
    JOURNAL,
    Column("id", NUMBER, primary_key=True),
    _whole("received_at"),
    _text("source"),
    _text("field"),
    _text("reason"),
    _text("headers"),
    _whole("replayed_at", nullable=True),
    Column("body", LargeBinary, nullable=False),
    Index("quarantine_replayed_at", "replayed_at"),
    sqlite_autoincrement=True,
)

standing = Table(
    "standing",
    INCIDENTS,
    _whole("id", key=True),  # there is one row: 1
    _whole("seq"),
    _whole("now"),
    _text("holder"),
    _whole("lease_until"),
    _whole("revision"),
    _whole("events"),
    _whole("repeated"),
    _whole("outbox_sent"),
    _whole("outbox_failed"),
)

incidents = Table(
    "incidents",
    INCIDENTS,
    _text("id", key=True),
    _text("status"),
    _whole("order"),
    _whole("opened_at"),
    _whole("updated_at"),
    _whole("resolved_at", nullable=True),
    _text("services"),
    _text("sources"),
    _whole("alert_count"),
    _whole("signal_count"),
    _whole("open_alerts"),
    _whole("event_count"),
    _severity("max_severity"),
    _flag("partial"),
    _flag("suppressed"),
    Column("merged_into", Text),
    Column("split_from", Text),
    _whole("acknowledged_at", nullable=True),
    _text("acknowledged_by"),
    _whole("snoozed_until", nullable=True),
    _text("resolved_by"),
    _flag("by_hand"),
    _whole("reopened"),
    _whole("changes"),
    _flag("live"),
    _whole("revision"),
    _whole("diagnosis", nullable=True),  # number of the last one
    Column("root_cause", Text),  # as the last diagnosis names it
    Index("incidents_opened_at", "opened_at", "id"),
    Index(  # they are few, and asked for most
        "incidents_unfinished",
        "status",
        "suppressed",
        "opened_at",
        sqlite_where=text(UNFINISHED),
        postgresql_where=text(UNFINISHED),
    ),
    Index("incidents_revision", "revision"),
    Index("incidents_root_cause", "root_cause", "opened_at"),
    Index("incidents_live", "live", sqlite_where=text("live"), postgresql_where=text("live")),
)

facets = Table(  # what incidents are looked up by: a service or a source of theirs
    "facets",
    INCIDENTS,
    _text("kind", key=True),
    _text("word", key=True),
    _text("incident", key=True),
    Index("facets_incident", "incident"),
)

alerts = Table(
    "alerts",
    INCIDENTS,
    _text("id", key=True),
    _text("incident"),
    _text("fingerprint"),
    _text("source"),
    _text("service"),
    _text("metric"),
    _severity("severity"),
    _whole("starts_at"),
    _whole("at"),
    _whole("ends_at", nullable=True),
    _text("ended"),
    _whole("seen_at"),
    _real("value"),
    _real("threshold"),
    _text("labels"),
    _text("flags"),
    _text("summary"),
    _text("link"),
    _text("joined_because"),
    _whole("order"),
    _flag("live"),
    Index("alerts_incident", "incident", "order"),
    Index("alerts_live", "live", sqlite_where=text("live"), postgresql_where=text("live")),
)

marks = Table(
    "marks",
    INCIDENTS,
    _text("fingerprint", key=True),
    _whole("at", key=True),
    _whole("starts_at", key=True),  # a key is never NULL: -1 stands for None
    _whole("received_at"),
    _text("how"),
)

windows = Table(
    "windows",
    INCIDENTS,
    _text("id", key=True),
    _text("services"),
    _whole("starts_at"),
    _whole("until"),
    _text("by"),
    _text("note"),
)

happenings = Table(
    "happenings",
    INCIDENTS,
    Column("id", NUMBER, primary_key=True),
    _text("incident"),
    _whole("at"),
    _text("kind"),
    _text("text"),
    _text("by"),
    _text("alert_id"),
    Index("happenings_incident", "incident", "at", "id"),
)

feedback = Table(
    "feedback",
    INCIDENTS,
    _text("id", key=True),
    _text("incident"),
    _whole("at"),
    _text("by"),
    _text("root_cause"),
    _text("resolution"),
    Column("wrong", Boolean),
    _text("note"),
    Index("feedback_at", "at", "id"),
)

unmapped = Table(
    "unmapped",
    INCIDENTS,
    _text("source", key=True),
    _text("service", key=True),
    _whole("times"),
    _whole("last_at"),
    _text("labels"),
    Index("unmapped_times", "times", "source", "service"),
)

diagnoses = Table(
    "diagnoses",
    INCIDENTS,
    _text("incident", key=True),
    _whole("number", key=True),
    _whole("made_at"),
    _whole("changes"),
    _whole("alert_count"),
    _text("reason"),
    _text("release"),
    _text("root_cause"),
    Column("confidence", Double, nullable=False),
    _text("verdict"),
    Column("document", LargeBinary, nullable=False),
)

outbox = Table(
    "outbox",
    INCIDENTS,
    Column("id", NUMBER, primary_key=True),
    _text("incident"),
    _text("occasion"),
    _whole("at"),
    _whole("target"),
    _whole("due_at"),
    _whole("attempts"),
    _text("state"),
    _text("error"),
    _whole("settled_at", nullable=True),
    _whole("first_due_at"),
    Column("told", Text),  # what was said in the end: of several rows, one occasion
    Column("severity", SmallInteger),  # as it was said
    Index("outbox_due", "state", "target", "due_at", "id"),
    Index("outbox_incident", "incident"),
    sqlite_autoincrement=True,
)

switches = Table(  # what people switch at run time, for every process
    "switches",
    INCIDENTS,
    _text("name", key=True),
    Column("enabled", Boolean),  # NULL: as the setting says
    _whole("at"),
    _text("by"),
)
