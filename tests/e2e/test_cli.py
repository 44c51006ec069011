"""`aiops-rca` as a person uses it from a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from served import GRAPH, HISTORY, ROOT, environment

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
        (("graph", "import"), '{"version":"UPPER","nodes":[],"edges":[]}', "version"),
        (("graph", "import"), "{", "line 1"),
        (("history", "import"), '{"id":"1","root_cause":"a","alerts":[]}\n', "line 1"),
        (("history", "import"), '{"id":"1"}\n', "line 1"),
        (("history", "import"), '\n{"id":\n', "line 2"),
        (("analyze", "--graph", str(GRAPH), "--alerts"), '{"alerts":[{"id":"a"}]}', "alerts[0]"),
        (("show",), "[]", "root_cause"),
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


def test_serve_refuses_a_bad_setting_before_it_starts(tmp_path: Path) -> None:
    """The variable is named in one line."""
    done = run("serve", home=tmp_path, env={"AIOPS_MAX_HOP": "many"})

    assert done.returncode == 2
    assert "AIOPS_MAX_HOP" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_the_package_starts_without_bentoml() -> None:
    """`analyze`, `evaluate` and the library load no service library."""
    code = "import sys, aiops_rca, aiops_rca.cli; print('bentoml' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )

    assert done.stdout.strip() == "False"
