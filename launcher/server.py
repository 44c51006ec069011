"""A server as a child of ours: a port, a home, started, waited for, and stopped with everything it started.

Signals go to the server itself first, which drains; what is left after the grace period is killed.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.console import CannotGoOnError, clean
from launcher.environment import MEND, hint
from launcher.locks import FileLock

_TAG = "RCA_RUN_TAG"  # in the environment of a server and all it starts, so that none is left behind
_KILLED_SECONDS = 5
_GRACE_SECONDS = 25.0  # a little more than `aiops-rca serve` gives requests to finish
_READY_SECONDS = 90.0
_STARTING = "service"  # the check that stands for all the others until they were made
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy between us and ourselves


class StoppedError(Exception):
    """A signal asked us to end; *code* is the exit code that says so."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """How this machine reaches it: a wildcard address is asked at the loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - not bound here
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


@contextlib.contextmanager
def own_port(host: str, wanted: int | None, default: int = 3000) -> Iterator[Address]:
    """Hold the *wanted* port, which must be free, or the first free one from *default* on."""
    ip = _ip(host)
    for port in (wanted,) if wanted is not None else range(default, default + 200):
        lock = FileLock(_port_lock(port))
        if lock.take():
            if _is_free(ip, port):
                break
            lock.release()
    else:
        raise CannotGoOnError(f"port {port} on {host} is taken; without --port the next free one is used")
    try:
        yield Address(ip, port)
    finally:
        lock.release()


def _port_lock(port: int) -> Path:
    """Two runs that start at once would both see a free port: one lock for each user and port."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"aiops-rca-{user}-port-{port}.lock"


def _ip(host: str) -> str:
    """*host* as a number, IPv4 where it has both: BentoML takes no names."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise CannotGoOnError(f"--host {clean(host)}: {error}") from error
    return str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])


def _is_free(ip: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
        try:
            probe.bind((ip, port))
            probe.listen()
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise CannotGoOnError(f"cannot listen on {ip}:{port}: {error.strerror}") from error
    return True


class Server:
    """A running `aiops-rca serve`. *log* is the file it writes to, None for our own streams."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path | None,
        keep_open: Sequence[int],
    ) -> None:
        self.log = log
        self.tag = uuid.uuid4().hex
        with contextlib.ExitStack() as files:
            out = files.enter_context(log.open("wb")) if log else None
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**env, _TAG: self.tag},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT if log else None,
                pass_fds=keep_open,
                start_new_session=True,
            )

    def wait_until_ready(self, address: Address) -> None:
        """Return when `/readyz` says 200; raise CannotGoOnError with the log's end if it dies or cannot."""
        deadline = time.monotonic() + _READY_SECONDS
        said = "no answer"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                ended = f"the server ended with code {self.process.returncode}"
                raise CannotGoOnError(ended + self.tail() + self._advice())
            status, body = fetch(f"{address.url}/readyz", timeout=5)
            if status == http.client.OK:
                return
            failed = _failed_checks(body) if status == http.client.SERVICE_UNAVAILABLE else []
            if failed:  # it looked once, at start: waiting changes nothing
                raise CannotGoOnError("the server cannot answer:\n" + "\n".join(failed))
            said = f"{status} {clean(body.decode('utf-8', 'replace'))}" if status else said
            time.sleep(0.1)
        never = f"the server was not ready after {_READY_SECONDS:.0f} s (/readyz: {said})"
        raise CannotGoOnError(never + self.tail())

    def tail(self) -> str:
        """The end of the log, ready to be appended to a message."""
        if self.log is None:
            return ""
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-20:]
        return f"; the end of {self.log}:\n" + "\n".join(f"  {clean(line)}" for line in lines)

    def _advice(self) -> str:
        """What to do where the log tells of a missing module; without a log somebody else must see."""
        return hint(self.log.read_text("utf-8", errors="replace")) if self.log else f"\n{MEND}"

    def wait(self) -> int:
        """Wait until the server ends by itself; its exit code."""
        return self.process.wait()

    def stop(self) -> None:
        """Let the server drain, then end whatever is left; a second Ctrl-C does not wait."""
        try:
            _signal([self.process.pid] if self.process.poll() is None else [], signal.SIGTERM)
            self._wait_gone(_GRACE_SECONDS)
        except (KeyboardInterrupt, StoppedError):
            pass
        finally:
            _signal(self._family(), signal.SIGKILL)
            self.process.wait()
            self._wait_gone(_KILLED_SECONDS)  # a killed grandchild is gone a moment later

    def _wait_gone(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._family() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _family(self) -> list[int]:
        """The processes that carry our tag; without /proc only the server itself."""
        own = [self.process.pid] if self.process.poll() is None else []
        tag = f"{_TAG}={self.tag}".encode()
        entries = Path("/proc").glob("[0-9]*/environ")
        return sorted({*own, *(int(entry.parent.name) for entry in entries if tag in _read(entry))})


def _failed_checks(body: bytes) -> list[str]:
    """What `/readyz` says does not hold, a line each; nothing while the service is still starting."""
    try:
        checks = json.loads(body)["checks"].items()
        return [
            f"  {clean(name)}: {clean(check['detail'])}"
            for name, check in checks
            if not check["ok"] and name != _STARTING
        ]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []  # not ours, or not yet


def _read(entry: Path) -> bytes:
    try:
        return entry.read_bytes()
    except OSError:  # another user's process, or one that has just ended
        return b""


def _signal(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def fetch(url: str, body: bytes | None = None, timeout: float = 60) -> tuple[int, bytes]:
    """GET *url*, or POST the JSON *body*: (status, body); status 0 when nothing answers."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with _LOCAL.open(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error).encode()
