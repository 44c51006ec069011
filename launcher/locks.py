"""File locks between runs that do not know of each other; released by the system when a holder dies.

Without `fcntl` (Windows) every lock is free: runs at once are then the user's to avoid.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    _CAN_LOCK = False
else:
    _CAN_LOCK = True


class FileLock:
    """An exclusive lock on *path*. The file stays: only who holds it matters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        """The open file; a child that inherits it keeps the lock for as long as it lives."""
        if self._fd is None:
            raise RuntimeError(f"{self.path} is not held")
        return self._fd

    def take(self) -> bool:
        """Take the lock if it is free; say whether it is ours now."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        if _locked(fd) and _same_file(fd, self.path):
            self._fd = fd
            return True
        os.close(fd)
        return False

    def release(self) -> None:
        """Let go of it; nothing happens where it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@contextlib.contextmanager
def waiting_for(path: Path, when_busy: Callable[[], None]) -> Iterator[int]:
    """Hold the lock on *path*, waiting for its holder; *when_busy* is called once, on the first wait.

    Gives the open file, for a child to inherit.
    """
    lock = FileLock(path)
    busy = False
    while not lock.take():
        if not busy:
            when_busy()
        busy = True
        time.sleep(0.1)
    try:
        yield lock.fd
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Say whether another process holds the lock on *path*."""
    if not path.exists():
        return False
    lock = FileLock(path)
    if not lock.take():
        return True
    lock.release()
    return False


def _locked(fd: int) -> bool:
    if not _CAN_LOCK:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(fd: int, path: Path) -> bool:
    """Say whether *path* is still the locked file: `clean` may have removed it in between."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
