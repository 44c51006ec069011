"""A process killed in the middle of writing: what it had said was kept is kept, and no half of the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from aiops_rca.adapters.store import places
from aiops_rca.live.records import Changes
from conftest import LONG
from stored import HOLDER, T0, TTL_MS, Database, draft, opened

_ROUNDS = 20 if LONG else 4
_BATCH = 20
_TESTS = str(Path(__file__).resolve().parents[1])
_START = f"""
import sys
sys.path.insert(0, {_TESTS!r})
from pathlib import Path
from stored import *
from aiops_rca.adapters.store import places
from aiops_rca.live.records import Changes, Notice
database = opened(places(sys.argv[1] or None, Path(sys.argv[2])))
"""
_APPENDS = f"""{_START}
print("ready", flush=True)
while True:
    number = database.journal.head().seq
    kept = database.journal.append([draft(number, size=4000) for _ in range({_BATCH})])
    print(kept, flush=True)
"""
_APPLIES = f"""{_START}
store = database.store
print("ready", flush=True)
while True:
    number = store.standing().seq
    alerts = tuple(alert(number * {_BATCH} + n, incident=f"inc-{{number}}") for n in range({_BATCH}))
    changes = Changes(
        alerts=alerts,
        incidents=(incident(number),),
        happenings=(happening(of=f"inc-{{number}}"),),
        notices=(Notice(f"inc-{{number}}", "opened", T0),),
        events={_BATCH},
    )
    apply(store, changes, [diagnosis(of=f"inc-{{number}}")], targets=2)
    print(number + 1, flush=True)
"""


def kill_while(code: str, url: str | None, folder: Path, after_sec: float) -> int:
    """Run *code*, kill it *after_sec* after it is ready, and return the last number it printed."""
    process = subprocess.Popen([sys.executable, "-c", code, url or "", str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(after_sec)
    os.kill(process.pid, signal.SIGKILL)
    said = process.communicate(timeout=30)[0].decode()
    whole = said[: said.rfind("\n") + 1].split()
    return int(whole[-1]) if whole else 0


@pytest.mark.timeout(300)
def test_a_killed_writer_leaves_whole_transactions(database_url: str | None, tmp_path: Path) -> None:
    """Every batch that was acknowledged is there, and each one whole, kill after kill."""
    chance = Random(7)
    for _ in range(_ROUNDS):
        acknowledged = kill_while(_APPENDS, database_url, tmp_path, chance.uniform(0.02, 0.3))
        database = opened(places(database_url, tmp_path))
        entries = database.journal.read(0, limit=10**9)
        batches = [entry.received_at - T0 for entry in entries]
        database.close()

        assert entries[-1].seq >= acknowledged
        assert len(entries) % _BATCH == 0
        assert batches == [start for start in sorted({*batches}) for _ in range(_BATCH)]
    assert len(entries) > _BATCH


@pytest.mark.timeout(300)
def test_a_killed_correlator_leaves_whole_steps(database_url: str | None, tmp_path: Path) -> None:
    """The offset and everything of its step are there together or not at all, and the next goes on."""
    chance = Random(11)
    for _ in range(_ROUNDS):
        acknowledged = kill_while(_APPLIES, database_url, tmp_path, chance.uniform(0.02, 0.3))
        database = opened(places(database_url, tmp_path))
        seq = database.store.standing().seq

        assert seq >= acknowledged
        assert counts(database) == (seq * _BATCH, seq, seq * _BATCH, seq, seq, 2 * seq)
        database.close()
    assert seq > 1


def counts(database: Database) -> tuple[int, ...]:
    """Alerts, incidents, events, revisions, diagnoses and notifications that are stored."""
    stored, standing = database.store.load(), database.store.standing()
    told = (standing.events, standing.revision, len(stored.diagnosed), standing.outbox_waiting)
    return (len(stored.alerts), len(stored.incidents), *told)


def test_another_process_takes_over_from_a_dead_one(database: Database) -> None:
    """A holder known to be dead is replaced at once, and what it still tries is refused."""
    store = database.store

    assert not store.take_lease("here:2:2", now=T0 + 1, ttl_ms=TTL_MS, is_dead=lambda _holder: False)
    assert store.take_lease("here:2:2", now=T0 + 1, ttl_ms=TTL_MS, is_dead=lambda holder: holder == HOLDER)
    with pytest.raises(Exception, match="no longer held"):
        store.apply(Changes(), after=0, upto=1, now=T0, holder=HOLDER, ttl_ms=TTL_MS)
    assert database.journal.append([draft()]) == 1
