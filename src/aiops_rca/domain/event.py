"""What one sender said about one alert at one time, as the journal keeps it.

An event is not yet an alert: the same alert is told many times, late, twice, or resolved before it fired.
`live` makes alerts of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiops_rca.domain.alert import LabelValue, Severity

# Marks an event may carry. Each says what of it is less sure than it looks.
TIME_INVALID = "time_invalid"  # a time could not be read: the receipt time stands in
TIME_AHEAD = "time_ahead"  # a time lay in the future: the sender's clock is ahead of ours
SEVERITY_UNKNOWN = "severity_unknown"  # the word for the severity is in no table: read as warning
UNMAPPED = "unmapped"  # no label names a service of the graph
TRUNCATED = "truncated"  # the sender left out alerts of the same body
RESTATED = "restated"  # the sender gives each repetition a start of its own


class AlertEvent(NamedTuple):
    """One alert as told in one webhook.

    *source* is the name under `/webhooks/` it came in by. *starts_at* and *ends_at* are epoch
    milliseconds by the sender's clock; None where the sender does not say. *fingerprint* is equal in
    all events of one signal, the resolving ones included (see `domain.fingerprint`). *summary* and
    *link* are the sender's words, capped; hostile input like every other text of it.
    """

    source: str
    fingerprint: str
    service: str
    metric: str
    severity: Severity
    resolved: bool
    starts_at: int | None
    ends_at: int | None
    value: float | None
    threshold: float | None
    labels: Mapping[str, LabelValue]
    flags: tuple[str, ...]
    summary: str
    link: str
