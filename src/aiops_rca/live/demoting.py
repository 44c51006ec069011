"""A firing turns out to be one more telling of an earlier one, of which the news came later.

The earlier one takes its place. As its place in time is another, what it was linked to must be looked at
anew.
"""

from __future__ import annotations

from aiops_rca.live.merging import merge
from aiops_rca.live.records import AlertRecord
from aiops_rca.live.signals import heads, last_head
from aiops_rca.live.work import Work


def demote(old: AlertRecord, newcomers: dict[str, AlertRecord], work: Work) -> set[str]:
    """Take *old*, as it was, out of its incident; returns the incidents that must be put together anew.

    An earlier firing that is one of *newcomers* takes its place there, and is a newcomer no more.
    """
    firings = work.signals[old.fingerprint].firings
    earlier = last_head([firing for firing in firings if firing.starts_at < old.starts_at])
    if earlier is None:  # only the first of a signal has none before it, and that one is of its own
        return set()
    newcomer = newcomers.pop(earlier.id, None)
    draft = work.draft(old.incident)
    if newcomer is not None:
        placed = earlier._replace(incident=draft.id, joined_because=old.joined_because)
        work.put(placed)
        draft.take_place(old, placed)
    else:
        left = [firing for firing in heads(work.firings_of(draft.id)) if firing.id != old.id]
        if not left:
            return _dissolve(old, earlier, work)
        draft.rebuild(left, [old])
        return {draft.id, earlier.incident}
    draft.redraw(heads(work.firings_of(draft.id)), [old])
    return {draft.id}


def _dissolve(old: AlertRecord, earlier: AlertRecord, work: Work) -> set[str]:
    """The incident of *old* held nothing else: it goes into that of *earlier*, and counts for nothing."""
    draft, into = work.draft(old.incident), work.draft(earlier.incident)
    draft.alert_count -= 1
    draft.open_alerts -= not old.ended
    merge(into, draft, work)
    into.redraw(heads(work.firings_of(into.id)), [old])
    return {into.id}
