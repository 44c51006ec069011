"""The two commands of the README and what stands around them, on the real service over a real socket.

The quick ones use this checkout and its `.venv`, with a BENTOML_HOME of their own; the slow ones start
from a copy of the checkout and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

ROOT = Path(__file__).resolve().parents[2]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
NOWHERE = "http://127.0.0.1:9"  # a proxy that nothing answers at


class Run:
    """A `run.py` command at work, without a terminal, started from another folder."""

    def __init__(self, *arguments: str, root: Path = ROOT, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(root / "run.py"), *arguments],
            cwd="/",
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:  # the test has failed: leave no server behind
            self.process.terminate()
            self.process.wait(60)
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.said += line

    def wait_for(self, pattern: str, seconds: float = 90) -> re.Match[str]:
        """Wait until it has said something that matches *pattern*."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.said)):
            assert time.monotonic() < deadline, f"never said {pattern!r}:\n{self.said}"
            assert self._reader.is_alive(), f"ended without {pattern!r}:\n{self.said}"
            time.sleep(0.05)
        return found

    def end(self, number: int | None = None, seconds: float = 90) -> int:
        """Send it a signal, if one is given, and wait for its exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code


def get(url: str) -> tuple[int, object]:
    """GET *url*: its status and its JSON."""
    with DIRECT.open(url, timeout=10) as answer:
        return answer.status, json.load(answer)


def processes_with(word: str) -> list[str]:
    """The command lines of all processes that have *word* in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if word.encode() in entry.read_bytes() and entry.parent.name != str(os.getpid()):
                found.append((entry.parent / "cmdline").read_text())
        except OSError:  # another user's, or gone
            continue
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A BENTOML_HOME for one server, in a folder with a space."""
    return tmp_path / "a home"


def test_the_demo_answers_and_serves_until_it_is_stopped(home: Path) -> None:
    """The demo shows a diagnosis in words, serves on, and Ctrl-C leaves no process behind.

    A proxy in the environment is not asked for a server on this machine.
    """
    with Run("demo", AIOPS_BENTOML_HOME=str(home), http_proxy=NOWHERE) as run:
        url = run.wait_for(r"serving on (http://127\.0\.0\.1:\d+)")[1]
        run.wait_for("Ctrl-C stops it")
        ready = get(f"{url}/readyz")[0]
        alive = len(processes_with(f"BENTOML_HOME={home}"))
        code = run.end(signal.SIGINT)

    assert (ready, code) == (200, 0)
    for part in ("Root cause  redis-cart", "because", "path ", "Clusters", "actions", "Similar", "timings"):
        assert part in run.said
    assert f"curl -s {url}/incident" in run.said
    assert "\x1b" not in run.said
    assert "Traceback" not in run.said
    assert alive >= 2  # a supervisor and a worker
    assert processes_with(f"BENTOML_HOME={home}") == []


@pytest.mark.slow
def test_the_demo_can_end_by_itself(home: Path) -> None:
    """`demo --once` ends after the answer, with the model store filled and no process left."""
    with Run("demo", "--once", AIOPS_BENTOML_HOME=str(home)) as run:
        code = run.end()

    assert code == 0, run.said
    assert "Root cause  redis-cart" in run.said
    assert "serving on" not in run.said
    assert (home / "models" / "service_graph").is_dir()
    assert processes_with(f"BENTOML_HOME={home}") == []


def test_serve_takes_the_port_it_is_given_and_ends_on_sigterm(home: Path) -> None:
    """`serve --port N --host H` listens there; SIGTERM ends it in good order, with exit code 0."""
    port = free_port()
    with Run("serve", "--port", str(port), "--host", "0.0.0.0", AIOPS_BENTOML_HOME=str(home)) as run:
        run.wait_for("Ctrl-C stops it")
        version = get(f"http://127.0.0.1:{port}/version")[0]
        with Run("serve", AIOPS_SERVER_PORT=str(port), AIOPS_BENTOML_HOME=f"{home} 2") as second:
            refused = second.end()  # and so the variable is a port to `serve`, too
        code = run.end(signal.SIGTERM)

    assert (version, refused, code) == (200, 1, 0)
    assert f"run.py: port {port} on 127.0.0.1 is taken" in second.said
    assert processes_with(f"BENTOML_HOME={home}") == []


def test_a_server_that_cannot_start_is_explained(home: Path) -> None:
    """A bad setting ends the demo with the server's own words and no traceback of ours."""
    with Run("demo", "--once", AIOPS_BENTOML_HOME=str(home), AIOPS_GAP_SEC="soon") as run:
        code = run.end()

    assert code == 1
    assert "gap_sec" in run.said.lower()
    assert "Traceback" not in run.said


def test_a_demo_whose_graph_is_absent_says_so_at_once(home: Path) -> None:
    """A check that failed at start is printed instead of waited for."""
    began = time.monotonic()
    with Run("demo", "--once", AIOPS_BENTOML_HOME=str(home), AIOPS_GRAPH_TAG="service_graph:absent") as run:
        code = run.end()

    assert code == 1
    assert "graph: service_graph:absent is not in the model store" in run.said
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_refused(port: str) -> None:
    """A wrong `--port` or AIOPS_SERVER_PORT is named."""
    with Run("serve", AIOPS_SERVER_PORT=port) as by_variable, Run("demo", "--port", port) as by_option:
        codes = [by_variable.end(), by_option.end()]

    assert codes == [2, 2]
    assert f"argument --port: '{port}' is no port" in by_variable.said
    assert f"argument --port: '{port}' is no port" in by_option.said


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of this checkout, nothing else, in a folder with a space, removed with what came of them."""
    folder = tmp_path_factory.mktemp("fresh") / "a copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_demos_at_once_on_a_fresh_copy(copy: Path) -> None:
    """Started together on nothing, both answer: one installs, each has its own home and port."""
    with Run("demo", root=copy) as one, Run("demo", root=copy) as two:
        runs = [one, two]
        urls = {run.wait_for(r"serving on (http://\S+)", 400)[1] for run in runs}
        codes = [run.end(signal.SIGINT) for run in runs]

    assert codes == [0, 0]
    assert len(urls) == 2
    assert sum("another run is setting up; waiting ..." in run.said for run in runs) == 1
    assert {path.name for path in (copy / ".aiops").glob("home*")} == {"home", "home-2"}
    assert processes_with(f"BENTOML_HOME={copy}") == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_suite_runs_on_a_fresh_copy(copy: Path) -> None:
    """`test` adds the test dependencies to what is there and ends with pytest's own last line."""
    with Run("test", "tests/unit/test_dependencies.py", root=copy) as run:
        code = run.end(seconds=600)

    assert code == 0, run.said
    assert re.search(r"=+ \d+ passed in [\d.]+s =+\s*$", run.said)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_bento_is_built_and_listed(copy: Path) -> None:
    """`bento` fills the store of the project, builds, and lists what it built."""
    with Run("bento", "--version", "tried", root=copy) as run:
        code = run.end(seconds=600)

    assert code == 0, run.said
    assert re.search(r"aiops_rca:tried\s", run.said)
    assert (copy / ".aiops" / "home" / "bentos" / "aiops_rca" / "tried" / "bento.yaml").exists()
