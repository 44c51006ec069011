"""What is switched at run time is kept for every process; feedback makes a record of how right we were."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import delete, text

from aiops_rca.adapters.store import Switches, migrate, open_engine, places, tables
from aiops_rca.adapters.store.engine import writing
from aiops_rca.adapters.store.migrating import _config
from aiops_rca.domain.errors import RcaError
from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.domain.switch import NO_SWITCH, Switch
from aiops_rca.live.records import Changes, DiagnosisRecord, Feedback
from stored import T0, Database, apply, diagnosis, incident

_WINDOW = "INSERT INTO windows (id, services, starts_at, until, by, note) VALUES ('w', '[]', 1, 2, 'ann', '')"


def said(
    number: int = 1, *, of: str = "inc-1", at: int = 10, root_cause: str = "", wrong: bool | None = None
) -> Feedback:
    """Feedback with this number, given *at* ms after `T0`."""
    return Feedback(f"fb-{number:05}", of, T0 + at, "ann", root_cause, "", wrong, "")


def made(number: int = 1, **fields: Any) -> DiagnosisRecord:
    """A confident diagnosis, made *at* ms after `T0` *of* an incident."""
    of, at = fields.pop("of", "inc-1"), fields.pop("at", 0)
    return diagnosis(number, of=of)._replace(made_at=T0 + at, **{"confidence": 0.95, **fields})


def record(
    database: Database, diagnoses: Sequence[DiagnosisRecord], feedback: Sequence[Feedback]
) -> TrackRecord:
    """The record of what is at least .9 sure, once all that is stored."""
    incidents = tuple(incident(number) for number in (1, 2))
    apply(database.store, Changes(incidents=incidents, feedback=tuple(feedback)), diagnoses)
    return Switches(database.incidents_engine).track_record(0.9)


MADE = made()
CHANGED = made(2, at=5, root_cause="cart")
CHANGED_LATER = made(2, at=15, root_cause="cart")
DOUBTED = made(2, at=5, confidence=0.5)
DOUBTED_LATER = made(2, at=15, confidence=0.5)


def test_nobody_has_switched_anything_yet(database: Database) -> None:
    """A new database knows no switch and no record."""
    switches = Switches(database.incidents_engine)

    assert (switches.switch("llm"), switches.track_record(0.9)) == (NO_SWITCH, NO_RECORD)


@pytest.mark.parametrize("enabled", [True, False, None])
def test_a_switch_is_kept_as_it_was_turned(database: Database, enabled: bool | None) -> None:  # noqa: FBT001
    """Whatever it was turned to, by whom and when; also given back to the setting. Others are not touched."""
    switches = Switches(database.incidents_engine)
    turned = Switch(enabled, T0, "ann")

    assert switches.set_switch("llm", turned) == turned
    assert (switches.switch("llm"), switches.switch("other")) == (turned, NO_SWITCH)


def test_the_last_one_to_turn_it_has_the_last_word(database: Database) -> None:
    """Also where its clock is behind: what is kept is later than what was there."""
    switches = Switches(database.incidents_engine)
    switches.set_switch("llm", Switch(enabled=True, at=T0 + 5000, by="ahead"))
    kept = switches.set_switch("llm", Switch(enabled=False, at=T0, by="behind"))

    assert kept == Switch(enabled=False, at=T0 + 5001, by="behind")
    assert switches.switch("llm") == kept


def test_a_name_with_a_character_0_is_kept(database: Database) -> None:
    """PostgreSQL has no such character: it is replaced there, and nothing fails."""
    kept = Switches(database.incidents_engine).set_switch("llm", Switch(enabled=True, at=T0, by="a\0b"))

    assert kept.by in {"a\0b", "a\ufffdb"}


def test_a_database_without_tables_cannot_be_used_yet(database_url: str | None, tmp_path: Path) -> None:
    """Before anybody has migrated it, reading and writing fail as they do while it is out of reach."""
    engine = open_engine(places(database_url, tmp_path / "state").incidents_url)
    switches = Switches(engine)
    for attempt in (
        lambda: switches.switch("llm"),
        lambda: switches.set_switch("llm", NO_SWITCH),
        lambda: switches.track_record(0.9),
    ):
        with pytest.raises(RcaError, match="cannot be used now"):
            attempt()
    engine.dispose()


RIGHT, WRONG = TrackRecord(1, 1), TrackRecord(0, 1)


RECORDS: dict[str, tuple[list[DiagnosisRecord], list[Feedback], TrackRecord]] = {
    "named the same": ([MADE], [said(root_cause="redis")], RIGHT),
    "typed by hand": ([MADE], [said(root_cause=" Redis ")], RIGHT),
    "named another": ([MADE], [said(root_cause="cart")], WRONG),
    "not wrong": ([MADE], [said(wrong=False)], RIGHT),
    "wrong": ([MADE], [said(wrong=True)], WRONG),
    "in other words": ([MADE], [said(wrong=False, root_cause="redis ran full")], RIGHT),
    "said to be wrong": ([MADE], [said(wrong=True, root_cause="redis")], WRONG),
    "nobody judged": ([MADE], [], NO_RECORD),
    "only a note": ([MADE], [said()], NO_RECORD),
    "a note changes nothing": ([MADE], [said(wrong=True), said(2, at=20)], WRONG),
    "the last word": ([MADE], [said(wrong=True), said(2, at=20, wrong=False)], RIGHT),
    "the last of two": ([MADE], [said(2, wrong=False), said(1, wrong=True)], RIGHT),
    "just confident": ([made(confidence=0.9)], [said(wrong=False)], RIGHT),
    "not confident": ([made(confidence=0.899)], [said(wrong=False)], NO_RECORD),
    "never diagnosed": ([], [said(wrong=False)], NO_RECORD),
    "diagnosed afterwards": ([made(at=11)], [said(wrong=False)], NO_RECORD),
    "diagnosed in that moment": ([made(at=10)], [said(wrong=False)], RIGHT),
    "changed its mind": ([MADE, CHANGED], [said(root_cause="redis")], WRONG),
    "changed it later": ([MADE, CHANGED_LATER], [said(root_cause="redis")], RIGHT),
    "no longer confident": ([MADE, DOUBTED], [said(wrong=False)], NO_RECORD),
    "last word on one that was not confident": (
        [MADE, DOUBTED_LATER],
        [said(wrong=False), said(2, at=20, wrong=True)],
        NO_RECORD,
    ),
    "two incidents": (
        [MADE, made(of="inc-2")],
        [said(wrong=False), said(2, of="inc-2", root_cause="cart")],
        TrackRecord(1, 2),
    ),
}


def test_feedback_makes_a_record(database: Database) -> None:
    """The last word on each incident judges the diagnosis that stood when it was said."""
    found = {}
    for name, (diagnoses, feedback, _) in RECORDS.items():
        found[name] = record(database, diagnoses, feedback)
        with database.incidents_engine.begin() as connection:
            connection.execute(delete(tables.feedback))
            connection.execute(delete(tables.diagnoses))

    assert found == {name: expected for name, (_, _, expected) in RECORDS.items()}


def test_the_newest_200_make_the_record(database: Database) -> None:
    """What was long ago no longer counts; and the record is read in no time, for it is read often."""
    wrong = [(number, number < 300) for number in range(500)]  # the older ones were wrong
    told = [said(n, of=f"inc-{n}", at=n, wrong=bad) for n, bad in wrong]
    first = record(database, [made(of=f"inc-{n}") for n, _ in wrong], told)
    switches = Switches(database.incidents_engine)
    started = time.perf_counter()
    for _ in range(5):
        switches.track_record(0.9)
    seconds = (time.perf_counter() - started) / 5

    assert first == TrackRecord(200, 200)
    assert switches.track_record(0.99) == NO_RECORD
    assert seconds < 0.25  # 3 ms at rest


def test_a_database_of_an_earlier_version_gets_the_table(database_url: str | None, tmp_path: Path) -> None:
    """What it holds stays, and a switch can be turned in it."""
    engine = open_engine(places(database_url, tmp_path / "state").incidents_url)
    with writing(engine) as connection:
        command.upgrade(_config(connection, "incidents"), "incidents_0002")
        connection.execute(text(_WINDOW))
    migrate(engine, "incidents")
    kept = Switches(engine).set_switch("llm", Switch(enabled=False, at=T0, by="ann"))
    with engine.connect() as connection:
        windows = connection.execute(text("SELECT count(*) FROM windows")).scalar()
    engine.dispose()

    assert (kept.enabled, windows) == (False, 1)


def test_a_database_of_a_later_version_is_refused(database: Database) -> None:
    """A version that this program does not know is neither used nor changed."""
    version = text("SELECT version_num FROM alembic_version_incidents")
    with database.incidents_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version_incidents SET version_num = 'incidents_9999'"))
    with pytest.raises(CommandError, match="incidents_9999"):
        migrate(database.incidents_engine, "incidents")
    with database.incidents_engine.connect() as connection:
        assert connection.execute(version).scalar() == "incidents_9999"
