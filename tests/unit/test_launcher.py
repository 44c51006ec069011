"""What `run.py` leans on before anything is installed: locks, homes, ports and what it prints."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from launcher.console import CannotGoOnError, Console, Progress, clean
from launcher.environment import child_environment, hint
from launcher.homes import SETTING, empty_state, first_home, own_home, servers_running
from launcher.locks import FileLock, is_held, waiting_for
from launcher.server import Address, Server, own_port

ROOT = Path(__file__).resolve().parents[2]
# A stand-in for a service: a worker in a session of its own that ignores SIGTERM, as a stuck one would.
STUBBORN = """
import subprocess, sys, time
worker = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print('up', flush=True); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", worker], start_new_session=True)
time.sleep(60)
"""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """A second lock on the same file is refused until the first is released."""
    first, second = FileLock(tmp_path / "x.lock"), FileLock(tmp_path / "x.lock")

    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()


def test_a_lock_is_the_file_that_is_there_now(tmp_path: Path) -> None:
    """A lock whose file was removed does not shut out the next: only the file in place counts."""
    first, second = FileLock(tmp_path / "x.lock"), FileLock(tmp_path / "x.lock")
    first.take()
    (tmp_path / "x.lock").unlink()

    assert second.take()


@pytest.mark.slow
def test_a_waiter_says_so_once(tmp_path: Path) -> None:
    """Waiting for another process's lock is announced once, and ends when that process does."""
    code = (
        "import sys, time; from pathlib import Path; from launcher.locks import FileLock;"
        f"FileLock(Path({str(tmp_path / 'x.lock')!r})).take(); print('held', flush=True); time.sleep(1)"
    )
    said: list[str] = []
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with waiting_for(tmp_path / "x.lock", lambda: said.append("waiting")):
            assert said == ["waiting"]


# A run that is setting up: it holds the lock and follows a pip that does not end.
SETTING_UP = """
import sys
from pathlib import Path
from launcher.console import Console
from launcher.locks import waiting_for
from launcher.pip import run_pip
folder = Path(sys.argv[1])
pip = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
with waiting_for(folder / "x.lock", print) as fd:
    command = [sys.executable, "-c", pip, str(folder / "pid")]
    run_pip(command, None, Console(sys.stdout), folder / "log", env={}, keep_open=[fd])
"""


