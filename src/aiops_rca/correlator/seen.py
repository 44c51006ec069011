"""What the last diagnosis of an incident said, and what people hear when another one says otherwise."""

from __future__ import annotations

from typing import NamedTuple

from aiops_rca.correlator.documenting import document_of
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.diagnosis import FLAG_OFF, PROBABLE
from aiops_rca.live.records import DiagnosisRecord, Happening, IncidentRecord, Notice

DIAGNOSED = "diagnosed"  # in the timeline
ROOT_CAUSE = "root_cause"  # an occasion to notify
# why another cause is named, where no alert is the reason
VOTED = "a language model's vote"
UNVOTED = "without a language model's vote"
SWITCHED_OFF = "the language model was switched off"


class Seen(NamedTuple):
    """What the last diagnosis of an incident was made of, and what it said.

    After a restart *alerts* (a hash of them) is None: then the count of changes has to tell.
    """

    number: int
    changes: int
    signals: int
    services: frozenset[str]
    severity: Severity
    alerts: int | None
    root_cause: str
    verdict: str


NOTHING_SEEN = Seen(0, 0, 0, frozenset(), Severity.INFO, None, "", "")


def as_stored(last: DiagnosisRecord, record: IncidentRecord) -> Seen:
    """What is known of *last*, the last diagnosis of *record*, after a restart."""
    return Seen(
        number=last.number,
        changes=last.changes,
        signals=last.alert_count,
        services=frozenset(record.services),
        severity=record.max_severity,
        alerts=None,
        root_cause=last.root_cause,
        verdict=last.verdict,
    )


def moved_because(record: DiagnosisRecord) -> str:
    """Why *record* names another cause than the record of the same diagnosis that it replaces."""
    document = document_of(record)
    if document is not None and document.root_cause.method == FLAG_OFF:
        return SWITCHED_OFF
    vote = document.narrative.vote if document is not None and document.narrative else None
    return VOTED if vote is not None and vote.moved else UNVOTED


def told(
    made: DiagnosisRecord, seen: Seen, now: int, because: str
) -> tuple[tuple[Happening, ...], tuple[Notice, ...]]:
    """The line in the timeline, and the notice, that *made* is worth after *seen*; *now* is epoch ms."""
    if (made.root_cause, made.verdict) == (seen.root_cause, seen.verdict):
        return (), ()
    turn = "is now" if seen.number else "is"
    text = f"the root cause {turn} {made.root_cause}: {made.verdict}, {made.confidence:.0%} ({because})"
    happening = Happening(made.incident, now, DIAGNOSED, text, "", "")
    if not seen.number or made.verdict != PROBABLE or made.root_cause == seen.root_cause:
        return (happening,), ()
    return (happening,), (Notice(made.incident, ROOT_CAUSE, now),)
