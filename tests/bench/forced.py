"""The shipped service with one of its two routes forced, for comparison: `FORCED=batched|alone`."""

from __future__ import annotations

import os
from typing import Any

import aiops_rca.edge.app as edge
import service as shipped

if os.environ["FORCED"] == "batched":
    edge.ALONE = edge.BATCHED
else:
    edge.BATCHED = edge.ALONE

AiopsRca: Any = shipped.AiopsRca