def test_a_set_up_that_is_killed_keeps_others_off_while_its_pip_runs(tmp_path: Path) -> None:
    """`kill -9` ends `run.py` alone: pip, which goes on writing, keeps the lock."""
    run = subprocess.Popen(
        [sys.executable, "-c", SETTING_UP, str(tmp_path)], stdout=subprocess.DEVNULL, cwd=ROOT
    )
    pid = tmp_path / "pid"
    deadline = time.monotonic() + 20
    while not (pid.exists() and pid.read_text()):
        assert time.monotonic() < deadline, "pip did not start"
        time.sleep(0.02)
    run.kill()
    run.wait()
    held = is_held(tmp_path / "x.lock")
    os.kill(int(pid.read_text()), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while is_held(tmp_path / "x.lock"):
        assert time.monotonic() < deadline, "the lock outlives pip"
        time.sleep(0.02)

    assert held


def test_a_child_gets_the_users_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of pip, certificates, proxies and ours go through; other Pythons and metrics do not."""
    through = {
        "PIP_INDEX_URL": "https://pypi.example.com/simple",
        "PIP_CERT": "/certs/pip.pem",
        "SSL_CERT_FILE": "/certs/all.pem",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "http_proxy": "http://proxy.example.com:3128",
        "NO_PROXY": "localhost",
        "AIOPS_GAP_SEC": "60",
    }
    dropped = ["PYTHONPATH", "PYTHONHOME", "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir", SETTING]
    for name, value in {**through, **dict.fromkeys(dropped, "/theirs")}.items():
        monkeypatch.setenv(name, value)
    child = child_environment()

    assert {name: child.get(name) for name in through} == through
    assert [name for name in dropped if name in child] == []
    assert child["BENTOML_DO_NOT_TRACK"] == "True"


@pytest.mark.parametrize(
    ("said", "damaged"),
    [
        ("ModuleNotFoundError: No module named 'uvicorn'", True),
        ("Failed to import module \"service\": No module named 'fastapi_offline'", True),
        ("[Errno 2] No such file or directory: '/a b/.venv/bin/aiops-rca'", True),
        ("aiops-rca: AIOPS_GAP_SEC: Input should be a valid integer", False),
    ],
)
def test_only_a_damaged_environment_is_to_be_made_again(said: str, damaged: bool) -> None:  # noqa: FBT001 - a table
    """The way out is told where a module or a command is missing, not for every failure."""
    assert ("run.py clean" in hint(said)) is damaged


def test_every_home_sees_one_model_store(tmp_path: Path) -> None:
    """What was imported for the first server is there for one beside it."""
    with own_home(tmp_path) as one, own_home(tmp_path) as two:
        (one.path / "models" / "graph").mkdir()

        assert (two.path / "models" / "graph").is_dir()
    with own_home(tmp_path), own_home(tmp_path) as again:
        assert (again.path / "models" / "graph").is_dir()


def test_running_servers_take_different_homes(tmp_path: Path) -> None:
    """The first server gets `home`, one beside it `home-2`; a home is free again when its server is gone."""
    with own_home(tmp_path) as one:
        with own_home(tmp_path) as two:
            assert servers_running(tmp_path) == [tmp_path / "home", tmp_path / "home-2"]
        with own_home(tmp_path) as three:
            assert [one.path.name, two.path.name, three.path.name] == ["home", "home-2", "home-2"]

    assert servers_running(tmp_path) == []


def test_a_home_stays_taken_while_the_server_lives(tmp_path: Path) -> None:
    """A server that outlives its starter keeps its home: it inherited the lock."""
    with own_home(tmp_path) as home:
        server = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[home.lock_fd]
        )

    assert is_held(tmp_path / "home" / "serve.lock")
    server.communicate(b"\n")
    assert not is_held(tmp_path / "home" / "serve.lock")


def test_the_user_may_name_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`AIOPS_BENTOML_HOME` is used as it is, an inherited BENTOML_HOME is not."""
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "theirs"))
    without = first_home(tmp_path)
    monkeypatch.setenv(SETTING, str(tmp_path / "chosen"))

    assert [without, first_home(tmp_path)] == [tmp_path / "home", tmp_path / "chosen"]


