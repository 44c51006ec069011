"""Run the real service for tests: a store of its own, a free port, `bentoml serve`, and clean up.

Nothing here fakes a part: requests go over a real socket to the process users run.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
GRAPH = ROOT / "graphs" / "online-boutique.yaml"
HISTORY = ROOT / "history" / "online-boutique.jsonl"
START_SEC = 60
STOP_SEC = 30
_OURS = ("AIOPS_", "ANTHROPIC_", "PROMETHEUS_")


@dataclass(frozen=True)
class Served:
    """A running service: where it listens, its process, and where its log goes."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def log_lines(self) -> list[str]:
        """Every line logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def wait_for_log(self, text: str) -> None:
        """Wait until a line with *text* is logged; lines are written after the answer was sent."""
        deadline = time.monotonic() + 10
        while not any(text in line for line in self.log_lines()):
            assert time.monotonic() < deadline, f"{text!r} was not logged"
            time.sleep(0.02)


def free_port() -> int:
    """A TCP port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(*arguments: str, home: Path, env: Mapping[str, str] | None = None) -> str:
    """Run `aiops-rca` with a model store of its own; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "aiops_rca", *arguments],
        env=environment(home, env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bentoml(home: Path, *arguments: str) -> str:
    """Run `bentoml` on the store under *home*; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", *arguments],
        env=environment(home),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a service process: this one's without our settings, plus *extra*.

    Its state lies under *home* too: no test touches what the project itself keeps.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    own = {"BENTOML_HOME": str(home), "AIOPS_STATE_DIR": str(home / "state")}
    return kept | own | {"BENTOML_DO_NOT_TRACK": "True", **(extra or {})}


def seed(home: Path, graph: Path = GRAPH, history: Path = HISTORY) -> None:
    """Import a graph and a history into the store under *home*."""
    command("graph", "import", str(graph), home=home)
    command("history", "import", str(history), home=home)


@contextmanager
def served(
    home: Path,
    *,
    env: Mapping[str, str] | None = None,
    target: Sequence[str] = (".",),
    cwd: Path = ROOT,
    ready: bool = True,
    port: int | None = None,
) -> Iterator[Served]:
    """Run `bentoml serve *target*` until the block ends; wait for /readyz unless *ready* is False.

    It runs on a copy of *home*: BentoML empties the metrics folder of its home when it starts, so two
    services must not share one. Its state is its own too, unless *env* names another `AIOPS_STATE_DIR`.
    One that comes back on the *port* of another finds its state.
    """
    port = port or free_port()
    own = home / f"service-{port}"
    state = {"AIOPS_STATE_DIR": str(own / "state")}
    for store in ("models", "bentos"):
        if (home / store).is_dir():
            shutil.copytree(home / store, own / store, dirs_exist_ok=True)
    log = own / "log"
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "5"]
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "bentoml", "serve", *target, *arguments],
            env=environment(own, state | dict(env or {})),
            cwd=cwd,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            service = Served(f"http://127.0.0.1:{port}", process, log)
            _wait(service, "/readyz" if ready else "/healthz")
            yield service
        finally:
            stop(process)


def _wait(service: Served, path: str) -> None:
    deadline = time.monotonic() + START_SEC
    while time.monotonic() < deadline:
        assert service.process.poll() is None, "\n".join(service.log_lines()[-30:])
        try:
            if httpx.get(service.url + path, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("not ready in time:\n" + "\n".join(service.log_lines()[-30:]))


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the service and every process it started."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SEC)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_SEC)
