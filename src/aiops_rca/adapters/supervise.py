"""A child process kept running beside this one: started, started again when it dies or hangs, ended with us.

The child holds the reading end of a pipe as its standard input and ends when that closes, so it outlives
us by no more than a moment, however we go.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

log = logging.getLogger("aiops_rca.supervise")

_FIRST_WAIT_SEC = 0.2
_LONGEST_WAIT_SEC = 5.0
_STEADY_SEC = 5.0  # a child that ran so long did not die of how it was started
_LAST_WORDS_SEC = 5.0
_LOOK_SEC = 1.0
_MOST_PATIENCE = 16
_CALM_SEC = 600.0  # one that hangs after so long does not do so for what it has to do at its start


class Supervised:
    """One child process. *command* and *environ* are as for `subprocess.Popen`.

    *alive* is asked every *look_sec* whether the child gives a sign of life. One that gives none for
    *silent_sec*, or none at all for *start_sec*, is killed; the next one that hangs soon has twice the time.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        alive: Callable[[], bool] = lambda: True,
        first_wait_sec: float = _FIRST_WAIT_SEC,
        look_sec: float = _LOOK_SEC,
        silent_sec: float = 10.0,
        start_sec: float = 30.0,
    ) -> None:
        self._name, self._command, self._environ = name, list(command), dict(environ)
        self._alive, self._first_wait_sec, self._look_sec = alive, first_wait_sec, look_sec
        self._silent_sec, self._start_sec, self._patience = silent_sec, start_sec, 1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keep-{name}", daemon=True)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Begin to keep the child running."""
        self._thread.start()

    def stop(self) -> None:
        """End the child, which may finish what it is at, and do not start it again."""
        self._stopping.set()
        child = self._child
        if child is not None:
            _end(child)
        if self._thread.is_alive():
            self._thread.join(2 * _LAST_WORDS_SEC)

    def _keep(self) -> None:
        wait = self._first_wait_sec
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run()
            if self._stopping.is_set():
                return
            wait = self._first_wait_sec if time.monotonic() - began > _STEADY_SEC else wait
            event = {"child": self._name, "code": code, "again_in_sec": wait}
            log.error("child process ended", extra={"event": event})
            self._stopping.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SEC)

    def _run(self) -> int | None:
        """Start the child and wait until it ends: its exit code, None when it cannot be started."""
        try:
            child = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us: it ends with us, when all that came is kept
            )
        except OSError:
            log.exception("child process cannot be started", extra={"event": {"child": self._name}})
            return None
        self._child = child
        if self._stopping.is_set():
            _end(child)
        code = self._watched(child)
        _let_go(child)
        return code

    def _watched(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for the end of *child*, and bring it about when it hangs."""
        ran = silent = 0.0  # counted, not measured: when we were stopped ourselves, so was the child
        seen = False
        while True:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(self._look_sec)
            ran += self._look_sec
            alive = self._alive()
            seen, silent = seen or alive, 0.0 if alive else silent + self._look_sec
            if silent >= self._patience * (self._silent_sec if seen else self._start_sec):
                event = {"child": self._name, "pid": child.pid, "silent_sec": silent}
                log.error("child process hangs", extra={"event": event})
                self._patience = 1 if ran > _CALM_SEC else min(2 * self._patience, _MOST_PATIENCE)
                child.kill()


def _let_go(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    _let_go(child)
    try:
        child.wait(_LAST_WORDS_SEC)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def end_with_parent(stop: Callable[[], None], *, last_words_sec: float = _LAST_WORDS_SEC - 1) -> None:
    """Call *stop* when standard input closes, which is when the parent is gone or wants us to end.

    A process that has not ended by itself in *last_words_sec* is ended: nothing is lost by it.
    """

    def watch() -> None:
        while os.read(0, 4096):  # not sys.stdin: its lock would be held when the interpreter ends
            pass
        stop()
        time.sleep(last_words_sec)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()
