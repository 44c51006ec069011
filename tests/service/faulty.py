"""The real service with a diagnosis that fails for one target and an enrichment that fails for another.

Targets: `explode` fails inside the batch, `linger` takes three seconds there, `stumble` fails in the
enrichment, others pass.
"""

from __future__ import annotations

import time
from typing import Any

import service as shipped
from aiops_rca.pipeline import diagnose as _diagnose
from aiops_rca.web import incident
from aiops_rca.web.incident import Diagnoses, Task


def diagnose(*arguments: Any, target: str | None, **more: Any) -> Diagnoses:
    """Fail for the target `explode`, as a fault of ours would; take long for `linger`."""
    if target == "explode":
        raise ArithmeticError("planted")
    if target == "linger":
        time.sleep(3)
    return _diagnose(*arguments, target=target, **more)


class Stumbling:
    """Fails for the target `stumble`."""

    def prepare(self, task: Task, diagnoses: Diagnoses) -> bool:
        """Only that one takes the step."""
        return task.target == "stumble" and bool(diagnoses)

    async def __call__(self, task: Task, diagnoses: Diagnoses) -> Diagnoses:  # noqa: ARG002 - as `Enrich`
        """Fail."""
        raise ConnectionError("planted")


incident.diagnose = diagnose  # type: ignore[assignment, attr-defined]
shipped.APPLICATION.incidents.enrich = Stumbling()
AiopsRca: Any = shipped.AiopsRca
