"""The processes of a served instance, found by who started whom, and their violent ends."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from served import Served
from webhooks import wait_for


def worker(service: Served) -> int | None:
    """The process that answers requests; None while there is none."""
    return _first(service, "_bentoml_impl.worker")


def correlator(service: Served) -> int | None:
    """The process that folds; None while there is none."""
    return _first(service, "correlator")


def kill(*pids: int | None) -> None:
    """Kill -9, and return once all of *pids* are gone."""
    known = [pid for pid in pids if pid is not None]
    for pid in known:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(map(_runs, known)))


def kill_all(service: Served) -> None:
    """Kill every process of *service* at once, as when the power fails."""
    started = descendants(service.process.pid)
    service.process.kill()
    kill(*started)
    service.process.wait()


def descendants(pid: int) -> list[int]:
    """Every process that *pid* started, and those they started."""
    parents = dict(filter(None, map(_parent, Path("/proc").glob("[0-9]*/stat"))))
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _parent(stat: Path) -> tuple[int, int] | None:
    with suppress(OSError):  # it may end while it is looked at
        return int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
    return None


def _first(service: Served, word: str) -> int | None:
    return next((pid for pid in descendants(service.process.pid) if word in _command(pid)), None)


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _runs(pid: int) -> bool:
    """Whether *pid* is there and not only waits for its parent to take notice of its end."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
