"""Build real bentos and serve them: each tag keeps its own graph; a graph rolls back alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import GRAPH, HISTORY, Served, bentoml, command, environment, served

OLD = {
    "version": "shop-1",
    "nodes": [{"id": "frontend"}, {"id": "cartservice"}, {"id": "redis-cart", "kind": "cache"}],
    "edges": [
        {"source": "frontend", "target": "cartservice"},
        {"source": "cartservice", "target": "redis-cart"},
    ],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two bentos: v1 over the graph shop-1, then v2 over the shipped graph."""
    folder = tmp_path_factory.mktemp("bentos")
    (folder / "old.json").write_text(json.dumps(OLD))
    command("graph", "import", str(folder / "old.json"), home=folder)
    command("history", "import", str(HISTORY), home=folder)
    bentoml(folder, "build", "--version", "v1")
    command("graph", "import", str(GRAPH), home=folder)
    bentoml(folder, "build", "--version", "v2")
    return folder


def asked(service: Served) -> tuple[dict[str, Any], dict[str, Any]]:
    """What /version and /readyz of *service* say."""
    version: dict[str, Any] = httpx.get(f"{service.url}/version").json()
    ready: dict[str, Any] = httpx.get(f"{service.url}/readyz").json()
    return version, ready


@pytest.mark.parametrize(("tag", "graph", "nodes"), [("v1", "shop-1", 3), ("v2", "online-boutique-1", 13)])
def test_each_tag_answers_with_its_own_graph(home: Path, tag: str, graph: str, nodes: int) -> None:
    """After both exist, going back to v1 brings back v1's graph, program and history."""
    with served(home, target=(f"aiops_rca:{tag}",), cwd=home) as service:
        version, _ = asked(service)

    assert version["bento_tag"] == f"aiops_rca:{tag}"
    assert (version["graph_version"], version["graph_node_count"]) == (graph, nodes)
    assert version["history_version"]


def test_a_graph_rolls_back_alone(home: Path) -> None:
    """AIOPS_GRAPH_TAG gives v2's program v1's graph, and the answer says so."""
    env = {"AIOPS_GRAPH_TAG": "service_graph:shop-1"}
    alert = {"id": "a", "ts": 1, "service": "frontend", "metric": "m", "severity": "info"}
    with served(home, target=("aiops_rca:v2",), cwd=home, env=env) as service:
        version, _ = asked(service)
        answer = httpx.post(f"{service.url}/incident", json={"alerts": [alert]}).json()

    assert (version["bento_tag"], version["graph_version"]) == ("aiops_rca:v2", "shop-1")
    assert answer["versions"]["graph"] == "shop-1"
    assert answer["versions"]["bento"] == "aiops_rca:v2"


def test_a_tag_must_be_exact(home: Path) -> None:
    """A prefix of a version is not that version, although the store alone would take it."""
    env = {"AIOPS_GRAPH_TAG": "service_graph:shop"}
    with served(home, target=("aiops_rca:v2",), cwd=home, env=env, ready=False) as service:
        _, ready = asked(service)

    assert not ready["checks"]["graph"]["ok"]


def test_a_damaged_artifact_is_not_served(home: Path) -> None:
    """Bytes that are not what was imported fail the graph's check."""
    (home / "broken.json").write_text(json.dumps({**OLD, "version": "broken"}))
    command("graph", "import", str(home / "broken.json"), home=home)
    (stored,) = (home / "models" / "service_graph" / "broken").glob("content*")
    stored.write_bytes(stored.read_bytes() + b" ")
    env = {"AIOPS_GRAPH_TAG": "service_graph:broken"}
    with served(home, target=("aiops_rca:v2",), cwd=home, env=env, ready=False) as service:
        _, ready = asked(service)

    assert "not what was imported" in ready["checks"]["graph"]["detail"]


def test_a_bento_holds_what_it_needs_and_no_more(home: Path) -> None:
    """Program, configuration, data and requirements are in; tests are not."""
    source = home / "bentos" / "aiops_rca" / "v2" / "src"

    assert {path.name for path in source.iterdir()} == {
        "LICENSE",
        "README.md",
        "aiops_rca",
        "bentofile.yaml",
        "configs",
        "graphs",
        "history",
        "service.py",
    }
    packed = (source.parent / "env" / "python" / "requirements.txt").read_text()
    assert "--hash=sha256:" in packed


def test_the_same_bytes_again_change_nothing(home: Path) -> None:
    """A second import of one file is a no-op; other bytes under its version are refused."""
    assert "already there" in command("graph", "import", str(GRAPH), home=home)
    (home / "other.json").write_text(json.dumps({**OLD, "edges": []}))
    done = subprocess.run(
        [sys.executable, "-m", "aiops_rca", "graph", "import", str(home / "other.json")],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "service_graph:shop-1 exists with other content" in done.stderr
