"""The graph and the history that ship, put into the model store without getting in the user's way.

A stamp beside the store holds what was imported last: a file is imported again only when its bytes are
others than these, so a user's own import stays the newest.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from launcher.console import CannotGoOnError, Console, clean
from launcher.environment import Environment, child_environment, hint

_SHIPPED = {
    "graph": ("graphs/online-boutique.yaml", "service_graph"),
    "history": ("history/online-boutique.jsonl", "incident_history"),
}


def bentoml_environment(home: Path) -> dict[str, str]:
    """The environment of a command that works on the store in *home*."""
    return {**child_environment(), "BENTOML_HOME": str(home)}


def fill(env: Environment, home: Path, console: Console, *, pinned: bool) -> dict[str, str]:
    """Import what ships where it is new to the store; the settings that pin it.

    *pinned* asks for the shipped versions themselves, which may be older than the newest ones.
    """
    models = (home / "models").resolve()  # homes beside the first one link to its store
    stamp = models.parent / "shipped.json"
    before = _stamped(stamp)
    after: dict[str, dict[str, str]] = {}
    for kind, (file, name) in _SHIPPED.items():
        digest = hashlib.sha256((env.root / file).read_bytes()).hexdigest()
        known = before.get(kind)
        tag = known.get("tag", "") if known else ""
        wanted = models.joinpath(name, tag.partition(":")[2] if pinned and tag else "")
        if not _holds(wanted) or (known and known.get("sha256") != digest) or (pinned and not tag):
            tag = _import(env, home, console, kind, file)
        after[kind] = {"sha256": digest, "tag": tag}
    if after != before:
        _write(stamp, after)
    return {f"AIOPS_{kind.upper()}_TAG": entry["tag"] for kind, entry in after.items()}


def _holds(folder: Path) -> bool:
    """Tell whether there is anything in *folder*."""
    return folder.is_dir() and any(folder.iterdir())


def _import(env: Environment, home: Path, console: Console, kind: str, file: str) -> str:
    """Run `aiops-rca <kind> import`; the tag it names first."""
    command = [str(env.script("aiops-rca")), kind, "import", file]
    done = subprocess.run(
        command, cwd=env.root, env=bentoml_environment(home), capture_output=True, text=True, check=False
    )
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        lines = "\n".join(f"  {clean(line)}" for line in said.splitlines()[-20:])
        raise CannotGoOnError(f"{kind} import {file}:\n{lines}{hint(said)}")
    console.say(console.paint(said, "dim"))
    return said.split()[0]


def _stamped(stamp: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(stamp.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    valid = isinstance(found, dict) and all(isinstance(entry, dict) for entry in found.values())
    return found if valid else {}


def _write(stamp: Path, content: Mapping[str, Mapping[str, str]]) -> None:
    fresh = stamp.with_name(f".{stamp.name}-{os.getpid()}")
    fresh.write_text(json.dumps(content, indent=1), "utf-8")
    fresh.replace(stamp)
