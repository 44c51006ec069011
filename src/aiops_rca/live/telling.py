"""What turned in an incident's life, as lines of its timeline and as notices for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from aiops_rca.live.draft import Draft
from aiops_rca.live.records import RESOLVED, AlertRecord, IncidentRecord, Notice
from aiops_rca.live.windows import is_hushed
from aiops_rca.live.work import Work

_NAMED = 5
Turn = tuple[str, int, str]


def tell(id: str, occasion: str, at: int, text: str, work: Work) -> None:
    """A turn in the life of incident *id*: a line of its timeline, and a notice for people."""
    work.happened(id, at, occasion, text)
    work.notices.append(Notice(id, occasion, at))


def tell_turns(draft: Draft, now: IncidentRecord, work: Work) -> None:
    """Compare the incident with what it was before, and tell what is news."""
    before = draft.before.record if draft.before else None
    shown_now = before is not None and before.suppressed and not now.suppressed
    hushed = now.suppressed or (before is not None and before.suppressed) or is_hushed(now.services, work)
    for occasion, at, text in _turns(before, now, expired=draft.expired):
        work.happened(now.id, at, occasion, text)
        if not hushed:
            work.notices.append(Notice(now.id, occasion, at))
    if draft.joined:
        _tell_joined(draft.joined, now, work)
    if shown_now and now.status != RESOLVED:
        tell(now.id, "opened", work.now, "no maintenance window covers it any more", work)


def _turns(before: IncidentRecord | None, now: IncidentRecord, *, expired: bool) -> Iterator[Turn]:
    over = before is not None and before.status == RESOLVED
    if before is None:
        yield "opened", now.opened_at, f"by {', '.join(now.services[:_NAMED])}"
    if before is not None and over and now.status != RESOLVED:
        yield "reopened", max(now.updated_at, before.resolved_at or 0), "it fires again"
    if before is not None and now.max_severity > before.max_severity and now.status != RESOLVED:
        yield "severity", now.updated_at, f"now {now.max_severity.word}"
    if now.resolved_at is not None and not over:
        if expired:
            yield "expired", now.resolved_at, "nobody tells of its alerts any more"
        else:
            by = f"by {now.resolved_by}" if now.resolved_by else "all alerts have ended"
            yield "resolved", now.resolved_at, by


def _tell_joined(joined: Sequence[AlertRecord], now: IncidentRecord, work: Work) -> None:
    services = Counter(firing.service for firing in joined)
    named = ", ".join(f"{service} ({count})" for service, count in sorted(services.items())[:_NAMED])
    more = f" and {len(services) - _NAMED} more services" if len(services) > _NAMED else ""
    many = f"{len(joined)} alerts" if len(joined) > 1 else "1 alert"
    last = max(joined, key=lambda firing: (firing.at, firing.id))
    work.happened(now.id, last.at, "joined", f"{many}: {named}{more}", alert_id=last.id)
