"""A supervised child: kept running, ended with us, and known by a name that tells whether it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aiops_rca.adapters.processes import is_dead, own_name
from aiops_rca.adapters.supervise import Supervised

LISTENS = """
import sys, threading, pathlib
from aiops_rca.adapters.processes import own_name
from aiops_rca.adapters.supervise import end_with_parent
stop = threading.Event()
end_with_parent(stop.set, last_words_sec=0.3)
pathlib.Path(sys.argv[1]).write_text(own_name())
{then}
"""
POLITE = "stop.wait()"
DEAF = "import time\nwhile True: time.sleep(1)"
OWNER = """
import sys, time
from aiops_rca.adapters.supervise import Supervised
child = Supervised("child", [sys.executable, "-c", sys.argv[1], sys.argv[2]], {})
child.start()
time.sleep(60)
"""


def wait_for(what: Callable[[], object]) -> None:
    """Return when *what* holds."""
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.01)


def written(file: Path) -> str:
    """What the child says its name is; empty until it does."""
    return file.read_text() if file.exists() else ""


def supervised(file: Path, then: str = POLITE) -> Supervised:
    """A child that writes its name to *file*."""
    command = [sys.executable, "-c", LISTENS.format(then=then), str(file)]
    return Supervised("child", command, {"PATH": os.environ["PATH"]}, first_wait_sec=0.01)


def test_it_is_started_again_when_it_dies(tmp_path: Path) -> None:
    """However the child goes, another one takes its place."""
    file = tmp_path / "name"
    child = supervised(file)
    child.start()
    wait_for(lambda: written(file))
    first = written(file)
    assert child.pid is not None

    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: written(file) not in {"", first})

    assert is_dead(first)
    assert not is_dead(written(file))
    child.stop()


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """The child is let end by itself, and stays ended."""
    file = tmp_path / "name"
    child = supervised(file)
    child.start()
    wait_for(lambda: written(file))

    began = time.monotonic()
    child.stop()

    assert time.monotonic() - began < 2
    assert child.pid is None
    assert is_dead(written(file))


def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """A child that is stuck does not outlive us."""
    file = tmp_path / "name"
    child = supervised(file, DEAF)
    child.start()
    wait_for(lambda: written(file))

    child.stop()

    assert is_dead(written(file))


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed takes the child along: its standard input closes."""
    file = tmp_path / "name"
    program = LISTENS.format(then=POLITE)
    owner = subprocess.Popen([sys.executable, "-c", OWNER, program, str(file)])
    wait_for(lambda: written(file))

    owner.kill()
    owner.wait()

    wait_for(lambda: is_dead(written(file)))
    assert is_dead(written(file))


def test_what_cannot_be_started_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A command that does not exist is logged and tried again, not thrown at the service."""
    child = Supervised("child", [str(tmp_path / "nothing")], {}, first_wait_sec=0.01)
    child.start()
    wait_for(lambda: len(caplog.records) > 2)

    child.stop()

    assert child.pid is None
    assert caplog.records[0].message == "child process cannot be started"


def test_stopping_before_it_began_is_fine(tmp_path: Path) -> None:
    """A service that is told to end while it starts has nothing to wait for."""
    child = supervised(tmp_path / "name")

    child.stop()

    assert child.pid is None


def test_one_that_hangs_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A child that runs and gives no sign of life is killed, although it could never end by itself."""
    file = tmp_path / "name"
    hangs = threading.Event()
    command = [sys.executable, "-c", LISTENS.format(then=POLITE), str(file)]
    child = Supervised(
        *("child", command, {"PATH": os.environ["PATH"]}),
        alive=lambda: bool(written(file)) and not hangs.is_set(),
        first_wait_sec=0.01,
        look_sec=0.02,
        silent_sec=0.1,
    )
    child.start()
    wait_for(lambda: written(file))
    first, pid = written(file), child.pid
    assert pid is not None
    time.sleep(0.2)
    assert child.pid == pid

    os.kill(pid, signal.SIGSTOP)
    hangs.set()
    wait_for(lambda: is_dead(first))
    file.unlink()
    hangs.clear()

    wait_for(lambda: written(file) not in {"", first})
    child.stop()
    assert any(record.message == "child process hangs" for record in caplog.records)


def test_each_that_hangs_has_more_time(caplog: pytest.LogCaptureFixture) -> None:
    """A child that needs long to begin gets there in the end: the next one is waited for twice as long."""
    child = Supervised(
        *("child", [sys.executable, "-c", "import time; time.sleep(60)"], {"PATH": os.environ["PATH"]}),
        alive=lambda: False,
        first_wait_sec=0.01,
        look_sec=2**-6,
        start_sec=2**-4,
    )
    child.start()

    def waits() -> list[float]:
        events = [record.__dict__["event"] for record in caplog.records if "hangs" in record.message]
        return [event["silent_sec"] for event in events]

    wait_for(lambda: len(waits()) >= 3)
    child.stop()
    assert waits()[:3] == [2**-4, 2**-3, 2**-2]


def test_only_a_process_known_to_be_gone_is_dead() -> None:
    """We are alive, another beginning under our number is not us, and of other machines nothing is known."""
    machine, pid, began = own_name().rsplit(":", 2)

    assert not is_dead(own_name())
    assert is_dead(f"{machine}:{pid}:{int(began) - 1}")
    assert not is_dead(f"elsewhere:{pid}:{began}")
    assert not is_dead("")
    assert not is_dead("a name of another kind")


def test_a_zombie_is_dead() -> None:
    """A child that ended and was not waited for does no more work."""
    code = "from aiops_rca.adapters.processes import own_name; print(own_name())"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout as out:
        name = out.read().strip()

    wait_for(lambda: is_dead(name))
    child.wait()
