"""The OpenAPI document against the running service: what it allows is answered as it says, never by a 500."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from served import Served
from webhooks import get, incidents, wait_for

EXAMPLES = 500 if os.environ.get("RCA_LONG") == "1" else 20
SERVICES = [f"asked-{number}" for number in range(20)]  # far from one another: an incident each


@pytest.mark.timeout(1500)
def test_the_service_keeps_its_contract(service: Served, tmp_path: Path) -> None:
    """Generated requests, valid and not, on every operation: every check of schemathesis passes."""
    (tmp_path / "schemathesis.toml").write_text(_known(service))
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/docs.json"),
            # JSON schema cannot say that ids are unique, exist, or that times lie ahead: a request it
            # allows may rightly be refused
            *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
            *("--exclude-path", "/stream"),  # it never ends
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )

    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "29 selected / 30 total" in run.stdout


def _known(service: Served) -> str:
    """Configuration: most requests are about incidents and alerts that there are, and times to come."""
    alerts = [{"service": name, "metric": metric} for name in SERVICES for metric in ("latency", "errors")]
    assert httpx.post(f"{service.url}/webhooks/generic", json=alerts).json()["accepted"] == len(alerts)
    wait_for(lambda: set(SERVICES) <= {name for row in incidents(service) for name in row["services"]})
    ids = [row["id"] for row in incidents(service) if row["services"][0] in SERVICES]
    told = [alert["id"] for id in ids for alert in get(service, f"/incidents/{id}/alerts")["items"]]
    return f"""
[dictionaries]
incidents = {{values = {json.dumps(ids)}}}
alerts = {{values = {json.dumps(told)}}}
times = {{values = ["2199-01-01T00:00:00Z"]}}

[parameters]
"path.id" = {{dictionary = "incidents", probability = 0.7}}
"body.into" = {{dictionary = "incidents", probability = 0.7}}
"body.alert_ids[*]" = {{dictionary = "alerts", probability = 0.7}}
"body.until" = {{dictionary = "times", probability = 0.5}}
"""
