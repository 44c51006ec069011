"""One real service for all contract tests; its own store, a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from narration import environment_of
from provider import Provider, ok
from served import ROOT, Served, seed, served


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store that holds the shipped graph and history."""
    folder = tmp_path_factory.mktemp("home")
    seed(folder)
    return folder


@pytest.fixture(scope="session")
def service(home: Path) -> Iterator[Served]:
    """The service with default settings."""
    with served(home) as running:
        yield running


@pytest.fixture
def client(service: Served) -> Iterator[httpx.Client]:
    """A client of the service."""
    with httpx.Client(base_url=service.url, timeout=30) as made:
        yield made


@pytest.fixture(scope="session")
def storm() -> dict[str, Any]:
    """The captured storm the demo sends."""
    batch: dict[str, Any] = json.loads((ROOT / "tests" / "data" / "storm.json").read_text())
    return batch


@pytest.fixture(scope="session")
def running_model() -> Iterator[Provider]:
    """A provider of language models."""
    with Provider() as running:
        yield running


@pytest.fixture
def model(running_model: Provider) -> Iterator[Provider]:
    """The provider that the service `narrated` asks; it answers sensibly unless told otherwise."""
    yield running_model
    running_model.default = ok()


@pytest.fixture(scope="session")
def narrated(home: Path, running_model: Provider) -> Iterator[Served]:
    """A service with a key, little patience and large budgets."""
    with served(home, env=environment_of(running_model)) as running:
        yield running
