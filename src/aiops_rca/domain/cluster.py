"""Alerts that belong together in time and topology."""

from __future__ import annotations

from dataclasses import dataclass

from aiops_rca.domain.alert import Alert, Severity


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of firing alerts, sorted by (ts, id).

    *id* is a hash of the set of the alerts' fingerprints, so the same signals give the same id on any day.
    *services* is sorted; times are epoch milliseconds.
    """

    id: str
    alerts: tuple[Alert, ...]
    services: tuple[str, ...]
    first_ts: int
    last_ts: int
    max_severity: Severity

    @property
    def signals(self) -> int:
        """How many different signals alert; a flapping one counts once."""
        if len(self.alerts) == 1:  # in a storm of strangers there are a hundred thousand of these
            return 1
        return len({alert.fingerprint for alert in self.alerts})
