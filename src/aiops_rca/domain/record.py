"""How often a system's own confident diagnoses were right, as far as people have said so."""

from __future__ import annotations

import math
from typing import NamedTuple

_Z = 1.96  # 95 %, two-sided


class TrackRecord(NamedTuple):
    """Of *told* confident diagnoses that somebody has judged, *right* named the true cause."""

    right: int = 0
    told: int = 0

    @property
    def at_least(self) -> float:
        """The share of right ones that the record supports: the lower end of its 95 % interval.

        Wilson's score interval (1927), which holds for small counts too; 0 without a record.
        """
        if not self.told:
            return 0.0
        n, share, square = self.told, self.right / self.told, _Z * _Z
        spread = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
        return max(0.0, (share + square / (2 * n) - spread) / (1 + square / n))


NO_RECORD = TrackRecord()
