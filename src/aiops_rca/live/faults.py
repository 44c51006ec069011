"""What can be wrong between journal and incidents, in the words of who finds it and of who shows it."""

from __future__ import annotations

FOLD_FAILED = "the fold failed: "  # begins the reason of an entry in quarantine; the kind of error follows


def misplaced(seq: int, head: int) -> str | None:
    """What to do when the fold is at *seq* of a journal that ends at *head*; None if that is fine.

    A journal only grows: one that ends before what was folded of it is another one, or an older copy.
    """
    if seq <= head:
        return None
    return (
        f"the incidents were made from entry {seq} of a journal that now ends at {head}: stop the service, "
        "remove incidents.db and start it again, and they are made anew from the journal"
    )
