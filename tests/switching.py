"""The database of incidents under the switch of the language model: judged diagnoses, and no room."""

from __future__ import annotations

from sqlalchemy import Engine, text

from aiops_rca.adapters.store import IncidentStore
from aiops_rca.live.records import Changes, Feedback
from stored import HOLDER, T0, TTL_MS, apply, diagnosis, incident


def judged(engine: Engine, *, right: bool, confidence: float, count: int = 1) -> None:
    """Store that many incidents, each with a diagnosis and what somebody said of it."""
    store, numbers = IncidentStore(engine), range(1, count + 1)
    store.take_lease(HOLDER, now=T0, ttl_ms=TTL_MS)
    feedback = tuple(Feedback(f"fb-{n}", f"inc-{n}", T0 + n, "ann", "", "", not right, "") for n in numbers)
    diagnoses = [diagnosis(of=f"inc-{n}")._replace(confidence=confidence) for n in numbers]
    apply(store, Changes(incidents=tuple(incident(n) for n in numbers), feedback=feedback), diagnoses)


def unwritable(engine: Engine) -> None:
    """Make SQLite refuse what is written to the switches; it can still be read."""
    with engine.begin() as connection:
        raising = "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        connection.execute(text(f"CREATE TRIGGER no_room BEFORE INSERT ON switches {raising}"))


def writable(engine: Engine) -> None:
    """Undo `unwritable`."""
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER no_room"))
