"""Every test runs on its own BENTOML_HOME, without the user's settings, and no skip goes unseen in CI.

`RCA_LONG=1` asks for many more examples and shuffles; `CI` turns a skip into a failure, except for the
real cases, which are not part of the project.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
CASES_ABSENT = "case data absent:"
LONG = os.environ.get("RCA_LONG") == "1"


def _own_world() -> None:
    """Before anything imports bentoml: it reads these once, and prometheus_client on import."""
    for name in [name for name in os.environ if name.startswith("AIOPS_")]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="aiops-rca-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    metrics = home / "metrics"
    metrics.mkdir()
    os.environ["BENTOML_HOME"] = str(home / "bentoml")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"


_own_world()
settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True)
settings.register_profile(
    "long", max_examples=2_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("long" if LONG else "quick")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder with `service.py` and `pyproject.toml`."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder that holds `cases/` (`RCA_CASES_DIR` names `cases/` itself); skips where it is absent."""
    cases = Path(os.environ.get("RCA_CASES_DIR") or ROOT.parent / "shared" / "cases")
    if not cases.is_dir():
        pytest.skip(f"{CASES_ABSENT} {cases}")
    return cases.parent


@pytest.fixture(scope="session")
def cases_dir(shared_dir: Path) -> Path:
    """The real labelled failure cases; skips where they are absent."""
    return Path(os.environ.get("RCA_CASES_DIR") or shared_dir / "cases")


@pytest.fixture(scope="session")
def shuffles() -> int:
    """How many orders of the same input a test of order-independence tries."""
    return 200 if LONG else 5


class _SkipWatch:
    """In CI a skip is a hole in the suite: collect every one that is not about absent case data."""

    def __init__(self) -> None:
        self.holes: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report.nodeid, report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report.nodeid, report.longrepr)

    def _note(self, node: str, where: object) -> None:
        reason = str(where[2] if isinstance(where, tuple) else where).removeprefix("Skipped: ")
        if not reason.startswith(CASES_ABSENT):
            self.holes.append(f"{node}: {reason}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.holes and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for hole in self.holes:
            terminalreporter.write_line(f"skipped, which fails in CI: {hole}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips where CI asks for it."""
    if os.environ.get("CI"):
        config.pluginmanager.register(_SkipWatch(), "skip-watch")
