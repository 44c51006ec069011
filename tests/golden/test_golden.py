"""The shipped release's answer to the captured storm, to the letter: a changed answer shows as a diff.

A change that is meant is taken over by `RCA_GOLDEN=update python3 run.py test tests/golden`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aiops_rca import diagnose, load_release
from aiops_rca.domain.release import Parameters
from aiops_rca.ingest.batch import to_alerts
from aiops_rca.report import incident_answer
from aiops_rca.wire import decode_incident, encode

HERE = Path(__file__).parent


@pytest.mark.parametrize("method", ["logit", "pagerank"])
def test_the_answer_is_the_recorded_one(project_root: Path, method: str) -> None:
    """Clusters, ranking, evidence, actions and look-alikes of the storm are as recorded."""
    release = load_release(
        project_root / "graphs" / "online-boutique.yaml",
        history=project_root / "history" / "online-boutique.jsonl",
        configs=project_root / "configs",
        parameters=Parameters(rca_method=method),
    )
    batch = decode_incident((project_root / "tests" / "data" / "storm.json").read_bytes())
    alerts = to_alerts(batch.alerts)
    found = diagnose(alerts, release, target=batch.target)
    answer = incident_answer(found, alerts=alerts, release=release, target=batch.target, versions={})
    text = json.dumps(json.loads(encode(answer)), indent=1, sort_keys=True) + "\n"
    recorded = HERE / f"storm-{method}.json"
    if os.environ.get("RCA_GOLDEN") == "update":
        recorded.write_text(text, encoding="utf-8")

    assert text == recorded.read_text(encoding="utf-8")
