"""In CI a skipped test fails the run, unless the real cases are what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SKIP = "import pytest\ndef test_it() -> None:\n    pytest.skip({reason!r})\n"
NO_MODULE = "import pytest\npytest.importorskip('no_such_module')\n"
CASES = "def test_it(cases_dir) -> None:\n    assert cases_dir\n"


def outcome(folder: Path, code: str, **environment: str) -> tuple[int, str]:
    """Run one test file under a copy of our conftest: exit code and output."""
    shutil.copy(TESTS / "conftest.py", folder)
    (folder / "test_it.py").write_text(code)
    clean = {name: value for name, value in os.environ.items() if name not in {"CI", "RCA_CASES_DIR"}}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".", "."],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("code", "reason"),
    [(SKIP.format(reason="no ab here"), "no ab here"), (NO_MODULE, "could not import 'no_such_module'")],
    ids=["a test", "a whole file"],
)
def test_a_skip_fails_in_ci(code: str, reason: str, tmp_path: Path) -> None:
    """A run whose only fault is a skip ends with a failure that names it."""
    exit_code, said = outcome(tmp_path, code, CI="true")

    assert exit_code != 0
    assert "skipped, which fails in CI" in said
    assert reason in said


@pytest.mark.slow
def test_a_skip_passes_elsewhere(tmp_path: Path) -> None:
    """On a developer's machine a skip is only a skip."""
    exit_code, said = outcome(tmp_path, SKIP.format(reason="no ab here"))

    assert exit_code == 0, said


@pytest.mark.slow
def test_absent_cases_pass_in_ci(tmp_path: Path) -> None:
    """The cases are not part of the project: the tests that need them may be skipped anywhere."""
    exit_code, said = outcome(tmp_path, CASES, CI="true", RCA_CASES_DIR=str(tmp_path / "absent"))

    assert exit_code == 0, said
    assert "1 skipped" in said
