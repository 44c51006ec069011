"""The locked environment in `.venv`: made once, repaired when an install broke off, left alone when current.

A stamp inside `.venv` holds the digests of what was installed; it is gone while an install touches anything.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from launcher import homes
from launcher.console import CannotGoOnError, Console, Progress
from launcher.locks import waiting_for
from launcher.pip import PipFailedError, run_pip

RUN = "requirements.txt"
DEV = "requirements-dev.txt"
MEND = "if a module is missing, .venv is damaged: python3 run.py clean, then the same command again"
_TORN = re.compile(r"No module named|ImportError|PackageNotFoundError|No such file or directory: .*\.venv")


@dataclass(frozen=True)
class Environment:
    """Where things are. *root* is the project's folder."""

    root: Path

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def scratch(self) -> Path:
        """Everything else a run leaves behind: model stores, logs, locks."""
        return self.root / ".aiops"

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.script("python")

    def script(self, name: str) -> Path:
        """The path of an installed command."""
        if os.name == "nt":
            return self.venv / "Scripts" / f"{name}.exe"
        return self.venv / "bin" / name

    @property
    def stamp(self) -> Path:
        """What was installed, written last."""
        return self.venv / "installed.json"

    @property
    def lock(self) -> Path:
        """Held by the run that is changing `.venv`."""
        return self.scratch / "setup.lock"

    @property
    def marker(self) -> Path:
        """There while an install is under way; found later, it tells of one that broke off."""
        return self.venv / "installing"


def child_environment() -> dict[str, str]:
    """The user's own environment (PIP_*, SSL_CERT_FILE, proxies, AIOPS_* settings), fit for a child.

    Without what would mix two Pythons or two programs, and without the one setting that is for us alone.
    """
    metrics = {"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"}  # of some other program's counters
    dropped = {"PYTHONPATH", "PYTHONHOME", homes.SETTING, *metrics}
    env = {key: value for key, value in os.environ.items() if key not in dropped}
    env["BENTOML_DO_NOT_TRACK"] = "True"
    return env


def hint(said: str) -> str:
    """What to do where a child's last words tell of a package that is not whole; else nothing."""
    return f"\n{MEND}" if _TORN.search(said) else ""


def prepare(env: Environment, console: Console, *, dev: bool) -> None:
    """Make `.venv` hold what the lock says, with the test dependencies if *dev*; free when it does."""
    wanted = _wanted(env, (RUN, DEV) if dev else (RUN,))
    if _is_current(env, wanted):
        return
    with alone(env, console) as lock_fd:
        if not _is_current(env, wanted):
            _set_up(env, console, wanted, DEV if dev else RUN, lock_fd)


def alone(env: Environment, console: Console) -> AbstractContextManager[int]:
    """Hold off every other run that would change `.venv`, waiting for one that is at it.

    A child that inherits the open file it gives keeps them off even when this run is killed.
    """
    return waiting_for(env.lock, lambda: console.say("another run is setting up; waiting ..."))


def _wanted(env: Environment, files: Sequence[str]) -> dict[str, str]:
    sources = {name: (env.root / name).read_bytes() for name in files}
    sources["project"] = _how_it_is_built(env.root / "pyproject.toml")
    return {**{name: hashlib.sha256(text).hexdigest() for name, text in sources.items()}, **_identity(env)}


def _how_it_is_built(pyproject: Path) -> bytes:
    """The tables that decide what an install makes; a linter's settings are none of them."""
    tables = tomllib.loads(pyproject.read_text("utf-8"))
    return json.dumps(
        [tables.get("build-system"), tables["project"], tables.get("tool", {}).get("hatch")]
    ).encode()


def _identity(env: Environment) -> dict[str, str]:
    """What a virtual environment cannot outlive: its folder (scripts name it) and its Python."""
    return {"root": str(env.root), "python": f"{platform.python_version()} in {sys.base_prefix}"}