def test_a_named_home_is_never_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user named the home, a second server is refused, not moved."""
    monkeypatch.setenv(SETTING, str(tmp_path / "chosen"))
    with (
        own_home(tmp_path),
        pytest.raises(CannotGoOnError, match="in use by another server"),
        own_home(tmp_path),
    ):
        pass


@contextlib.contextmanager
def listener() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield int(taken.getsockname()[1])


def test_a_demo_begins_with_nothing(tmp_path: Path) -> None:
    """Its state is in its own home and empty each time; a database and people to notify are left alone."""
    settings = empty_state(tmp_path)
    state = Path(settings.pop("AIOPS_STATE_DIR"))
    state.mkdir()
    (state / "journal.db").touch()

    assert empty_state(tmp_path)["AIOPS_STATE_DIR"] == str(state)
    assert not state.exists()
    assert state.parent == tmp_path
    assert settings == {"AIOPS_LIVE_DATABASE_URL": "", "AIOPS_NOTIFY_URLS": ""}


def test_a_taken_default_port_moves_on() -> None:
    """Without `--port` the next free port is used."""
    with listener() as taken, own_port("127.0.0.1", None, default=taken) as address:
        assert taken < address.port < taken + 200


def test_a_taken_port_that_was_asked_for_is_an_error() -> None:
    """With `--port` nothing else will do."""
    with listener() as taken:
        refused = pytest.raises(CannotGoOnError, match=f"port {taken} on 127.0.0.1 is taken")
        with refused, own_port("127.0.0.1", taken):
            pass


def test_runs_at_once_take_different_ports() -> None:
    """A port that another run holds but does not listen on yet is not free."""
    with listener() as taken:
        start = taken + 1
    with own_port("127.0.0.1", None, default=start) as one, own_port("127.0.0.1", None, default=start) as two:
        assert one.port != two.port


def test_a_host_may_be_a_name() -> None:
    """A name becomes a number, because BentoML takes no names; a wrong one is said to be wrong."""
    with own_port("localhost", None) as address:
        assert address.host in {"127.0.0.1", "::1"}
    with pytest.raises(CannotGoOnError, match="--host"), own_port("no such host", None):
        pass


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://127.0.0.1:1"), ("::", "http://[::1]:1")],
)
def test_a_wildcard_address_is_asked_at_the_loopback(host: str, url: str) -> None:
    """The printed URL is one that this machine can open."""
    assert Address(host, 1).url == url


def start(code: str, log: Path) -> Server:
    """A Python child as the server."""
    return Server([sys.executable, "-c", code], cwd=log.parent, env=dict(os.environ), log=log, keep_open=[])


def test_a_server_that_dies_is_reported_with_its_log(tmp_path: Path) -> None:
    """Waiting for a dead server ends at once and shows its last words, made safe to print."""
    server = start("print('bad \\x1b[31mconfig'); raise SystemExit(3)", tmp_path / "log")

    with pytest.raises(CannotGoOnError, match=r"ended with code 3[^\x1b]*bad  ?\[31mconfig"):
        server.wait_until_ready(Address("127.0.0.1", 9))


class Failing(BaseHTTPRequestHandler):
    """A service one of whose checks failed."""

    def do_GET(self) -> None:
        """Not ready, and why."""
        checks = {"graph": {"ok": False, "detail": "not \x1b[2Jthere"}, "ranker": {"ok": True, "detail": ""}}
        self.send_response(503)
        self.end_headers()
        self.wfile.write(json.dumps({"checks": checks}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_server_whose_checks_fail_is_not_waited_for(tmp_path: Path) -> None:
    """What `/readyz` says ends the wait at once, made safe to print."""
    server = start("import time; time.sleep(60)", tmp_path / "log")
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as asked:
        threading.Thread(target=asked.serve_forever, daemon=True).start()
        began = time.monotonic()
        refused = pytest.raises(CannotGoOnError, match=r"cannot answer:\n  graph: not \[2Jthere$")
        with refused:
            server.wait_until_ready(Address("127.0.0.1", asked.server_address[1]))
        asked.shutdown()
    server.stop()

    assert time.monotonic() - began < 30


def test_no_process_survives_a_stop(tmp_path: Path) -> None:
    """A worker in its own session that ignores SIGTERM is killed when the stopper will not wait."""
    server = start(STUBBORN, tmp_path / "log")
    wait_for("up", tmp_path / "log")
    family = server._family()
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    server.stop()
    signal.signal(signal.SIGALRM, before)

    assert len(family) == 2
    assert server._family() == []


def interrupt(_number: int, _frame: object) -> None:
    """A second Ctrl-C."""
    raise KeyboardInterrupt


def wait_for(word: str, log: Path) -> None:
    """Wait until *word* is in *log*."""
    deadline = time.monotonic() + 20
    while word not in log.read_text():
        assert time.monotonic() < deadline, f"no {word!r} in {log}"
        time.sleep(0.02)


def test_what_is_printed_cannot_drive_the_terminal() -> None:
    """Escape, control and direction-changing characters become spaces, and lines stay one line."""
    assert clean("a\x1b[2J\x07b\u202ec\r\nd\x9be") == "a [2J b c d e"


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets colour unless `NO_COLOR` is set; a file never does."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    painted = [Console(Terminal()).paint("x", "red"), Console(io.StringIO()).paint("x", "red")]
    monkeypatch.setenv("NO_COLOR", "1")

    assert [*painted, Console(Terminal()).paint("x", "red")] == ["\x1b[31mx\x1b[0m", "x", "x"]


def test_progress_is_a_moving_line_on_a_terminal_and_a_few_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal sees every step redrawn with its percent, a log file one line per quarter."""
    monkeypatch.setenv("TERM", "xterm")
    live, plain = Terminal(), io.StringIO()
    for stream in (live, plain):
        progress = Progress(Console(stream), "installing")
        for step in range(100):
            progress.show(step / 100)
        progress.done()

    assert live.getvalue().count("\r") == 102
    assert " 42%" in live.getvalue()
    assert "\r" not in plain.getvalue()
    assert len(plain.getvalue().splitlines()) == 5
