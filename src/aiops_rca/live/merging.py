"""Two incidents become one."""

from __future__ import annotations

from aiops_rca.live.draft import Draft
from aiops_rca.live.work import Work


def merge(into: Draft, other: Draft, work: Work) -> None:
    """Let *into* take in *other*, which forwards to it from now on."""
    for firing in work.firings_of(other.id):
        work.put(firing._replace(incident=into.id), stored=False)
    into.absorb(other)
    del work.drafts[other.id]
    gone = work.incidents.pop(other.id, None)
    if gone is not None:  # one that was made and merged in the same breath was never seen
        last = other.finished(suppressed=gone.record.suppressed, live=False).record
        work.records[other.id] = last._replace(status="merged", merged_into=into.id)
        work.happened(other.id, work.now, "merged", f"merged into {into.id}")
        work.happened(into.id, work.now, "merged", f"took in {other.id}")
    else:
        work.records.pop(other.id, None)
