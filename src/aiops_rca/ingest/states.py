"""The words senders use for whether an alert fires."""

from __future__ import annotations

from aiops_rca.domain.errors import InputError
from aiops_rca.ingest.moment import moment

RESOLVED = frozenset(
    "resolved resolve ok okay closed close cleared clear recovered recovery inactive normal ended expired "
    "completed fixed success up healthy green false deactivated".split()
)
FIRING = frozenset(
    "firing fire open opened active alerting alert alarm triggered trigger problem critical error warning "
    "warn down unhealthy new created activated fired started start no_data nodata suppressed unprocessed "
    "true red acknowledged acked in_progress investigating reopened failing failed".split()
)
_LONGEST = 64


def fires(said: object) -> bool | None:
    """Whether *said* means firing (True) or resolved (False); None when it means neither."""
    if isinstance(said, bool):
        return said
    if not isinstance(said, str) or len(said) > _LONGEST:
        return None
    word = said.strip().lower().replace(" ", "_").replace("-", "_")
    if word in RESOLVED:
        return False
    return True if word in FIRING else None


def is_resolved(status: object, ends_at: object, received_at: int, *, field: str) -> bool:
    """Whether an alert is over: by its *status*, without one by its end lying before *received_at* (ms).

    Raises InputError naming *field* when the status is a word nobody knows.
    """
    if isinstance(status, dict):  # as Alertmanager's API answers: {"state": "active", ...}
        status = status.get("state")
    if status is None or status == "":
        return _is_past(ends_at, received_at)
    firing = fires(status)
    if firing is None:
        raise InputError("says neither firing nor resolved", field=field)
    return not firing


def _is_past(ends_at: object, received_at: int) -> bool:
    try:
        at = moment(ends_at)
    except ValueError:
        return False
    return at is not None and at <= received_at
