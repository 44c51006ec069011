"""The real service with an enrichment that sleeps, to prove where waiting happens.

Requests whose target is `slow` wait; the others pass. What it saw is written to the file that
`SLOW_ENRICH_LOG` names: `start`, `done` or `cancelled`, a line each.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import service as shipped
from aiops_rca.web.incident import Diagnoses, Task

_SECONDS = float(os.environ.get("SLOW_ENRICH_SECONDS", "8"))
_LOG = Path(os.environ["SLOW_ENRICH_LOG"])


def _note(word: str) -> None:
    with _LOG.open("a", encoding="utf-8") as file:
        file.write(f"{word}\n")


class Sleeping:
    """Sleeps for requests whose target is `slow`."""

    def prepare(self, task: Task, diagnoses: Diagnoses) -> bool:
        """Only those have to wait."""
        return task.target == "slow" and bool(diagnoses)

    async def __call__(self, task: Task, diagnoses: Diagnoses) -> Diagnoses:  # noqa: ARG002 - as `Enrich`
        """Sleep."""
        _note("start")
        try:
            await asyncio.sleep(_SECONDS)
        except asyncio.CancelledError:
            _note("cancelled")
            raise
        _note("done")
        return diagnoses


shipped.APPLICATION.incidents.enrich = Sleeping()
AiopsRca: Any = shipped.AiopsRca
