"""Which process of which machine somebody is, and whether that one still lives.

A name holds the machine (and its view of process ids, which differs between containers), the process id
and when the process began, so that a number used again is not taken for the one that had it.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

_STARTED = 19  # of the fields of /proc/<pid>/stat behind the name, counted from 0


def own_name() -> str:
    """The name of this process: `machine:pid:began`."""
    return f"{_machine()}:{os.getpid()}:{_began(os.getpid())}"


def is_dead(name: str) -> bool:
    """Tell whether the process called *name* is known to be gone; of another machine nothing is known."""
    machine, _, rest = name.rpartition(":")[0].rpartition(":")
    began = name.rpartition(":")[2]
    if machine != _machine() or not rest.isdecimal():
        return False
    return _began(int(rest)) != began


def _machine() -> str:
    try:
        return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # no /proc: not Linux
        return socket.gethostname()


def _began(pid: int) -> str:
    """When process *pid* began, in ticks since the machine did; empty when there is no such process.

    Where that cannot be found out, a process that is there counts as the one that was meant.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _answers(pid)
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[_STARTED]  # a zombie does nothing any more


def _answers(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:  # somebody else's, but there
        pass
    return "there"
