"""The model store: what is newest, what is pinned, and every way in which the store can be damaged."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import bentoml
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer

from aiops_rca.adapters.artifacts import import_graph, import_history, load_graph, load_history
from aiops_rca.domain.errors import ArtifactError, InputError

# BentoML's own call, each time it stores a model
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")
Spoil = Callable[[Path], object]


@pytest.fixture
def store() -> Iterator[Path]:
    """The graphs of this session's model store, gone again after the test."""
    folder = Path(os.environ["BENTOML_HOME"]) / "models" / "service_graph"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def pins() -> Iterator[Callable[[dict[str, str]], None]]:
    """Sets what a bento pins, as BentoML does when it loads one."""
    yield BentoMLContainer.model_aliases.set
    BentoMLContainer.model_aliases.set({})


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a graph file of one node with a version."""

    def file(version: object, node: str = "a") -> Path:
        path = tmp_path / f"{node}.json"
        path.write_text(json.dumps({"version": version, "nodes": [{"id": node}], "edges": []}))
        return path

    return file


def newest() -> str:
    """What BentoML takes for the newest graph."""
    return str(bentoml.models.get("service_graph:latest").tag)


def test_a_graph_that_comes_back_is_the_newest_again(store: Path, write: Callable[..., Path]) -> None:
    """Importing an older version again moves the pointer to it; importing what is newest changes nothing."""
    first = import_graph(write("v1"))
    import_graph(write("v2"))
    again = import_graph(write("v1"))
    moved = newest()
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    once_more = import_graph(write("v1"))

    assert (first.known, again.known, again.newest) == (False, True, False)
    assert moved == "service_graph:v1"
    assert load_graph("graph", None).tag == "service_graph:v1"
    assert once_more.newest
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_a_new_graph_is_the_newest_after_one_that_came_back(store: Path, write: Callable[..., Path]) -> None:
    """Moving the pointer back does not keep it there."""
    for version in ("v1", "v2", "v1", "v3"):
        import_graph(write(version))

    assert newest() == "service_graph:v3"
    assert (store / "latest").read_text() == "v3"


@pytest.mark.usefixtures("store")
def test_other_bytes_under_a_version_are_refused_with_what_to_do(write: Callable[..., Path]) -> None:
    """The message says to change the version."""
    import_graph(write("v1", "a"))

    with pytest.raises(InputError, match="exists with other content: change `version:` in the file"):
        import_graph(write("v1", "b"))


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("version", ["latest", "UPPER", "a-", "", "x" * 64, "../up"])
def test_a_version_that_cannot_name_an_artifact_is_refused(write: Callable[..., Path], version: str) -> None:
    """BentoML's own word for the newest, and whatever is no part of a tag."""
    with pytest.raises(InputError, match="cannot name an artifact"):
        import_graph(write(version))


def unreadable(model: Path) -> None:
    """The description is no YAML."""
    (model / "model.yaml").write_text("a: [")


def another(model: Path) -> None:
    """The description is another model's."""
    text = (model / "model.yaml").read_text()
    (model / "model.yaml").write_text(text.replace("version: v1", "version: v9"))


SPOILT = [
    pytest.param(lambda model: (model / "model.yaml").unlink(), id="no description"),
    pytest.param(unreadable, id="not YAML"),
    pytest.param(lambda model: (model / "model.yaml").write_text("{}"), id="empty description"),
    pytest.param(lambda model: (model / "model.yaml").write_text("[1]"), id="a list"),
    pytest.param(another, id="another name"),
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_damaged_store_is_an_error_of_ours(store: Path, write: Callable[..., Path], spoil: Spoil) -> None:
    """Loading says ArtifactError, importing says InputError; no exception of BentoML or YAML gets out."""
    import_graph(write("v1"))
    spoil(store / "v1")

    with pytest.raises(ArtifactError):
        load_graph("graph", "service_graph:v1")
    with pytest.raises(ArtifactError):
        load_graph("graph", None)
    with pytest.raises(InputError):
        import_graph(write("v1"))


@pytest.mark.parametrize("spoil", SPOILT)
def test_an_import_heals_a_store_whose_newest_is_damaged(
    store: Path, write: Callable[..., Path], spoil: Spoil
) -> None:
    """What is imported is there and the newest, whatever is wrong with the one before."""
    import_graph(write("v1"))
    spoil(store / "v1")
    import_graph(write("v2"))

    assert load_graph("graph", None).tag == "service_graph:v2"


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "tag", ["service_graph:pre", "service_graph:a-", "service_graph:", "service_graph:latest", "other:v1"]
)
def test_a_tag_that_is_not_there_to_the_letter_is_an_error_of_ours(
    write: Callable[..., Path], tag: str
) -> None:
    """An ambiguous prefix, a malformed tag and another name are not in the store."""
    for version in ("pre1", "pre2"):
        import_graph(write(version))

    with pytest.raises(ArtifactError):
        load_graph("graph", tag)


@pytest.mark.usefixtures("store")
def test_a_bento_serves_what_it_pins_or_nothing(
    write: Callable[..., Path], pins: Callable[[dict[str, str]], None]
) -> None:
    """A pin is taken to the letter: when it is gone, neither a longer name nor the newest stands in."""
    import_graph(write("v1"))
    import_graph(write("v10"))
    pins({"graph": "service_graph:v1"})
    pinned = load_graph("graph", None, packed=True).tag
    bentoml.models.delete("service_graph:v1")

    assert pinned == "service_graph:v1"
    with pytest.raises(ArtifactError, match="which the bento pins, is not in the model store"):
        load_graph("graph", None, packed=True)
    pins({"graph": "incident_history:v1"})
    with pytest.raises(ArtifactError, match="not a service_graph"):
        load_graph("graph", None, packed=True)
    pins({})
    with pytest.raises(ArtifactError, match="pins no model as graph"):
        load_graph("graph", None, packed=True)


@pytest.mark.usefixtures("store")
def test_a_source_tree_serves_the_newest(
    write: Callable[..., Path], pins: Callable[[dict[str, str]], None]
) -> None:
    """`bentoml serve .` sets the alias to the newest, the library sets none: both mean the newest."""
    import_graph(write("v1"))
    import_graph(write("v2"))
    without = load_graph("graph", None).tag
    pins({"graph": "service_graph:latest"})

    assert [without, load_graph("graph", None).tag] == ["service_graph:v2"] * 2


def test_the_graphs_of_the_real_cases_import_as_they_are(store: Path, cases_dir: Path) -> None:
    """Each has no version, so its digest names it, and importing it again is a no-op."""
    files = sorted((cases_dir / "graphs").glob("*.json"))
    tags = [import_graph(file).tag for file in files]

    assert len(set(tags)) == len(files) >= 4
    assert [import_graph(file).known for file in files] == [True] * len(files)
    assert len([path for path in store.iterdir() if path.is_dir()]) == len(files)


def test_a_history_is_loaded_by_its_digest(tmp_path: Path) -> None:
    """What was imported is found under the tag that the import said."""
    file = tmp_path / "h.jsonl"
    file.write_text('{"id": "1", "root_cause": "a", "alerts": [{"service": "a", "metric": "m"}]}\n')
    tag = import_history(file).tag
    loaded = load_history("history", tag)

    assert tag == f"incident_history:{loaded.value.version}"
    assert [incident.id for incident in loaded.value.incidents] == ["1"]
