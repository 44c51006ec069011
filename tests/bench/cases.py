"""Every real labelled case through `POST /incident` of a served service: how right, and how long.

    python3 run.py bench cases [--json]

Needs the case data (RCA_CASES_DIR, else ../shared/cases beside the project).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from served import HISTORY, ROOT, command, served

GRAPHS = ("petshop", "nezha-ob", "openrca-ob1", "openrca-ob2")


def main() -> None:
    """Measure and print a table, or JSON with --json."""
    cases = Path(os.environ.get("RCA_CASES_DIR") or ROOT.parent / "shared" / "cases")
    if not cases.is_dir():
        sys.exit(f"case data absent: {cases}")
    figures = {name: _measure(cases, name) for name in GRAPHS}
    print(json.dumps(figures) if "--json" in sys.argv else _table(figures))


def _measure(cases: Path, name: str) -> dict[str, float]:
    rows = [json.loads(line) for line in (cases / f"{name}.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        command("graph", "import", str(cases / "graphs" / rows[0]["graph"]), home=home)
        command("history", "import", str(HISTORY), home=home)
        with served(home) as service, httpx.Client(base_url=service.url, timeout=60) as client:
            _ask(client, rows[0])
            answers = [_ask(client, row) for row in rows]
    times = [float(response.headers["x-response-time-ms"]) for response in answers]
    found = [response.json() for response in answers if response.status_code == httpx.codes.OK]
    return {
        "cases": len(rows),
        "answered": len(found),
        "clusters": sum(len(answer["clusters"]) for answer in found),
        "diagnosed": sum(bool(c["root_cause"]["candidates"]) for a in found for c in a["clusters"]),
        "p50_ms": round(statistics.median(times), 2),
        "max_ms": round(max(times), 2),
    }


def _ask(client: httpx.Client, row: dict[str, Any]) -> httpx.Response:
    return client.post("/incident", json={"alerts": row["alerts"], "target": row["target"]})


def _table(figures: dict[str, dict[str, float]]) -> str:
    columns = list(next(iter(figures.values())))
    lines = [f"{'system':<14}" + "".join(f"{column:>11}" for column in columns)]
    for name, row in figures.items():
        lines.append(f"{name:<14}" + "".join(f"{row[column]:>11g}" for column in columns))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
