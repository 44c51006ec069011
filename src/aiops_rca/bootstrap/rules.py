"""The rules of folding that the settings and a release give."""

from __future__ import annotations

from functools import partial

from aiops_rca.correlate.joined import because
from aiops_rca.correlate.window import link
from aiops_rca.domain.release import Release
from aiops_rca.live.state import Rules
from aiops_rca.settings import Settings


def rules_of(settings: Settings, release: Release) -> Rules:
    """How events become incidents: alerts are linked as `POST /incident` links them."""
    gap_ms = settings.gap_sec * 1000
    graph, max_hop = release.graph, settings.max_hop
    leases = {name: s.lease_sec * 1000 for name, s in settings.sources.items() if s.lease_sec}
    usual = settings.live.lease_sec * 1000
    return Rules(
        link=partial(link, graph=graph, gap_ms=gap_ms, max_hop=max_hop),
        because=partial(because, graph=graph, gap_ms=gap_ms, max_hop=max_hop),
        reach_ms=gap_ms,
        hold_ms=settings.live.hold_sec * 1000,
        lease_of=lambda source: leases.get(source, usual),
    )
