"""What the loop works with: the journal it drains, the store it fills, and who else runs meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from aiops_rca.live.entry import Entry
from aiops_rca.live.records import Changes, DiagnosisRecord, Stored
from aiops_rca.live.rows import Draft, Head, Quarantined, Refused


class Journal(Protocol):
    """What was received."""

    def read(self, after: int, *, limit: int) -> Sequence[Entry]:
        """The entries after number *after*, with about *limit* alerts."""
        ...

    def append(self, drafts: Sequence[Draft], refused: Sequence[Refused]) -> int:
        """Keep what is new, and what cannot be used in quarantine."""
        ...

    def quarantine(self, after: int | None, limit: int) -> Sequence[Quarantined]:
        """The newest pieces in quarantine."""
        ...

    def head(self) -> Head:
        """Where the journal ends."""
        ...

    def prune(self, before_ms: int, folded_upto: int) -> int:
        """Drop old entries that are folded."""
        ...


class Store(Protocol):
    """What was made of it."""

    def load(self) -> Stored:
        """Everything a fold goes on from."""
        ...

    def known_alerts(self, ids: Collection[str]) -> set[str]:
        """Those of *ids* that are stored."""
        ...

    def take_lease(self, holder: str, *, now: int, ttl_ms: int, is_dead: Callable[[str], bool]) -> bool:
        """Become, or stay, the one who folds."""
        ...

    def release(self, holder: str) -> None:
        """Give the lease back."""
        ...

    def apply(
        self,
        changes: Changes,
        diagnoses: Sequence[DiagnosisRecord],
        *,
        after: int,
        upto: int,
        now: int,
        holder: str,
        ttl_ms: int,
        targets: int,
        settle_ms: int,
    ) -> int:
        """Store one step; raises LeaseLostError when it does not follow what is stored."""
        ...

    def prune(self, before_ms: int) -> int:
        """Drop incidents that were over before *before_ms*."""
        ...


class Beside(Protocol):
    """What runs while the lease is held: the notifier."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End."""
        ...
