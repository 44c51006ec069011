"""What `run.py` puts into the model store, and what it leaves alone, with the real `aiops-rca` command."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from launcher.console import CannotGoOnError, Console
from launcher.environment import Environment
from launcher.store import fill
from served import GRAPH, HISTORY, ROOT, command
from tiny_project import RUN_BY_THIS_PYTHON

OWN = {"version": "own-1", "nodes": [{"id": "a"}], "edges": []}


class Shop:
    """A project of the files that ship and this `.venv`, with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.env = Environment(folder / "a project")
        self.home = folder / "home"
        self.graph = self.env.root / GRAPH.relative_to(ROOT)
        self.history = self.env.root / HISTORY.relative_to(ROOT)
        for source, copy in ((GRAPH, self.graph), (HISTORY, self.history)):
            copy.parent.mkdir(parents=True)
            shutil.copy(source, copy)
        self.env.venv.symlink_to(sys.prefix, target_is_directory=True)

    def fill(self, *, demo: bool = False) -> tuple[str, str, dict[str, str]]:
        """Fill the store as `serve` and `bento` do, or as `demo` does: newest graph and history, the pins."""
        self.said = io.StringIO()
        tags = fill(self.env, self.home, Console(self.said), pinned=demo)
        return self.newest("service_graph"), self.newest("incident_history"), tags

    def newest(self, name: str) -> str:
        """What BentoML takes for the newest of *name*."""
        return (self.home / "models" / name / "latest").read_text()

    def import_own(self) -> None:
        """Import a graph that does not ship."""
        file = self.home.parent / "own.json"
        file.write_text(json.dumps(OWN))
        command("graph", "import", str(file), home=self.home)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project whose store is empty."""
    return Shop(tmp_path)


def test_an_own_import_stays_the_newest(shop: Shop) -> None:
    """The shipped graph does not come back at each start; the demo pins it all the same."""
    shipped = shop.fill()[0]
    shop.import_own()
    served = shop.fill()[0]
    newest, _, pins = shop.fill(demo=True)

    assert shipped == "online-boutique-1"
    assert (served, newest) == ("own-1", "own-1")
    assert pins["AIOPS_GRAPH_TAG"] == "service_graph:online-boutique-1"
    assert shop.said.getvalue() == ""


def test_an_import_before_the_first_start_stays_the_newest(shop: Shop) -> None:
    """A store that holds a graph already is given none."""
    shop.import_own()

    assert shop.fill()[0] == "own-1"
    assert shop.fill()[0] == "own-1"


def test_an_edited_and_a_reverted_file_are_picked_up(shop: Shop) -> None:
    """Each time the bytes are others than last time, they become the newest: going back works."""
    before = shop.fill()
    text = shop.history.read_text()
    shop.history.write_text("".join(text.splitlines(keepends=True)[:-1]))
    shop.graph.write_text(shop.graph.read_text().replace("online-boutique-1", "online-boutique-2"))
    edited = shop.fill()
    shop.history.write_text(text)
    shutil.copy(GRAPH, shop.graph)
    reverted = shop.fill()

    assert edited[0] == "online-boutique-2"
    assert edited[1] != before[1]
    assert reverted[:2] == before[:2]
    assert "now the newest again" in shop.said.getvalue()


def test_a_graph_edited_under_its_version_is_explained(shop: Shop) -> None:
    """The message says what to change, and where."""
    shop.fill()
    shop.graph.write_text(shop.graph.read_text() + "# edited\n")

    with pytest.raises(CannotGoOnError, match="exists with other content: change `version:` in the file"):
        shop.fill()


def test_a_store_that_was_removed_is_filled_again(shop: Shop) -> None:
    """The stamp alone is not believed."""
    shop.fill()
    shutil.rmtree(shop.home / "models")

    assert shop.fill()[0] == "online-boutique-1"


def test_a_damaged_environment_is_told_how_to_mend(shop: Shop) -> None:
    """A command that lacks a module says so, with what to do."""
    shop.env.venv.unlink()
    script = shop.env.script("aiops-rca")
    script.parent.mkdir(parents=True)
    script.write_text(f"{RUN_BY_THIS_PYTHON}import gone_from_here\n")
    script.chmod(0o755)

    with pytest.raises(CannotGoOnError, match=r"No module named 'gone_from_here'\n.*run\.py clean, then"):
        shop.fill()
