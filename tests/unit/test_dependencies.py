"""One lock, and everything that is installed, tested, built or shipped follows from it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")
EXPORTS = {
    "requirements.txt": ["export", "--frozen", "--no-dev", "--no-emit-project", "--no-header"],
    "requirements-dev.txt": ["export", "--frozen", "--no-emit-project", "--no-header"],
}
_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*)")


def uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run uv without the network, on a cache of its own making."""
    command = [str(UV), "--offline", "--quiet", "--no-cache", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def pins(file: str) -> dict[str, str]:
    """Package name -> its whole entry in an exported requirements file."""
    text = (ROOT / file).read_text("utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    return {normal(entry.partition("==")[0]): entry for entry in entries}


def normal(name: str) -> str:
    """A package name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    """The package names of a list of requirements."""
    return {normal(found[1]) for text in requirements if (found := _NAME.match(text))}


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    """`pyproject.toml`."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_lock_is_current() -> None:
    """`uv.lock` is what `uv lock` would make of `pyproject.toml`."""
    done = uv("lock", "--check")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", EXPORTS)
def test_the_requirements_are_exported_from_the_lock(file: str) -> None:
    """The hashed requirements are, byte for byte, what `uv export` makes of the lock."""
    done = uv(*EXPORTS[file])

    assert done.stdout == (ROOT / file).read_text("utf-8"), f"uv {' '.join(EXPORTS[file])} -o {file}"


@pytest.mark.parametrize("file", EXPORTS)
def test_every_entry_is_pinned_and_hashed(file: str) -> None:
    """Each requirement has one exact version and at least one SHA-256."""
    loose = [name for name, entry in pins(file).items() if "==" not in entry or "--hash=sha256:" not in entry]

    assert loose == []


@pytest.mark.parametrize("file", EXPORTS)
def test_the_requirements_name_no_place(file: str) -> None:
    """No index, no link and no folder of one machine is written into the requirements."""
    assert (
        re.findall(r"https?://|file:|--index|--find-links|(?<![\w/])/\w+", (ROOT / file).read_text("utf-8"))
        == []
    )


def test_the_lock_names_public_places_only() -> None:
    """`uv.lock` points at the public index and its files, nowhere else."""
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text("utf-8")))

    assert hosts <= {"pypi.org", "files.pythonhosted.org"}


def test_what_the_project_declares_is_what_is_installed(project: dict[str, dict[str, list[str]]]) -> None:
    """Each declared dependency is in the run requirements; each of the tests' in the larger file."""
    run = declared(project["project"]["dependencies"])
    dev = declared(project["dependency-groups"]["dev"])

    assert run - set(pins("requirements.txt")) == set()
    assert (run | dev) - set(pins("requirements-dev.txt")) == set()


def test_the_test_requirements_contain_the_run_requirements() -> None:
    """What is tested is what is run: the larger file has every pin of the smaller one."""
    dev = pins("requirements-dev.txt")
    different = [name for name, entry in pins("requirements.txt").items() if dev.get(name) != entry]

    assert different == []


def test_bentoml_is_pinned_exactly(project: dict[str, dict[str, list[str]]]) -> None:
    """The service leans on half-private parts of bentoml: one version is named, and it is what runs here."""
    bentoml = next(d for d in project["project"]["dependencies"] if d.startswith("bentoml"))

    assert bentoml == f"bentoml=={importlib.metadata.version('bentoml')}"


def test_the_build_backend_is_locked(project: dict[str, dict[str, list[str]]]) -> None:
    """The project is built without isolation, so what builds it is among the run requirements."""
    assert declared(project["build-system"]["requires"]) - set(pins("requirements.txt")) == set()


def test_a_bento_installs_the_same_file() -> None:
    """`bentofile.yaml` takes the hashed run requirements as they are."""
    python = yaml.safe_load((ROOT / "bentofile.yaml").read_text("utf-8"))["python"]

    assert (ROOT / python["requirements_txt"]).resolve() == ROOT / "requirements.txt"
    assert python["lock_packages"] is False


def test_the_project_asks_for_a_python_that_run_py_accepts(project: dict[str, dict[str, str]]) -> None:
    """`run.py` and `pyproject.toml` name the same oldest Python."""
    oldest = project["project"]["requires-python"].removeprefix(">=")
    major, minor = oldest.split(".")

    assert f"sys.version_info < ({major}, {minor})" in (ROOT / "run.py").read_text("utf-8")
