"""Latency of `POST /incident`: in a row, after a burst, and with `ab`; by phase, and by route.

    python3 run.py bench latency [--json]

Three services run side by side: as shipped, with every request through the adaptive batcher, and
with none. They are asked in turn, so that a slow moment of the machine hits all three.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from served import ROOT, seed, served

ROUNDS = 200
IN_A_ROW = 20
ROUTES = ("shipped", "batched", "alone")
STORM = ROOT / "tests" / "data" / "storm.json"


def main() -> None:
    """Measure and print a table, or JSON with --json."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        urls = {name: stack.enter_context(_service(Path(folder), name)).url for name in ROUTES}
        figures = {
            "in_a_row": _in_a_row(urls["shipped"]),
            "one_at_a_time": _alternate(urls),
            "after_a_burst": _after_burst(urls),
            "ab_n100_c10": _ab(urls["shipped"]),
        }
    print(json.dumps(figures) if "--json" in sys.argv else _table(figures))


def _service(folder: Path, name: str) -> Any:
    home = folder / name
    home.mkdir()
    seed(home)
    if name == "shipped":
        return served(home)
    env = {"FORCED": name, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'bench'}"}
    return served(home, target=("forced:AiopsRca",), env=env)


def _quantiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3)}


def _in_a_row(url: str) -> dict[str, Any]:
    """20 requests of the storm in a row, the process warm: total from the header, phases from the body."""
    batch = json.loads(STORM.read_text())
    with httpx.Client(base_url=url, timeout=30) as client:
        for _ in range(IN_A_ROW):
            client.post("/incident", json=batch).raise_for_status()
        responses = [client.post("/incident", json=batch) for _ in range(IN_A_ROW)]
    phases: dict[str, list[float]] = {"header_ms": []}
    for response in responses:
        phases["header_ms"].append(float(response.headers["x-response-time-ms"]))
        for name, ms in response.json()["timings_ms"].items():
            phases.setdefault(name, []).append(ms)
    errors = sum(response.status_code != httpx.codes.OK for response in responses)
    return {"errors": errors, "phases": {n: _quantiles(v) for n, v in phases.items()}}


def _small() -> dict[str, Any]:
    firing = [a for a in json.loads(STORM.read_text())["alerts"] if "status" not in a["labels"]]
    return {"alerts": firing[:20]}


def _alternate(urls: dict[str, str]) -> dict[str, Any]:
    """One request at a time, each route in turn."""
    batch = _small()
    times: dict[str, list[float]] = {name: [] for name in urls}
    with ExitStack() as stack:
        clients = {n: stack.enter_context(httpx.Client(base_url=u)) for n, u in urls.items()}
        for number in range(ROUNDS + 20):
            for name, client in clients.items():
                response = client.post("/incident", json=batch)
                if number >= 20:
                    times[name].append(float(response.headers["x-response-time-ms"]))
    return {name: _quantiles(values) for name, values in times.items()}


def _after_burst(urls: dict[str, str]) -> dict[str, Any]:
    """One at a time again, within seconds of 2,000 requests at 64 connections."""
    found = {}
    for name, url in urls.items():
        _run_ab(url, requests=2000, at_once=64)
        found[name] = _alternate({name: url})[name]
    return found


def _run_ab(url: str, *, requests: int, at_once: int) -> str:
    ab = shutil.which("ab")
    if ab is None:
        sys.exit("ab is not installed (Debian: apt-get install apache2-utils)")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as body:
        json.dump(_small(), body)
        body.flush()
        size = ["-q", "-n", str(requests), "-c", str(at_once)]
        send = ["-p", body.name, "-T", "application/json", f"{url}/incident"]
        return subprocess.run([ab, *size, *send], capture_output=True, text=True, check=True).stdout


def _buckets(url: str) -> dict[str, dict[float, float]]:
    """Phase -> upper bound in seconds -> count so far, from /metrics."""
    found: dict[str, dict[float, float]] = {}
    pattern = r'^aiops_phase_seconds_bucket\{le="([^"]+)",phase="(\w+)"\} (\S+)$'
    for bound, phase, count in re.findall(pattern, httpx.get(f"{url}/metrics").text, re.MULTILINE):
        found.setdefault(phase, {})[float(bound)] = float(count)
    return found


def _between(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """The quantile *share* of what was observed between two scrapes, in ms; linear within a bucket."""
    counts = {bound: after[bound] - before.get(bound, 0.0) for bound in sorted(after)}
    wanted = share * max(counts.values())
    lower = reached = 0.0
    for bound, count in counts.items():
        if count >= wanted and count > reached and bound != float("inf"):
            return round(1000 * (lower + (bound - lower) * (wanted - reached) / (count - reached)), 3)
        lower, reached = bound, count
    return round(1000 * lower, 3)


def _ab(url: str) -> dict[str, Any]:
    before = _buckets(url)
    text = _run_ab(url, requests=100, at_once=10)
    after = _buckets(url)
    phases = {
        phase: {
            "p50": _between(before[phase], after[phase], 0.5),
            "p99": _between(before[phase], after[phase], 0.99),
        }
        for phase in after
    }
    found = {
        "failed": r"Failed requests:\s+(\d+)",
        "requests_per_s": r"Requests per second:\s+([\d.]+)",
        "p50_ms": r"\n\s+50%\s+(\d+)",
        "p99_ms": r"\n\s+99%\s+(\d+)",
    }
    matches = {name: re.search(pattern, text) for name, pattern in found.items()}
    refused = re.search(r"Non-2xx responses:\s+(\d+)", text)
    figures = {name: float(match[1]) for name, match in matches.items() if match}
    return {**figures, "not_2xx": float(refused[1]) if refused else 0.0, "phases": phases}


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{'20 storms in a row, ms':<34}{'p50':>9}{'p99':>9}"]
    for name, row in figures["in_a_row"]["phases"].items():
        lines.append(f"  {name:<32}{row['p50']:>9}{row['p99']:>9}")
    for key, title in (("one_at_a_time", "one at a time, ms"), ("after_a_burst", "after a burst, ms")):
        lines.append(f"{title:<34}{'p50':>9}{'p99':>9}")
        lines += [f"  {n:<32}{r['p50']:>9}{r['p99']:>9}" for n, r in figures[key].items()]
    loaded = dict(figures["ab_n100_c10"])
    phases = loaded.pop("phases")
    lines.append("ab -n 100 -c 10")
    lines += [f"  {name:<32}{value:>9g}" for name, value in loaded.items()]
    lines.append(f"{'  of it, from the histograms, ms':<34}{'p50':>9}{'p99':>9}")
    lines += [f"  {n:<32}{r['p50']:>9}{r['p99']:>9}" for n, r in phases.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
