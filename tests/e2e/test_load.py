"""Load over a real socket: `ab` sees no error, and a soak leaves memory flat."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from served import ROOT, Served, seed, served

SOAK_REQUESTS = 20_000
GROWTH = 1.15  # allocators keep some of what a burst took


def ab(service: Served, body: Path, *, requests: int, at_once: int) -> str:
    """Send *body* *requests* times over *at_once* connections; what `ab` says of it."""
    program = shutil.which("ab")
    if program is None:
        pytest.skip("ab is not installed (Debian: apache2-utils)")
    size = ["-q", "-n", str(requests), "-c", str(at_once)]
    send = ["-p", str(body), "-T", "application/json", f"{service.url}/incident"]
    done = subprocess.run([program, *size, *send], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Twenty firing alerts of the storm, as a file."""
    storm = json.loads((ROOT / "tests" / "data" / "storm.json").read_text())
    firing = [alert for alert in storm["alerts"] if "status" not in alert["labels"]]
    file = tmp_path / "small.json"
    file.write_text(json.dumps({"alerts": firing[:20]}))
    return file


def memory_of(service: Served) -> float:
    """The resident memory the service reports, in bytes."""
    text = httpx.get(f"{service.url}/metrics", timeout=10).text
    return float(re.findall(r"^aiops_process_resident_memory_bytes (\S+)$", text, re.MULTILINE)[0])


def test_a_hundred_requests_of_ten_callers_have_no_error(tmp_path: Path, small: Path) -> None:
    """`ab -n 100 -c 10` counts no failed request and no answer but 200."""
    seed(tmp_path)
    with served(tmp_path) as service:
        said = ab(service, small, requests=100, at_once=10)

    assert re.search(r"Complete requests:\s+100\n", said)
    assert re.search(r"Failed requests:\s+0\n", said)
    assert "Non-2xx" not in said


@pytest.mark.slow
def test_a_soak_leaves_memory_flat(tmp_path: Path, small: Path) -> None:
    """After 20,000 requests the process is hardly larger than after the first 5,000."""
    seed(tmp_path)
    with served(tmp_path, env={"AIOPS_LOG_LEVEL": "warning"}) as service:
        ab(service, small, requests=5_000, at_once=16)
        before = memory_of(service)
        said = ab(service, small, requests=SOAK_REQUESTS, at_once=16)
        after = memory_of(service)

    assert re.search(r"Failed requests:\s+0\n", said)
    assert after < before * GROWTH
