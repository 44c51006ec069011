"""`aiops-rca` as a person uses it from a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import GRAPH, HISTORY, ROOT, environment, free_port, stop

STORM = ROOT / "tests" / "data" / "storm.json"


def run(
    *arguments: str, home: Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `aiops-rca` in the project's folder."""
    command = [sys.executable, "-m", "aiops_rca", *arguments]
    return subprocess.run(
        command, input=stdin, env=environment(home, env), cwd=ROOT, capture_output=True, check=False
    )


def test_analyze_reads_standard_input(tmp_path: Path) -> None:
    """`--alerts -` diagnoses what is piped in, and prints it for people."""
    files = ["--graph", str(GRAPH), "--history", str(HISTORY), "--alerts", "-"]
    done = run("analyze", *files, home=tmp_path, stdin=STORM.read_bytes())

    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith("Root cause  redis-cart")


def test_analyze_prints_json_that_show_reads(tmp_path: Path) -> None:
    """The JSON has the service's shape, and `show` prints it."""
    answer = run("analyze", "--graph", str(GRAPH), "--alerts", str(STORM), "--json", home=tmp_path)
    shown = run("show", "-", home=tmp_path, stdin=answer.stdout)

    assert json.loads(answer.stdout)["root_cause"]["service"] == "redis-cart"
    assert "no past incidents" in answer.stdout.decode()
    assert shown.stdout.decode().startswith("Root cause  redis-cart")


def test_show_prints_the_narrative(tmp_path: Path) -> None:
    """Sentences with what they cite, what has to be approved, and a vote that moved the cause."""
    narrative = {
        "sentences": [{"text": "cart is out of memory.", "evidence": ["e1", "n1"]}],
        "proposals": [{"text": "Add a replica of cart", "needs_approval": True}],
        "vote": {"service": "cart", "moved": True},
        "model": "claude-haiku-4-5",
        "prompt_id": "rca-narrative:2026-11-21",
    }
    candidates = [{"service": "web", "confidence": 0.4}, {"service": "cart", "confidence": 0.38}]
    answer = {"root_cause": {"service": "cart", "candidates": candidates}, "narrative": narrative}
    shown = run("show", "-", home=tmp_path, stdin=json.dumps(answer).encode()).stdout.decode()

    assert "cart is out of memory. [e1, n1]" in shown
    assert "to be approved: Add a replica of cart" in shown
    assert "broke a near tie" in shown
    assert "or else  web 40 %" in shown
    assert "claude-haiku-4-5, rca-narrative:2026-11-21" in shown


