"""The switch of the language model: it holds at once, for every process, and survives what fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from aiops_rca.adapters.store import Switches, migrate, open_engine, places
from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.domain.switch import NO_SWITCH, Switch
from aiops_rca.narrator.allowance import SWITCH, Allowance
from stored import T0
from switching import judged, unwritable, writable


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A migrated SQLite database of incidents."""
    made = open_engine(places(None, tmp_path / "state").incidents_url)
    migrate(made, "incidents")
    yield made
    made.dispose()


def process(engine: Engine, *, setting: bool = True) -> Allowance:
    """What one more process knows when it has just started."""
    made = Allowance(setting, Switches(engine), confident_from=0.9)
    made.look()
    return made


@pytest.mark.parametrize("setting", [True, False])
def test_the_setting_holds_until_somebody_switches(engine: Engine, setting: bool) -> None:  # noqa: FBT001
    """Nothing was switched: there is nothing to save either."""
    one = process(engine, setting=setting)

    assert (one.enabled, one.switch, one.unsaved) == (setting, NO_SWITCH, None)


@pytest.mark.parametrize(("setting", "put"), [(True, False), (False, True)])
def test_the_switch_wins_over_the_setting(engine: Engine, setting: bool, put: bool) -> None:  # noqa: FBT001
    """In this process at once, before anything is saved."""
    one = process(engine, setting=setting)
    one.put(enabled=put, at=T0, by="ann")

    assert (one.enabled, one.switch) == (put, Switch(put, T0, "ann"))


def test_other_processes_hear_of_it_when_they_look(engine: Engine) -> None:
    """One that runs, and one that starts later: a restart does not switch it on again."""
    one, other = process(engine), process(engine)
    one.put(enabled=False, at=T0)
    one.save()
    before = other.enabled
    other.look()

    assert (before, other.enabled, process(engine).enabled) == (True, False, False)


def test_it_can_be_given_back_to_the_setting(engine: Engine) -> None:
    """Then the setting of each process holds there again."""
    one, other = process(engine), process(engine, setting=False)
    one.put(enabled=True, at=T0)
    one.save()
    other.look()
    switched = other.enabled
    one.put(enabled=None, at=T0 + 1)
    one.save()
    other.look()

    assert (switched, one.enabled, other.enabled) == (True, True, False)


def test_looking_does_not_undo_what_is_not_saved_yet(engine: Engine) -> None:
    """A look between turning the switch and saving it leaves it as it was turned, and saves it."""
    one = process(engine)
    one.put(enabled=True, at=T0)
    one.save()
    one.put(enabled=False, at=T0 + 1)
    one.look()

    assert (one.enabled, one.unsaved) == (False, None)
    assert Switches(engine).switch(SWITCH) == Switch(enabled=False, at=T0 + 1)


def test_a_clock_that_goes_back_does_not_matter(engine: Engine) -> None:
    """Who turns it last has the last word, in its own process and in others."""
    one, other = process(engine), process(engine)
    one.put(enabled=True, at=T0 + 60_000)
    one.save()
    one.put(enabled=False, at=T0)
    one.save()
    other.look()

    assert (one.enabled, other.enabled) == (False, False)


def test_a_switch_that_cannot_be_saved_holds_here_and_is_saved_later(engine: Engine) -> None:
    """It says why; the next look after the database can be written tells the others."""
    one, other = process(engine), process(engine)
    unwritable(engine)
    one.put(enabled=False, at=T0)
    one.save()
    one.look()
    held, trouble = one.enabled, one.unsaved
    writable(engine)
    one.look()
    other.look()

    assert not held
    assert trouble is not None
    assert "cannot be used now" in trouble
    assert (one.unsaved, other.enabled) == (None, False)


def test_what_others_switched_since_counts_for_more_than_what_was_never_saved(engine: Engine) -> None:
    """A switch that waited to be saved does not undo a later one."""
    one, other = process(engine), process(engine)
    unwritable(engine)
    one.put(enabled=False, at=T0)
    one.save()
    writable(engine)
    other.put(enabled=True, at=T0 + 1000)
    other.save()
    one.look()

    assert (one.enabled, one.unsaved) == (True, None)


def test_without_the_database_everything_stays_and_the_log_says_so_once(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Looking again and again at a database that cannot be read is told once, until it could be again."""
    one = process(engine)
    one.put(enabled=False, at=T0)
    one.save()
    with caplog.at_level(logging.WARNING):
        rename(engine, "switches", "hidden")
        one.look()
        one.look()
        rename(engine, "hidden", "switches")
        one.look()
        rename(engine, "switches", "hidden")
        one.look()

    assert not one.enabled
    assert [line.message for line in caplog.records] == 2 * ["the switch cannot be read"]


def rename(engine: Engine, old: str, new: str) -> None:
    """Give a table another name."""
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_before_the_switch_was_seen_nobody_is_asked(engine: Engine) -> None:
    """It may have been left off: a start while the database is out of reach must not switch it on."""
    process(engine).put(enabled=False, at=T0)
    one = Allowance(True, Switches(engine), confident_from=0.9)  # noqa: FBT003 - the setting
    rename(engine, "switches", "hidden")
    one.look()
    blind = (one.enabled, one.seen)
    rename(engine, "hidden", "switches")
    one.look()

    assert blind == (False, False)
    assert (one.enabled, one.seen) == (True, True)


def test_who_turns_it_need_not_have_seen_it(engine: Engine) -> None:
    """What is put holds, as ever; given back to the setting, that holds."""
    one = Allowance(True, Switches(engine), confident_from=0.9)  # noqa: FBT003 - the setting
    seen = []
    for put in (False, True, None):
        one.put(enabled=put, at=T0)
        seen.append(one.enabled)

    assert seen == [False, True, True]


class Faulty:
    """A source in which nobody foresaw something."""

    def switch(self, name: str) -> Switch:
        """Raises what no source should."""
        raise ZeroDivisionError(name)

    def set_switch(self, name: str, switch: Switch) -> Switch:
        """Not reached."""
        raise NotImplementedError(name, switch)

    def track_record(self, confidence: float) -> TrackRecord:
        """Not reached."""
        raise NotImplementedError(confidence)


def test_looking_again_and_again_survives_what_nobody_foresaw(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with where it comes from, and the next look comes."""
    one = Allowance(True, Faulty(), confident_from=0.9)  # noqa: FBT003 - the setting
    one.look_again()
    one.look_again()

    assert [line.message for line in caplog.records if line.exc_info] == 2 * ["looking at the switch failed"]


def test_a_secret_in_a_name_is_not_logged(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """Who turned it is logged, as far as it is a name."""
    with caplog.at_level(logging.INFO):
        process(engine).put(enabled=False, at=T0, by="ann password=hunter2-Xk29")

    said = str([line.__dict__ for line in caplog.records if line.message == "switched"])
    assert "ann" in said
    assert "hunter2" not in said


def test_the_record_is_that_of_confident_diagnoses(engine: Engine) -> None:
    """As the last look found it; before there was one, it is empty."""
    one = process(engine)
    judged(engine, right=True, confidence=0.9)
    before = one.record
    one.look()

    assert (before, one.record) == (NO_RECORD, TrackRecord(1, 1))
