"""What people switch at run time, and how right they found the diagnoses; read and written by any process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from aiops_rca.adapters.store import bulk, tables
from aiops_rca.adapters.store.engine import reading, writing
from aiops_rca.domain.errors import RcaError
from aiops_rca.domain.record import TrackRecord
from aiops_rca.domain.switch import NO_SWITCH, Switch

_LATEST = 200  # judged incidents make a record: what was long ago says little
_LOOKED_AT = 1000  # pieces of feedback: one incident may have several, and not every one is confident
_switches, _feedback, _diagnoses = tables.switches, tables.feedback, tables.diagnoses


class Switches:
    """In the database of the incidents. Every method raises RcaError when it cannot be used now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def switch(self, name: str) -> Switch:
        """The switch *name* as it was turned last; `NO_SWITCH` when nobody ever did."""
        with _out_of_reach(), reading(self._engine) as connection:
            return _read(connection, name)

    def set_switch(self, name: str, switch: Switch) -> Switch:
        """Keep *switch*; as it was kept: later than what was there, whatever the clocks of others said."""
        with _out_of_reach(), writing(self._engine) as connection:
            values = switch._replace(by=bulk.writable(connection, switch.by))
            connection.execute(_replacing(connection.dialect.name), {"name": name, **values._asdict()})
            return _read(connection, name)

    def track_record(self, confidence: float) -> TrackRecord:
        """How often diagnoses of at least *confidence* were right, as far as people have said so.

        Counted are incidents, the newest 200 judged ones: the last word on each, and the diagnosis that
        stood when it was said.
        """
        with _out_of_reach(), reading(self._engine) as connection:
            found = connection.execute(_judged(), {"confidence": confidence}).all()
        return TrackRecord(sum(_is_right(row) for row in found), len(found))


@contextmanager
def _out_of_reach() -> Iterator[None]:
    """A database that has no such tables yet is one that cannot be used yet."""
    try:
        yield
    except DBAPIError as error:
        reason = f"the database cannot be used now: {type(error).__name__}"
        raise RcaError(reason, code="not_ready") from error


def _read(connection: Connection, name: str) -> Switch:
    columns = _switches.c
    query = select(columns.enabled, columns.at, columns.by).where(columns.name == name)
    found = connection.execute(query).one_or_none()
    return Switch._make(found) if found else NO_SWITCH


def _replacing(dialect: str) -> Any:
    insert: Any = sqlite.insert(_switches) if dialect == "sqlite" else postgresql.insert(_switches)
    new, kept = insert.excluded, _switches.c
    at = case((new.at > kept.at, new.at), else_=kept.at + 1)
    return insert.on_conflict_do_update(
        index_elements=["name"], set_={"enabled": new.enabled, "at": at, "by": new.by}
    )


def _is_right(row: Row[bool | None, str, str]) -> bool:
    """Whether the diagnosis named the cause: what the person says of it counts, else what they name."""
    said, cause, named = row
    return not said if said is not None else cause.strip().casefold() == named.strip().casefold()


def _judged() -> Select[bool | None, str, str]:
    """The last word on each incident, and what the diagnosis before it had named with confidence."""
    last, earlier = _last_words(), _diagnoses.alias("earlier")
    number = (
        select(func.max(earlier.c.number))
        .where(earlier.c.incident == last.c.incident, earlier.c.made_at <= last.c.at)
        .scalar_subquery()
    )
    made = and_(_diagnoses.c.incident == last.c.incident, _diagnoses.c.number == number)
    return (
        select(last.c.wrong, last.c.root_cause, _diagnoses.c.root_cause)
        .select_from(last.join(_diagnoses, made))
        .where(last.c.turn == 1, _diagnoses.c.confidence >= bindparam("confidence"))
        .order_by(last.c.at.desc(), last.c.id.desc())
        .limit(_LATEST)
    )


def _last_words() -> Subquery:
    """The newest feedback that judges, each with its *turn*: 1 for the last one on an incident."""
    column = _feedback.c
    newest = (
        select(column.id, column.incident, column.at, column.wrong, column.root_cause)
        .where(or_(column.wrong.is_not(None), column.root_cause != ""))
        .order_by(column.at.desc(), column.id.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    turn = func.row_number().over(
        partition_by=newest.c.incident, order_by=(newest.c.at.desc(), newest.c.id.desc())
    )
    return select(newest, turn.label("turn")).subquery()
