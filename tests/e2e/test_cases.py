"""Every real labelled case through `POST /incident` of a served bento that holds the case's own graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import HISTORY, Served, bentoml, command, served

GRAPHS = (
    "petshop",
    pytest.param("openrca-ob1", marks=pytest.mark.slow),
    pytest.param("nezha-ob", marks=pytest.mark.slow),
    pytest.param("openrca-ob2", marks=pytest.mark.slow),
)


@pytest.fixture(scope="module", params=GRAPHS)
def cases(request: pytest.FixtureRequest, cases_dir: Path) -> list[dict[str, Any]]:
    """The cases of one system."""
    lines = (cases_dir / f"{request.param}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def own_service(
    cases: list[dict[str, Any]], cases_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A bento that was built over the graph of these cases, served."""
    home = tmp_path_factory.mktemp("cases")
    command("graph", "import", str(cases_dir / "graphs" / cases[0]["graph"]), home=home)
    command("history", "import", str(HISTORY), home=home)
    bentoml(home, "build", "--version", "cases")
    with served(home, target=("aiops_rca:cases",), cwd=home) as running:
        yield running


def test_every_case_is_diagnosed(own_service: Served, cases: list[dict[str, Any]]) -> None:
    """Each case is answered with 200, every alert placed and every cluster diagnosed."""
    with httpx.Client(base_url=own_service.url, timeout=30) as client:
        for case in cases:
            batch = {"alerts": case["alerts"], "target": case["target"]}
            response = client.post("/incident", json=batch)
            answer = response.json()

            assert response.status_code == 200, (case["case_id"], response.text)
            placed = sum(cluster["alert_count"] for cluster in answer["clusters"])
            assert placed == len(case["alerts"])
            for cluster in answer["clusters"]:
                assert cluster["root_cause"]["service"] != "unknown"
                assert cluster["root_cause"]["candidates"]
