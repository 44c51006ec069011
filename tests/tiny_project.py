"""A project small enough to be set up often: the real `run.py` and `launcher/`, everything else made here.

Its wheels are made on the spot and its build backend is its own, so no index is asked. Its `pytest` is a
stand-in that prints what it was given.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# A first line cannot name an interpreter in a folder with a space, so the shell starts it, as pip does it.
RUN_BY_THIS_PYTHON = f"""#!/bin/sh
'''exec' "{sys.executable}" "$0" "$@"
' '''
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "aiops-rca"
version = "0"
"""
BACKEND = """
import zipfile

INFO = "aiops_rca-0.dist-info/"

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "aiops_rca-0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr(INFO + "METADATA", "Metadata-Version: 2.1\\nName: aiops-rca\\nVersion: 0\\n")
        wheel.writestr(INFO + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(INFO + "RECORD", "")
        wheel.writestr("aiops_rca.py", "")
    return name
"""


class TinyProject:
    """A folder with `run.py`, and its wheels beside it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a folder with spaces"
        self.root.mkdir()
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        shutil.copy(ROOT / "run.py", self.root)
        shutil.copytree(
            ROOT / "launcher", self.root / "launcher", ignore=shutil.ignore_patterns("__pycache__")
        )
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        (self.root / "backend.py").write_text(BACKEND)
        run = self.pin("tiny", "")
        dev = self.pin("pytest", "import os, sys; print('pytest', sys.argv[1:], os.getcwd())")
        (self.root / "requirements.txt").write_text(run)
        (self.root / "requirements-dev.txt").write_text(run + dev)

    def pin(self, name: str, code: str) -> str:
        """Make a wheel of one module; its line in a requirements file."""
        wheel = self.wheels / f"{name}-1-py3-none-any.whl"
        info = f"{name}-1.dist-info"
        files = {
            f"{name}.py": code,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},sha256={digest64(text)},{len(text)}\n" for path, text in files.items())
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
                archive.writestr(path, text)
        return f"{name}==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"

    def environment(self, **more: str) -> dict[str, str]:
        """The user's environment: pip finds the wheels through PIP_* alone."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        return {**kept, **pip, **more}

    def start(self, *arguments: str, python: str = sys.executable) -> subprocess.Popen[str]:
        """Start `run.py` without a terminal, from another folder."""
        return subprocess.Popen(
            [python, str(self.root / "run.py"), *arguments],
            cwd=self.root.parent,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, python: str = sys.executable) -> tuple[int, str]:
        """Run `run.py`; its exit code and all it said."""
        process = self.start(*arguments, python=python)
        said, _ = process.communicate(timeout=100)
        return process.returncode, said

    @property
    def stamp(self) -> Mapping[str, str]:
        """What the environment says is installed."""
        found: Mapping[str, str] = json.loads((self.root / ".venv" / "installed.json").read_text())
        return found


def digest64(text: str) -> str:
    """A digest as RECORD files spell it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