def test_show_prints_no_control_characters(tmp_path: Path) -> None:
    """A name that holds terminal escapes cannot move the cursor or change a colour."""
    cause = {"service": "evil\x1b[2J\x1b]0;x\x07\u202e", "confidence": 1, "verdict": "probable"}
    shown = run("show", "-", home=tmp_path, stdin=json.dumps({"root_cause": cause}).encode())

    assert shown.returncode == 0
    assert b"\x1b" not in shown.stdout
    assert "\u202e" not in shown.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "content", "said"),
    [
        (("graph", "import"), '{"nodes":[{"id":"a"}],\n"edges":[{"source":"a","target":"b"}]}', "line 2"),
        (("graph", "import"), '{"version":"UPPER","nodes":[{"id":"a"}],"edges":[]}', "version"),
        (("graph", "import"), '{"version":"latest","nodes":[{"id":"a"}],"edges":[]}', "version"),
        (("graph", "import"), '{"nodes":[],"edges":[]}', "nodes"),
        (("graph", "import"), "{", "line 1"),
        (("history", "import"), '{"id":"1","root_cause":"a","alerts":[]}\n', "line 1"),
        (("history", "import"), '{"id":"1"}\n', "line 1"),
        (("history", "import"), '\n{"id":\n', "line 2"),
        (("analyze", "--graph", str(GRAPH), "--alerts"), '{"alerts":[{"id":"a"}]}', "alerts[0]"),
        (("analyze", "--graph", str(GRAPH), "--alerts"), '{"alerts":[]}', "must not be empty"),
        (("show",), "[]", "root_cause"),
        (("show",), "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_file_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], content: str, said: str
) -> None:
    """What is wrong is named with its place; there is no traceback."""
    file = tmp_path / "file.json"
    file.write_text(content, encoding="utf-8")
    done = run(*arguments, str(file), home=tmp_path)
    error = done.stderr.decode()

    assert done.returncode == 2, error
    assert said in error
    assert "Traceback" not in error
    assert error.count("\n") == 1


def test_an_error_prints_no_control_characters(tmp_path: Path) -> None:
    """A key of a hostile file can neither move the cursor nor begin a line of its own."""
    file = tmp_path / "s.yaml"
    file.write_text('"a\\e[2J\\nb": 1\n')
    done = run("serve", "--config", str(file), home=tmp_path)

    assert done.returncode == 2
    assert done.stderr.decode() == "aiops-rca: s.yaml: a b: unknown key\n"


def test_show_prints_a_number_that_is_too_large(tmp_path: Path) -> None:
    """A confidence of 400 digits is a question mark."""
    cause = {"service": "a", "confidence": 10**400}
    shown = run("show", "-", home=tmp_path, stdin=json.dumps({"root_cause": cause}).encode())

    assert shown.stdout.decode().startswith("Root cause  a  ? %")


def test_analyze_finds_its_configuration_from_anywhere(tmp_path: Path) -> None:
    """In a folder without `configs` the ones that come with the program are used."""
    command = [sys.executable, "-m", "aiops_rca", "analyze", "--graph", str(GRAPH), "--alerts", str(STORM)]
    done = subprocess.run(command, env=environment(tmp_path), cwd=tmp_path, capture_output=True, check=False)

    assert done.stdout.decode().startswith("Root cause  redis-cart"), done.stderr


def test_importing_what_was_there_before_makes_it_the_newest(tmp_path: Path) -> None:
    """`import` says so, and says nothing of it when it was the newest."""
    texts = [f'{{"version":"v{n}","nodes":[{{"id":"a"}}],"edges":[]}}' for n in (1, 2)]
    files = [tmp_path / "1.json", tmp_path / "2.json"]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    said = [
        run("graph", "import", str(file), home=tmp_path).stdout.decode() for file in (*files, *files[:1] * 2)
    ]

    assert said[2] == "service_graph:v1 already there, now the newest again (1 nodes, 0 edges)\n"
    assert said[3] == "service_graph:v1 already there (1 nodes, 0 edges)\n"


@pytest.mark.parametrize("host", ["nosuch.invalid", "no host"])
def test_serve_refuses_a_name_for_a_host(tmp_path: Path, host: str) -> None:
    """BentoML takes numbers only: the setting is named in one line."""
    done = run("serve", "--host", host, home=tmp_path)

    assert done.returncode == 2
    assert done.stderr.decode().startswith("aiops-rca: AIOPS_SERVER_HOST: must be an IP address or localhost")


def test_serve_refuses_a_bad_setting_before_it_starts(tmp_path: Path) -> None:
    """The variable is named in one line."""
    done = run("serve", home=tmp_path, env={"AIOPS_MAX_HOP": "many"})

    assert done.returncode == 2
    assert "AIOPS_MAX_HOP" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def settings_served(*arguments: str, cwd: Path, home: Path, **env: str) -> tuple[dict[str, Any], Any]:
    """Start `aiops-rca serve` with *arguments* and take its `/config`: settings, and what overrides them."""
    port = free_port()
    command = [sys.executable, "-m", "aiops_rca", "serve", "--port", str(port), *arguments]
    log = home / "log"
    with log.open("wb") as sink:
        server = subprocess.Popen(
            command, env=environment(home, env), cwd=cwd, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert server.poll() is None, log.read_text()
            with suppress(httpx.TransportError):
                page = httpx.get(f"http://127.0.0.1:{port}/config", timeout=2).json()
                return page["settings"], page["overrides"]
            time.sleep(0.1)
        raise AssertionError(log.read_text())
    finally:
        stop(server)


def test_serve_takes_a_file_and_a_log_level(tmp_path: Path) -> None:
    """`--config` names the settings file, `--log-level` says more than the file does."""
    (tmp_path / "mine.yaml").write_text("gap_sec: 77\nlog: {level: info}\n")
    arguments = ["--config", "mine.yaml", "--log-level", "warning", "--project", str(ROOT)]
    settings, overrides = settings_served(*arguments, cwd=tmp_path, home=tmp_path)

    assert (settings["gap_sec"], settings["log.level"]) == (77, "warning")
    assert overrides["gap_sec"] == "mine.yaml"
    assert '"level":"info"' not in (tmp_path / "log").read_text()


def test_a_relative_file_means_the_folder_of_the_caller(tmp_path: Path) -> None:
    """AIOPS_CONFIG is read from one place, although the server runs in the project's folder."""
    (tmp_path / "mine.yaml").write_text("gap_sec: 78\n")
    env = {"AIOPS_CONFIG": "mine.yaml"}
    settings, _ = settings_served("--project", str(ROOT), cwd=tmp_path, home=tmp_path, **env)

    assert settings["gap_sec"] == 78


def test_the_package_starts_without_bentoml() -> None:
    """`analyze`, `evaluate` and the library load no service library."""
    code = "import sys, aiops_rca, aiops_rca.cli; print('bentoml' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )

    assert done.stdout.strip() == "False"
