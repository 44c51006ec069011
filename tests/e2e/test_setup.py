"""`run.py` from nothing to an installed environment, on a project small enough to do it often."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.locks import FileLock
from tiny_project import ROOT, RUN_BY_THIS_PYTHON, TinyProject

BENCH = """
import os, sys
if __name__ == "__main__":
    print(sys.argv[1:], os.environ["BENTOML_HOME"])
    sys.exit(3)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """A project after `run.py setup`; tests leave it set up."""
    project = TinyProject(tmp_path_factory.mktemp("installed"))
    code, said = project.run("setup")
    assert code == 0, said
    assert "ready: python3 run.py demo" in said
    return project


def test_an_unchanged_project_costs_nothing(installed: TinyProject) -> None:
    """The second set-up starts no pip and says so in one line."""
    log = installed.root / ".aiops" / "setup.log"
    before = log.stat().st_mtime_ns

    assert installed.run("setup") == (0, "ready: python3 run.py demo\n")
    assert log.stat().st_mtime_ns == before


def test_a_linter_setting_is_no_reason_to_install(installed: TinyProject) -> None:
    """Only what decides the installation counts as a change."""
    with (installed.root / "pyproject.toml").open("a") as file:
        file.write("[tool.ruff]\nline-length = 100\n")

    assert installed.run("setup") == (0, "ready: python3 run.py demo\n")


def test_a_package_that_does_not_match_its_hash_is_refused(installed: TinyProject) -> None:
    """A wrong hash stops the set-up with pip's words, and what was installed before still counts."""
    requirements = installed.root / "requirements.txt"
    good = requirements.read_text()
    requirements.write_text(f"tiny==1 --hash=sha256:{'0' * 64}\npytest==1 --hash=sha256:{'0' * 64}\n")
    before = installed.stamp
    code, said = installed.run("setup")
    requirements.write_text(good)

    assert code == 1
    assert "DO NOT MATCH THE HASHES" in said
    assert installed.stamp == before
    assert installed.run("setup") == (0, "ready: python3 run.py demo\n")


def test_the_suite_gets_its_arguments_as_they_are(installed: TinyProject) -> None:
    """`test` installs the larger lock and hands every argument to pytest, in the project's folder."""
    code, said = installed.run("test", "-k", "a or b", "--maxfail=1", "tests/unit")

    assert code == 0, said
    assert said.splitlines()[-1] == f"pytest ['-k', 'a or b', '--maxfail=1', 'tests/unit'] {installed.root}"
    assert {"requirements.txt", "requirements-dev.txt"} <= set(installed.stamp)
    assert installed.run("setup") == (0, "ready: python3 run.py demo\n")


def test_an_environment_in_use_is_not_removed(installed: TinyProject) -> None:
    """Neither `clean` nor a repair takes the environment away from a running server."""
    lock = FileLock(installed.root / ".aiops" / "home" / "serve.lock")
    lock.take()
    marker = installed.root / ".venv" / "installing"
    marker.touch()
    answers = [installed.run("clean"), installed.run("setup")]
    marker.unlink()
    lock.release()

    assert [code for code, _ in answers] == [1, 1]
    assert all("a server" in said and "stop" in said for _, said in answers)
    assert (installed.root / ".venv" / "pyvenv.cfg").exists()


def test_a_bench_runs_by_name(installed: TinyProject) -> None:
    """`bench` runs the modules that start by themselves, hands on `--json`, and names what there is."""
    folder = installed.root / "tests" / "bench"
    folder.mkdir(parents=True)
    (folder / "latency.py").write_text(BENCH)
    (folder / "needed.py").write_text("raise SystemExit('no bench')\n")
    home = installed.root / ".aiops" / "home"

    assert installed.run("bench", "speed") == (1, "run.py: no bench named speed; there is: latency\n")
    assert installed.run("test")[0] == 0
    assert installed.run("bench", "--json") == (3, f"['--json'] {home}\n")


TOOL = """{start}import os, sys
print(os.path.basename(sys.argv[0]).removesuffix(".py"), *sys.argv[1:], os.environ["RCA_LONG"], os.getcwd())
sys.exit({code})
"""


def test_check_runs_every_tool_and_says_which_failed(installed: TinyProject) -> None:
    """Lint, format, types, layers and all tests run in the project's folder, even after one has failed."""
    assert installed.run("test")[0] == 0
    venv = installed.root / ".venv"
    (modules,) = venv.glob("lib/python*/site-packages")
    tools = {venv / "bin" / "ruff": 1, venv / "bin" / "lint-imports": 0, modules / "mypy.py": 0}
    for file, code in tools.items():
        file.write_text(TOOL.format(start=RUN_BY_THIS_PYTHON, code=code))
        file.chmod(0o755)
    code, said = installed.run("check")

    assert code == 1
    assert [line.partition(" 1 /")[0] for line in said.splitlines() if not line.startswith("==")] == [
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        f"pytest ['-m', 'slow or not slow', '--timeout=1800'] {installed.root}",
        "failed: ruff, ruff format",
    ]


