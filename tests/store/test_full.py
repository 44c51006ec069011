"""No room, a failing disk, a server that is gone: nothing half kept, and it works again by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from aiops_rca.adapters.store import Journal, places
from aiops_rca.domain.errors import RcaError
from aiops_rca.live.records import Changes
from postgres import Postgres
from stored import HOLDER, T0, TTL_MS, alert, apply, draft, opened

_QUOTA = 400_000
# Writes until the limit on the size of files stops it, lifts the limit, and writes again.
_FAILING_DISK = """
import json, resource, signal, sys
from pathlib import Path
from aiops_rca.adapters.store import places
from aiops_rca.domain.errors import RcaError
from stored import draft, opened

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = opened(places(None, Path(sys.argv[1]))).journal
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
kept, said = [], []
for number in range(400):
    if len(said) == 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        journal.append([draft(number, size=5000)])
        kept.append(number)
    except RcaError as error:
        said.append([error.code, error.message])
print(json.dumps([kept, said]))
"""


def test_a_full_journal_refuses_whole_transactions(tmp_path: Path) -> None:
    """When the quota is reached the append fails as "full", and nothing of it is kept."""
    database = opened(places(None, tmp_path), max_bytes=_QUOTA)
    kept, error = fill(database.journal, together=2)

    assert (error.code, "full" in error.message, kept > 20) == ("full", True, True)
    assert len(database.journal.read(0, limit=10_000)) == kept
    assert (tmp_path / "journal.db").stat().st_size <= _QUOTA
    database.close()


def test_a_full_journal_can_still_be_read_and_pruned(tmp_path: Path) -> None:
    """Pruning makes room, and the next append goes in without anything being started again."""
    database = opened(places(None, tmp_path), max_bytes=_QUOTA)
    number, _ = fill(database.journal)
    pruned = database.journal.prune(T0 + 10_000, folded_upto=number)

    assert pruned == number - 1
    assert database.journal.append([draft(size=5000)]) == number + 1
    database.close()


def fill(journal: Journal, *, together: int = 1) -> tuple[int, RcaError]:
    """Append until it is refused; return how many drafts went in, and the refusal."""
    for number in range(0, 1000, together):
        try:
            journal.append([draft(number + n, size=5000) for n in range(together)])
        except RcaError as error:
            return number, error
    raise AssertionError("a quota was never reached")


def test_a_failing_disk_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    """Writes that fail are refused whole, and once the disk takes writes again so does the journal."""
    tests = str(Path(__file__).resolve().parents[1])
    code = f"import sys; sys.path.insert(0, {tests!r})\n{_FAILING_DISK}"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    kept, said = json.loads(done.stdout)
    database = opened(places(None, tmp_path))
    seen = [entry.received_at - T0 for entry in database.journal.read(0, limit=10_000)]

    assert seen == kept
    assert (len(kept), [code for code, _ in said]) == (397, ["full"] * 3)
    database.close()


def test_full_incidents_move_no_offset(tmp_path: Path) -> None:
    """A step that does not fit is not stored at all: the same step succeeds once there is room."""
    database = opened(places(None, tmp_path))
    store = database.store
    with database.incidents_engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 5}")
    changes = Changes(alerts=tuple(alert(n) for n in range(1000)), events=1000)
    with pytest.raises(RcaError, match="full"):
        apply(store, changes)
    refused = store.standing()
    with database.incidents_engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=100000")
    apply(store, changes)

    assert (refused.seq, refused.events, store.standing().seq) == (0, 0, 1)
    assert len(store.load().alerts) == 1000
    database.close()


def test_a_server_that_is_gone_is_used_again_when_it_is_back(postgres: Postgres, tmp_path: Path) -> None:
    """While it is gone writes are "full" and reads "not_ready"; nothing about the server is told."""
    database = opened(places(postgres.database(), tmp_path))
    database.journal.append([draft(1)])
    postgres.stop()
    try:
        with pytest.raises(RcaError) as writing:
            database.journal.append([draft(2)])
        with pytest.raises(RcaError) as reading:
            database.journal.head()
    finally:
        postgres.start()

    assert (writing.value.code, reading.value.code) == ("full", "not_ready")
    assert str(postgres.folder) not in writing.value.message + reading.value.message
    assert database.journal.append([draft(3)]) > 1
    assert [entry.received_at - T0 for entry in database.journal.read(0, limit=9)] == [1, 3]
    database.close()


def test_a_lease_survives_the_end_of_the_server(postgres: Postgres, tmp_path: Path) -> None:
    """What was stored before is there after, and the holder goes on."""
    database = opened(places(postgres.database(), tmp_path))
    apply(database.store, Changes(alerts=(alert(1),)))
    postgres.stop()
    postgres.start()
    with database.incidents_engine.connect() as connection:
        holder = connection.execute(text("SELECT holder FROM standing")).scalar()

    assert holder == HOLDER
    assert database.store.take_lease(HOLDER, now=T0, ttl_ms=TTL_MS)
    assert len(database.store.load().alerts) == 1
    database.close()
