"""Maintenance windows: they keep an incident from being opened and told of, never from being resolved."""

from __future__ import annotations

from collections.abc import Iterable

from aiops_rca.live.draft import Draft
from aiops_rca.live.records import AlertRecord, Window
from aiops_rca.live.work import Work

EVERYTHING = "*"


def is_suppressed(draft: Draft, work: Work) -> bool:
    """True while every firing of the incident lies in some window, and none has outlived its own."""
    if not work.windows:
        return False
    firings = work.firings_of(draft.id)
    windows = list(work.windows.values())
    return bool(firings) and all(_is_covered(firing, windows, work.now) for firing in firings)


def _is_covered(firing: AlertRecord, windows: Iterable[Window], now: int) -> bool:
    return any(_covers(window, firing, now) for window in windows)


def _covers(window: Window, firing: AlertRecord, now: int) -> bool:
    named = firing.service in window.services or EVERYTHING in window.services
    if not named or not window.starts_at <= firing.at < window.until:
        return False
    return now < window.until if firing.ends_at is None else firing.ends_at <= window.until
