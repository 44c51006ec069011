"""Capture a real alert storm: the demo shop's exporter, watched by Prometheus and Alertmanager.

`cd tests && python3 -m data.capture_storm` runs four minutes and writes `storm-webhooks.jsonl` (the bodies
Alertmanager sent) and `storm.json` (the same as one batch). Needs both programs on PATH. See README.md.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from data import storm_exporter
from data import storm_scenario as scenario
from data.storm_convert import convert

HERE = Path(__file__).resolve().parent
TARGET = "frontend"  # where users feel it first

PROMETHEUS_YAML = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
  - {{job_name: online-boutique, static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]}}
"""

ALERTMANAGER_YAML = """
route:
  receiver: aiops-rca
  group_by: [service, alertname, operation]
  group_wait: 1s
  group_interval: 5s
  repeat_interval: 4h
receivers:
  - {{name: aiops-rca, webhook_configs: [{{url: "http://127.0.0.1:{receiver}/", send_resolved: true}}]}}
"""


class Clock:
    """Seconds since `start` was called; zero before."""

    def __init__(self) -> None:
        self._began: float | None = None

    def start(self) -> None:
        """Let the storm begin."""
        self._began = time.monotonic()

    def __call__(self) -> float:
        """Return the storm's time."""
        return 0.0 if self._began is None else time.monotonic() - self._began


def collector(bodies: list[bytes]) -> type[BaseHTTPRequestHandler]:
    """Return the handler that keeps each POST body in *bodies* and answers 202."""

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the progress line counts the bodies."""

    return Collector


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve *handler* on a free loopback port, which is yielded, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running(command: list[str], log: Path, port: int) -> Iterator[None]:
    """Run *command* until the block ends; returns control once it says it is ready on *port*."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_ready(process, port, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_ready(process: subprocess.Popen[bytes], port: int, log: Path, seconds: float = 20) -> None:
    """Wait until /-/ready answers 200; RuntimeError with the program's own words if it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"not ready: {process.args!r}\n{log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    """Return a loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(*names: str) -> str:
    """Return the first of *names* found on PATH; exits with advice if there is none."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit(f"{names[0]} is missing; on Debian: apt-get install prometheus prometheus-alertmanager")
    return found


def commands(folder: Path, exporter: int, receiver: int) -> list[tuple[list[str], Path, int]]:
    """Write both configurations into *folder*; return (command, log file, port) of each program."""
    alertmanager, prometheus = free_port(), free_port()
    rules = HERE / "storm-rules.yaml"
    (folder / "alertmanager.yaml").write_text(ALERTMANAGER_YAML.format(receiver=receiver))
    (folder / "prometheus.yaml").write_text(
        PROMETHEUS_YAML.format(rules=rules, alertmanager=alertmanager, exporter=exporter)
    )
    first = [
        program("prometheus-alertmanager", "alertmanager"),
        f"--config.file={folder}/alertmanager.yaml",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{alertmanager}",
        "--web.external-url=http://alertmanager.example:9093",
        "--web.route-prefix=/",
        "--cluster.listen-address=",  # empty: no gossip on a public port
    ]
    second = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address=127.0.0.1:{prometheus}",
        "--web.external-url=http://prometheus.example:9090",
        "--web.route-prefix=/",
        "--rules.alert.resend-delay=3s",  # so that values follow the storm
    ]
    return [
        (first, folder / "alertmanager.log", alertmanager),
        (second, folder / "prometheus.log", prometheus),
    ]


def capture() -> list[bytes]:
    """Run the whole storm in real time; return the bodies Alertmanager sent, in order."""
    clock, bodies = Clock(), list[bytes]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-")))
        exporter = stack.enter_context(serving(storm_exporter.handler(storm_exporter.Shop(clock))))
        receiver = stack.enter_context(serving(collector(bodies)))
        for command, log, port in commands(folder, exporter, receiver):
            stack.enter_context(running(command, log, port))
        clock.start()
        watch(clock, lambda: len(bodies))
    return bodies


def watch(clock: Clock, count: Callable[[], int]) -> None:
    """Wait for the end of the storm, with a line of progress every fifteen seconds."""
    while clock() < scenario.DURATION:
        print(f"{clock():4.0f} of {scenario.DURATION:.0f} s, {count()} webhooks", flush=True)
        time.sleep(min(15.0, max(0.0, scenario.DURATION - clock())))


def write(bodies: list[bytes]) -> int:
    """Write both fixtures, a body and an alert a line; return the number of events."""
    lines = [body.strip() for body in bodies]
    (HERE / "storm-webhooks.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    batch = convert(map(json.loads, lines), target=TARGET)
    alerts = ",\n".join(json.dumps(alert) for alert in batch["alerts"])
    text = f'{{"alerts": [\n{alerts}\n],\n"target": {json.dumps(TARGET)}}}\n'
    (HERE / "storm.json").write_text(text)
    return len(batch["alerts"])


def main() -> None:
    """Capture and write. SIGTERM is turned into an exit, so both programs stop with us."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bodies = capture()
    print(f"{len(bodies)} webhooks, {write(bodies)} events")


if __name__ == "__main__":
    main()