def python_without(part: str, folder: Path) -> str:
    """An installation of this Python that lacks one part of the standard library."""
    base = Path(sys.base_prefix)
    library = Path("lib") / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / library).mkdir(parents=True)
    (folder / "bin").mkdir()
    for entry in (base / library).iterdir():
        if entry.name != part:
            (folder / library / entry.name).symlink_to(entry)
    python = folder / "bin" / "python3"
    shutil.copy(Path(sys.executable).resolve(), python)
    return str(python)


@pytest.mark.parametrize("part", ["ensurepip", "venv"])
def test_a_python_without_venv_is_told_what_to_install(part: str, tmp_path: Path) -> None:
    """Debian leaves ensurepip out: say so and name the package, before anything is half-made."""
    project = TinyProject(tmp_path)
    code, said = project.run("setup", python=python_without(part, tmp_path / "python"))

    assert code == 1
    assert f"lacks {part}" in said
    assert f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in said
    assert not (project.root / ".venv").exists()


def test_an_older_python_is_told_so() -> None:
    """Below 3.11 `run.py` says which Python it needs, before it imports anything that would not."""
    code = f"import runpy, sys; sys.version_info = (3, 10, 9); runpy.run_path({str(ROOT / 'run.py')!r})"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("run.py needs Python 3.11 or later")


@pytest.mark.slow
def test_an_install_that_broke_off_is_made_again(installed: TinyProject) -> None:
    """A set-up that was killed leaves a mark, and the next one starts from nothing."""
    (installed.root / ".venv" / "installing").touch()
    code, said = installed.run("setup")

    assert code == 0, said
    assert "removing .venv: an earlier install broke off" in said


@pytest.mark.slow
def test_a_half_made_environment_is_removed(tmp_path: Path) -> None:
    """A `.venv` without pip, as Debian leaves it behind, is replaced."""
    project = TinyProject(tmp_path)
    venv = project.root / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    code, said = project.run("setup")

    assert code == 0, said
    assert "removing .venv: it is half-made or has no pip" in said


@pytest.mark.slow
def test_an_environment_made_by_hand_is_used(tmp_path: Path) -> None:
    """A sound `.venv` that somebody else made is installed into, not thrown away."""
    project = TinyProject(tmp_path)
    venv = project.root / ".venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    (venv / "theirs").touch()
    code, said = project.run("setup")

    assert code == 0, said
    assert (venv / "theirs").exists()


@pytest.mark.slow
def test_a_moved_project_makes_its_environment_again(tmp_path: Path) -> None:
    """Scripts name the folder they were made for, so another folder needs another `.venv`."""
    project = TinyProject(tmp_path)
    project.run("setup")
    project.root = project.root.rename(tmp_path / "elsewhere")
    code, said = project.run("setup")

    assert code == 0, said
    assert "removing .venv: it was made for another folder or Python (root)" in said


@pytest.mark.slow
def test_two_set_ups_at_once_do_not_break_each_other(tmp_path: Path) -> None:
    """The second waits, says so, and finds the work done."""
    project = TinyProject(tmp_path)
    runs = [project.start("setup"), project.start("setup")]
    said = sorted((run.communicate(timeout=100)[0] for run in runs), key=len)

    assert [run.returncode for run in runs] == [0, 0], said
    assert said[0] == "another run is setting up; waiting ...\nready: python3 run.py demo\n"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_set_up_that_is_stopped_leaves_nothing_running(number: int, code: int, tmp_path: Path) -> None:
    """Ctrl-C or SIGTERM ends it without a traceback, and the next set-up repairs what is half-made."""
    project = TinyProject(tmp_path)
    process = project.start("setup")
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(number)
    said, _ = process.communicate(timeout=20)

    assert first.startswith("making .venv")
    assert process.returncode == code
    assert "Traceback" not in said
    assert project.run("setup")[0] == 0


@pytest.mark.slow
def test_a_terminal_sees_the_progress(tmp_path: Path) -> None:
    """On a terminal the set-up moves one line, in colour."""
    project = TinyProject(tmp_path)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(project.root / "run.py"), "setup"],
        env=project.environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while chunk := read_terminal(ours):
        seen += chunk
    process.wait(timeout=20)

    assert process.returncode == 0, seen
    assert b"\r\x1b[K" in seen
    assert b"%" in seen
    assert b"\x1b[32mok\x1b[0m" in seen


def read_terminal(terminal: int) -> bytes:
    """The next piece of what a terminal was sent; empty when the other side is gone."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


@pytest.mark.slow
def test_clean_removes_what_was_made_and_says_so(tmp_path: Path) -> None:
    """`clean` names `.venv` and `.aiops` and leaves the project as it came."""
    project = TinyProject(tmp_path)
    before = {path.name for path in project.root.iterdir()} | {"__pycache__"}
    project.run("setup")
    code, said = project.run("clean")

    assert code == 0
    assert said == f"removing {project.root / '.venv'}\nremoving {project.root / '.aiops'}\n"
    assert {path.name for path in project.root.iterdir()} <= before
