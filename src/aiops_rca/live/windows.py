"""Maintenance windows: they keep an incident from being opened and told of, never from being resolved."""

from __future__ import annotations

from collections.abc import Iterable

from aiops_rca.live.draft import Draft
from aiops_rca.live.records import AlertRecord, Window
from aiops_rca.live.work import Work

EVERYTHING = "*"


def is_suppressed(draft: Draft, work: Work) -> bool:
    """True while every firing of the incident lies in some window, and none has outlived its own.

    An incident that was shown once is not hidden by a window made later.
    """
    if not work.windows or (draft.before is not None and not draft.before.record.suppressed):
        return False
    firings = work.firings_of(draft.id)
    windows = list(work.windows.values())
    early = work.rules.reach_ms  # news of what began just before a window comes in it
    return bool(firings) and all(_is_covered(firing, windows, work.now, early) for firing in firings)


def is_hushed(services: Iterable[str], work: Work) -> bool:
    """True while windows lie over all of *services*: nobody is to be told of them now."""
    named: set[str] = set()
    for window in work.windows.values():
        if window.starts_at <= work.now < window.until:
            named.update(window.services)
    return bool(named) and (EVERYTHING in named or named.issuperset(services))


def _is_covered(firing: AlertRecord, windows: Iterable[Window], now: int, early: int) -> bool:
    return any(_covers(window, firing, now, early) for window in windows)


def _covers(window: Window, firing: AlertRecord, now: int, early: int) -> bool:
    named = firing.service in window.services or EVERYTHING in window.services
    if not named or not window.starts_at - early <= firing.at < window.until:
        return False
    return now < window.until if firing.ends_at is None else firing.ends_at <= window.until
