"""The documents say what is there: settings, metrics, error codes, commands, and an answer that is real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click import Context
from prometheus_client import CollectorRegistry

from aiops_rca.adapters.metrics import Metrics
from aiops_rca.cli import commands
from aiops_rca.wire import STATUS


@pytest.fixture(scope="module")
def guide(project_root: Path) -> str:
    """The operators' guide."""
    return (project_root / "docs" / "guide.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme(project_root: Path) -> str:
    """The README."""
    return (project_root / "README.md").read_text(encoding="utf-8")


def test_every_error_code_is_documented(guide: str) -> None:
    """Each code stands in the guide with its status."""
    for code, status in STATUS.items():
        assert f"| {status} | `{code}` |" in guide


def test_every_metric_is_documented(guide: str) -> None:
    """Each metric of the service is named in the guide."""
    registry = CollectorRegistry()
    Metrics(registry)
    for family in registry.collect():
        assert f"`{family.name}" in guide, family.name


def test_every_command_is_documented(guide: str, readme: str) -> None:
    """Each command of `aiops-rca` appears in the README or the guide."""
    for name in commands.list_commands(Context(commands)):
        assert f"aiops-rca {name}" in guide + readme, name


def test_the_readme_code_runs(
    readme: str, project_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library example does what it says from the project's folder."""
    monkeypatch.chdir(project_root)
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own document

    assert capsys.readouterr().out.startswith("redis-cart ")


def test_links_lead_somewhere(project_root: Path) -> None:
    """Every relative link in a document points at a file that exists."""
    documents = [*project_root.glob("*.md"), *project_root.glob("docs/**/*.md")]
    for document in documents:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), (document.name, link)


def test_the_answer_shown_is_the_answer_given(
    readme: str, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer in the README is what `aiops-rca analyze` prints for the shipped storm."""
    from click.testing import CliRunner  # noqa: PLC0415 - only this test prints

    monkeypatch.chdir(project_root)
    files = ["--graph", "graphs/online-boutique.yaml", "--history", "history/online-boutique.jsonl"]
    result = CliRunner().invoke(commands, ["analyze", *files, "--alerts", "tests/data/storm.json"])
    shown = readme.split("<!-- answer: begin -->")[1].split("<!-- answer: end -->", maxsplit=1)[0]

    assert [line.strip() for line in shown.split("\n") if line.strip()] == [
        line.strip() for line in result.output.split("\n") if line.strip()
    ]
