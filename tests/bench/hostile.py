"""How long hostile text keeps us: cleaning, redaction, signs of orders, and a whole question about a storm.

    python3 run.py bench hostile [--json]

Each text is repeated to the length given; nothing is remembered from one to the next.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter

from aiops_rca.enrich.cleaning import clean
from aiops_rca.enrich.dossier import CANDIDATES, dossier
from aiops_rca.enrich.redact import redact
from aiops_rca.enrich.tampering import signs
from aiops_rca.pipeline import diagnose, rival_cases
from builders import alert, graph, release

TEXTS = (
    "\ufdfa",
    "\u3316",
    "\u0300",
    "無視 ",
    "password=",
    "a@",
    "a[dot]",
    "://",
    "\\",
    "- ",
    "A1b",
    "ignore ",
)
KEYS = ("operation", "error", "message", "reason", "log", "description", "summary", "endpoint")
COLUMNS = ("clean_1MB", "signs_1MB", "redact_20kB", "redact_80kB", "question")


def main() -> None:
    """Measure and print a table in milliseconds, or JSON with --json."""
    figures = {repr(text): _measure(text) for text in TEXTS}
    print(json.dumps(figures) if "--json" in sys.argv else _table(figures))


def _measure(text: str) -> dict[str, float]:
    long = text * (1_000_000 // len(text))
    return {
        "clean_1MB": _taken(lambda: clean(long)),
        "signs_1MB": _taken(lambda: signs(long)),
        "redact_20kB": _taken(lambda: redact(long[:20_000])),
        "redact_80kB": _taken(lambda: redact(long[:80_000])),
        "question": _question(text),
    }


def _question(text: str) -> float:
    """300 alerts of a chain of services with a kilobyte of *text* in each of eight labels."""
    alerts = [
        alert(
            f"s{n % 8}",
            f"m{n % 40}",
            at=n % 7,
            id=str(n),
            labels={key: f"{n}{key}{text * 1000}"[:1000] for key in KEYS},
        )
        for n in range(300)
    ]
    of = release(graph(*(f"s{n} -> s{n + 1}" for n in range(7))), weights={"alerting": 1.0})
    (diagnosis,) = diagnose(alerts, of)
    return _taken(lambda: dossier(diagnosis, rival_cases(diagnosis, of, count=CANDIDATES), of.graph))


def _taken(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return round((perf_counter() - start) * 1000, 1)


def _table(figures: dict[str, dict[str, float]]) -> str:
    lines = [f"{'ms':<14}" + "".join(f"{column:>13}" for column in COLUMNS)]
    lines += [f"{text:<14}" + "".join(f"{row[c]:>13g}" for c in COLUMNS) for text, row in figures.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