def _stamped(env: Environment) -> dict[str, str]:
    try:
        found = json.loads(env.stamp.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_current(env: Environment, wanted: dict[str, str]) -> bool:
    return wanted.items() <= _stamped(env).items() and env.python.exists() and not env.marker.exists()


def _set_up(
    env: Environment, console: Console, wanted: dict[str, str], requirements: str, lock_fd: int
) -> None:
    if env.venv.exists() or env.venv.is_symlink():
        _remove_if_unusable(env, console)
    before = _stamped(env)
    if not env.venv.exists():
        _make(env, console, lock_fd)
    env.marker.touch()
    env.stamp.unlink(missing_ok=True)
    try:
        _install(env, console, requirements, lock_fd)
    except PipFailedError as failure:
        if before and not failure.touched:  # nothing was changed, so what was there still is
            _write_stamp(env, before)
        raise CannotGoOnError(str(failure)) from failure
    _write_stamp(env, wanted)


def _write_stamp(env: Environment, content: dict[str, str]) -> None:
    env.stamp.write_text(json.dumps(content, indent=1), "utf-8")
    env.marker.unlink(missing_ok=True)


def _remove_if_unusable(env: Environment, console: Console) -> None:
    reason = _fault(env)
    if reason is None:
        return
    if homes.servers_running(env.scratch):
        raise CannotGoOnError(f".venv must be made again ({reason}), but a server uses it: stop that first")
    console.say(f"removing .venv: {reason}")
    remove(env.venv)


def remove(folder: Path) -> None:
    """Remove *folder*, or only the link where it is one."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def _fault(env: Environment) -> str | None:
    """Why the `.venv` that is there cannot be built on; None if it can."""
    if env.marker.exists():
        return "an earlier install broke off"
    stamped = _stamped(env)
    if stamped:
        changed = {key: value for key, value in _identity(env).items() if stamped.get(key) != value}
        if changed:
            return f"it was made for another folder or Python ({', '.join(sorted(changed))})"
    probe = "import sys, pip; print(sys.prefix, *sys.version_info[:2], sep='\\n')"
    try:
        found = subprocess.run(
            [str(env.python), "-I", "-c", probe],
            capture_output=True,
            text=True,
            check=True,
            env=child_environment(),
        )
    except (OSError, subprocess.CalledProcessError):
        return "it is half-made or has no pip"
    prefix, *version = found.stdout.split("\n")
    if Path(prefix).resolve() != env.venv.resolve() or tuple(map(int, version[:2])) != sys.version_info[:2]:
        return "it was made for another folder or Python"
    return None


def missing_parts() -> str | None:
    """What this Python lacks to make an environment, in words; None if nothing."""
    lacking = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if not lacking:
        return None
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (
        f"this Python ({sys.executable}) lacks {' and '.join(lacking)}, which virtual environments need.\n"
        f"  Debian, Ubuntu: sudo apt-get install python{version}-venv\n"
        f"  elsewhere: use a Python {version} that was installed whole"
    )


def _make(env: Environment, console: Console, lock_fd: int) -> None:
    lacking = missing_parts()
    if lacking:
        raise CannotGoOnError(lacking)
    progress = Progress(console, f"making .venv with Python {platform.python_version()}")
    env.venv.mkdir()
    env.marker.touch()
    base = getattr(sys, "_base_executable", None) or sys.executable  # ours may have been in that .venv
    made = subprocess.Popen(
        [base, "-m", "venv", str(env.venv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=child_environment(),
        errors="replace",
        pass_fds=[lock_fd],
    )
    try:
        output, _ = made.communicate()
    finally:
        made.kill()
    if made.returncode:
        progress.failed()
        remove(env.venv)
        raise CannotGoOnError(f"python -m venv failed:\n{output.strip()}")
    progress.done()


def _install(env: Environment, console: Console, requirements: str, lock_fd: int) -> None:
    """Install the locked, hashed packages, then the project itself, without asking any index."""
    log = env.scratch / "setup.log"
    log.write_text(f"# {platform.platform()} Python {platform.python_version()}\n", "utf-8")
    pip = [str(env.python), "-I", "-m", "pip", "install", "--progress-bar", "off"]
    locked = env.root / requirements
    own = [*pip, "--no-deps", "--no-build-isolation", "--no-index", "-e", str(env.root)]
    for command, pins in (([*pip, "--require-hashes", "-r", str(locked)], locked), (own, None)):
        run_pip(command, pins, console, log, env=child_environment(), keep_open=[lock_fd])
