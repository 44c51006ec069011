"""The OpenAPI document against the running service: what it allows is answered as it says, never by a 500."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from served import Served

EXAMPLES = 500 if os.environ.get("RCA_LONG") == "1" else 30
ALERT = {"service": "cartservice", "metric": "latency", "severity": "error"}


@pytest.mark.timeout(1500)
def test_the_service_keeps_its_contract(service: Served, tmp_path: Path) -> None:
    """Generated requests, valid and not, on every operation: every check of schemathesis passes."""
    assert httpx.post(f"{service.url}/webhooks/generic", json=ALERT).json()["accepted"] == 1
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
    assert "27 selected / 28 total" in run.stdout
