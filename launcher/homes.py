"""A BENTOML_HOME for each running server: BentoML wipes part of its home at start, so none is shared.

`.aiops/home`, `.aiops/home-2`, ...: the first that is free; all see one model store. `AIOPS_BENTOML_HOME`
names another; the user's own `~/bentoml` and an inherited BENTOML_HOME are never touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launcher.console import CannotGoOnError
from launcher.locks import FileLock, is_held

SETTING = "AIOPS_BENTOML_HOME"
_AT_ONCE = 100


@dataclass(frozen=True)
class Home:
    """A BENTOML_HOME that is ours for now; a child that inherits *lock_fd* keeps it ours while it lives."""

    path: Path
    lock_fd: int

    @property
    def log(self) -> Path:
        """What the server of this home says, when nobody watches it."""
        return self.path / "serve.log"


def first_home(scratch: Path) -> Path:
    """The home that builds and imports go to when no server is to be started."""
    chosen = os.environ.get(SETTING)
    return Path(chosen).expanduser().resolve() if chosen else scratch / "home"


@contextlib.contextmanager
def own_home(scratch: Path) -> Iterator[Home]:
    """Hold the first free home under *scratch*, or the one the user named."""
    for path in _choices(scratch):
        lock = FileLock(_lock_file(path))
        if lock.take():
            break
    else:
        hint = f"stop it, or set {SETTING} to another folder"
        raise CannotGoOnError(f"{path} is in use by another server: {hint}")
    _share_stores(first_home(scratch), path)
    try:
        yield Home(path, lock.fd)
    finally:
        lock.release()


def empty_state(home: Path) -> dict[str, str]:
    """The settings that give the server of *home* a journal and incidents of its own, none at first.

    Neither a database that is set nor anybody who is to be notified has to do with it.
    """
    state = home / "demo"
    if state.exists():
        shutil.rmtree(state)
    return {"AIOPS_STATE_DIR": str(state), "AIOPS_LIVE_DATABASE_URL": "", "AIOPS_NOTIFY_URLS": ""}


def servers_running(scratch: Path) -> list[Path]:
    """The homes under *scratch* that a running server holds."""
    homes = {*scratch.glob("home*"), first_home(scratch)}
    return sorted(home for home in homes if is_held(_lock_file(home)))


def _share_stores(first: Path, home: Path) -> None:
    """Let *home* see the models and bentos of the first one: only the metrics must not be shared."""
    for store in ("models", "bentos"):
        (first / store).mkdir(parents=True, exist_ok=True)
        if home != first and not (home / store).is_symlink() and not (home / store).exists():
            (home / store).symlink_to(Path("..") / first.name / store, target_is_directory=True)


def _choices(scratch: Path) -> list[Path]:
    first = first_home(scratch)
    if os.environ.get(SETTING):
        return [first]
    return [first, *(first.with_name(f"{first.name}-{n}") for n in range(2, _AT_ONCE))]


def _lock_file(home: Path) -> Path:
    return home / "serve.lock"
