"""Databases and records for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine

from aiops_rca.adapters.store import (
    IncidentStore,
    Journal,
    Outbox,
    Places,
    migrate,
    open_engine,
)
from aiops_rca.domain.alert import Severity
from aiops_rca.live.records import (
    OPEN,
    AlertRecord,
    Changes,
    DiagnosisRecord,
    Happening,
    IncidentRecord,
)
from aiops_rca.live.rows import Draft, Refused

T0 = 1_763_600_000_000
HOLDER = "here:1:1"
TTL_MS = 10_000


class Database(NamedTuple):
    """A migrated database of either kind, opened."""

    places: Places
    journal_engine: Engine
    incidents_engine: Engine

    @property
    def journal(self) -> Journal:
        """The journal in it."""
        return Journal(self.journal_engine)

    @property
    def store(self) -> IncidentStore:
        """The incidents in it."""
        return IncidentStore(self.incidents_engine)

    @property
    def outbox(self) -> Outbox:
        """The outbox in it."""
        return Outbox(self.incidents_engine)

    def close(self) -> None:
        """Let every connection go."""
        self.journal_engine.dispose()
        self.incidents_engine.dispose()


def opened(where: Places, *, max_bytes: int | None = None) -> Database:
    """Open and migrate the databases at *where*, and take the lease."""
    journal_engine = open_engine(where.journal_url, max_bytes=max_bytes)
    database = Database(where, journal_engine, open_engine(where.incidents_url))
    migrate(database.journal_engine, "journal")
    migrate(database.incidents_engine, "incidents")
    database.store.take_lease(HOLDER, now=T0, ttl_ms=TTL_MS)
    return database


def sqlite_file(database: Database) -> Path:
    """The file of an SQLite journal."""
    return Path(database.journal_engine.url.database or "")


def draft(number: int = 0, *, alerts: int = 1, size: int = 100) -> Draft:
    """A draft that can be told from others by its receipt time and payload."""
    return Draft(T0 + number, "alerts", "alertmanager", alerts, f"{number:08}".encode().ljust(size, b"."))


def refused(number: int = 0, **fields: Any) -> Refused:
    """A body that could not be read."""
    made = Refused(T0 + number, "generic", "alerts[0].ts", "not a time", {"user-agent": "curl"}, b"{}")
    return made._replace(**fields)


def alert(number: int = 1, *, incident: str = "inc-1", **fields: Any) -> AlertRecord:
    """The firing with this number."""
    made = AlertRecord(
        id=f"a{number:06}",
        incident=incident,
        fingerprint=f"f{number:06}",
        source="alertmanager",
        service="cart",
        metric="latency_p99",
        severity=Severity.ERROR,
        starts_at=T0 + number,
        at=T0 + number,
        ends_at=None,
        ended="",
        seen_at=T0 + number,
        value=1.5,
        threshold=1.0,
        labels={"zone": "a", "replicas": 3, "canary": True, "load": 0.5, "owner": None},
        flags=("time_ahead",),
        summary="cart is slow",
        link="http://prometheus/graph",
        joined_because="opened the incident",
        order=number,
        live=True,
    )
    return made._replace(**fields)


def incident(number: int = 1, **fields: Any) -> IncidentRecord:
    """The incident with this number, opened that many seconds after `T0`."""
    made = IncidentRecord(
        id=f"inc-{number}",
        status=OPEN,
        order=number,
        opened_at=T0 + number * 1000,
        updated_at=T0 + number * 1000,
        resolved_at=None,
        services=("cart",),
        sources=("alertmanager",),
        alert_count=1,
        signal_count=1,
        open_alerts=1,
        event_count=1,
        max_severity=Severity.ERROR,
        partial=False,
        suppressed=False,
        merged_into=None,
        split_from=None,
        acknowledged_at=None,
        acknowledged_by="",
        snoozed_until=None,
        resolved_by="",
        by_hand=False,
        reopened=0,
        changes=1,
        live=True,
    )
    return made._replace(**fields)


def diagnosis(number: int = 1, *, of: str = "inc-1", root_cause: str = "redis") -> DiagnosisRecord:
    """The diagnosis with this number of incident *of*."""
    document = b'{"number": %d}' % number
    return DiagnosisRecord(
        of, number, T0, number, 1, "opened", "release", root_cause, 0.5, "probable", document
    )


def happening(text: str = "opened", *, of: str = "inc-1", at: int = T0) -> Happening:
    """A line of a timeline."""
    return Happening(of, at, "opened", text, "", "")


def apply(
    store: IncidentStore, changes: Changes, diagnoses: Sequence[DiagnosisRecord] = (), **given: Any
) -> int:
    """Apply one more step, which folds one journal entry."""
    after = store.standing().seq
    terms: dict[str, Any] = {
        "after": after,
        "upto": after + 1,
        "now": T0,
        "holder": HOLDER,
        "ttl_ms": TTL_MS,
    } | given
    return store.apply(changes, diagnoses, **terms)
