"""What turned in an incident's life, as lines of its timeline and as notices for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from aiops_rca.live.draft import Draft
from aiops_rca.live.records import RESOLVED, AlertRecord, IncidentRecord, Notice
from aiops_rca.live.work import Work

_NAMED = 5
Turn = tuple[str, int, str]


def tell_turns(draft: Draft, now: IncidentRecord, work: Work) -> None:
    """Compare the incident with what it was before, and tell what is news."""
    before = draft.before.record if draft.before else None
    hushed = now.suppressed or (before is not None and before.suppressed)
    for occasion, at, text in _turns(before, now):
        work.happened(now.id, at, occasion, text)
        if not hushed:
            work.notices.append(Notice(now.id, occasion, at))
    if draft.joined:
        _tell_joined(draft.joined, now, work)
    if before is None:
        return
    if now.max_severity > before.max_severity:
        work.happened(now.id, now.updated_at, "severity", f"now {now.max_severity.word}")
    if before.suppressed and not now.suppressed and now.status != RESOLVED:
        work.happened(now.id, work.now, "opened", "no maintenance window covers it any more")
        work.notices.append(Notice(now.id, "opened", work.now))


def _turns(before: IncidentRecord | None, now: IncidentRecord) -> Iterator[Turn]:
    over = before is not None and before.status == RESOLVED
    if before is None:
        yield "opened", now.opened_at, f"by {', '.join(now.services[:_NAMED])}"
    if over and now.status != RESOLVED:
        yield "reopened", now.updated_at, "it fires again"
    if now.resolved_at is not None and not over:
        by = f"by {now.resolved_by}" if now.resolved_by else "all alerts have ended"
        yield "resolved", now.resolved_at, by


def _tell_joined(joined: Sequence[AlertRecord], now: IncidentRecord, work: Work) -> None:
    services = Counter(firing.service for firing in joined)
    named = ", ".join(f"{service} ({count})" for service, count in sorted(services.items())[:_NAMED])
    more = f" and {len(services) - _NAMED} more services" if len(services) > _NAMED else ""
    many = f"{len(joined)} alerts" if len(joined) > 1 else "1 alert"
    last = max(joined, key=lambda firing: (firing.at, firing.id))
    work.happened(now.id, last.at, "joined", f"{many}: {named}{more}", alert_id=last.id)
