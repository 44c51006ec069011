"""What answers right now: the release, where its parts came from, and what is missing.

One immutable value; a request takes it once and keeps it to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiops_rca.domain.release import Release


@dataclass(frozen=True, slots=True)
class Check:
    """One precondition of answering: whether it holds, and in words why. One not *needed* only informs."""

    ok: bool
    detail: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Serving:
    """The release in service (None until every check holds) and what `/version` says of it."""

    release: Release | None
    checks: Mapping[str, Check]
    versions: Mapping[str, str]
    graph_loaded_at: datetime | None

    @property
    def ready(self) -> bool:
        """True when every check holds."""
        return self.release is not None and all(check.ok for check in self.checks.values())


NOTHING = Serving(None, {"service": Check(ok=False, detail="still starting")}, {}, None)
