"""Run pip and show how far it is; keep all it says in a log and the end of it in the error."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from launcher.console import Console, Progress, clean

_PIN = re.compile(r"^[A-Za-z0-9][\w.-]*==", re.MULTILINE)
_FOUND = re.compile(r"\s*(?:Collecting|Requirement already satisfied:|Ignoring) ([\w.-]+)")
_UNPACKED = "[Ll]ib/**/site-packages/*.dist-info"
_TAIL = 15


class PipFailedError(Exception):
    """pip gave up. *touched* says whether it had begun to change the environment."""

    def __init__(self, message: str, *, touched: bool) -> None:
        super().__init__(message)
        self.touched = touched


class _Listener(threading.Thread):
    """Reads pip's lines: how many packages it has looked at, and whether it has begun to install."""

    def __init__(self, pip: subprocess.Popen[str], log: Path) -> None:
        super().__init__(daemon=True)
        self.found = 0
        self.last = ""
        self.touched = False
        self.tail: list[str] = []
        self._pip = pip
        self._log = log

    def run(self) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            for line in self._pip.stdout or ():
                log.write(line)
                log.flush()
                self._notice(line.rstrip())

    def _notice(self, line: str) -> None:
        self.tail = [*self.tail, line][-_TAIL:]
        package = _FOUND.match(line)
        if package:
            self.found += 1
            self.last = package[1]
        elif line.startswith("Installing collected packages"):
            self.touched = True
            self.last = "unpacking"


def run_pip(
    command: Sequence[str],
    locked: Path | None,
    console: Console,
    log: Path,
    *,
    env: dict[str, str],
    keep_open: Sequence[int],
) -> None:
    """Run pip's *command*, which begins with the Python to install for; raise PipFailedError if it fails.

    Progress counts towards the pins of the *locked* file. pip inherits the files of *keep_open*.
    """
    pins = len(_PIN.findall(locked.read_text("utf-8"))) if locked else 1
    title = f"installing {pins} locked packages" if locked else "installing the project"
    progress = Progress(console, title)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=keep_open,
        env={"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **env},
    ) as pip:
        try:
            listener = _follow(pip, progress, _Listener(pip, log), pins, Path(command[0]).parent.parent)
        except BaseException:
            pip.terminate()
            raise
    if pip.returncode:
        progress.failed()
        said = "\n".join(f"  {clean(line, 200)}" for line in listener.tail if line.strip())
        raise PipFailedError(f"pip could not finish ({log}):\n{said}", touched=listener.touched)
    progress.done()


def _follow(
    pip: subprocess.Popen[str], progress: Progress, listener: _Listener, pins: int, venv: Path
) -> _Listener:
    """Show progress until pip ends: half of it is finding packages, half is unpacking them."""
    listener.start()
    while pip.poll() is None:
        unpacked = len(list(venv.glob(_UNPACKED))) if listener.touched else 0
        progress.show(min(listener.found + unpacked, 2 * pins) / (2 * pins), listener.last)
        time.sleep(0.1)
    listener.join(timeout=5)
    return listener
