"""Whatever is told, asked and restarted, in whatever order: the fold never fails and its sums are right."""

from __future__ import annotations

import os
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from aiops_rca.domain.command import ACK, MAINTENANCE, MERGE, RESOLVE, SNOOZE, SPLIT, Command
from aiops_rca.domain.event import RESTATED, AlertEvent
from aiops_rca.live.records import RESOLVED
from stream import CHAIN, T0, Stream, firing, resolved, rules

EXAMPLES = 20_000 if os.environ.get("RCA_LONG") else 400
KINDS = (ACK, RESOLVE, SNOOZE, MERGE, SPLIT, MAINTENANCE)


class Step(NamedTuple):
    """One thing that happens *pause* seconds after the one before."""

    pause: int
    kind: str  # fire, end, ask or restart
    service: str
    back: int  # how long before its receipt the firing began, seconds
    end: int | None  # seconds after the receipt
    dated: bool
    asked: str
    pick: int


steps = st.lists(
    st.builds(
        Step,
        pause=st.sampled_from([0, 0, 1, 5, 30, 90, 300, 700]),
        kind=st.sampled_from(["fire"] * 11 + ["end"] * 5 + ["ask"] * 3 + ["restart"]),
        service=st.sampled_from(CHAIN),
        back=st.sampled_from([0, 1, 5, 20, 60, 200, 700, -30]),
        end=st.sampled_from([None, 0, -5, 3600]),
        dated=st.booleans(),
        asked=st.sampled_from(KINDS),
        pick=st.integers(0, 5),
    ),
    max_size=25,
)


def event(step: Step, now: int, restated: set[str]) -> AlertEvent:
    """What a sender tells; some restate their starts, some give no times."""
    if step.kind == "fire":
        flags = (RESTATED,) if step.service in restated else ()
        told = firing(step.service, now - step.back, flags=flags)
        return told if step.dated or not flags else told._replace(starts_at=None)
    told = resolved(step.service, now - step.back, None if step.end is None else now + step.end)
    return told._replace(starts_at=None) if step.service in restated else told


def command(step: Step, number: int, now: int, stream: Stream) -> Command | None:
    """What a person asks about one of the incidents there are."""
    found = stream.standing()
    if not found:
        return None
    incident = found[step.pick % len(found)]
    asked = Command(f"c{number}", step.asked, incident.id, by="ada")
    if step.asked == MERGE:
        return asked._replace(into=found[-1].id)
    if step.asked == SPLIT:
        return asked._replace(alert_ids=tuple(sorted(stream.shelf.members(incident.id))[: 1 + step.pick % 2]))
    if step.asked == SNOOZE:
        return asked._replace(until=T0 + (now + 50) * 1000)
    if step.asked == MAINTENANCE:
        until = T0 + (now + 90) * 1000
        return asked._replace(starts_at=T0 + now * 1000, until=until, services=(step.service,))
    return asked


def check(stream: Stream) -> None:
    """Every stored alert is in one incident, and each incident adds up to its alerts."""
    assert all(row.incident in stream.shelf.incidents for row in stream.shelf.alerts.values())
    for record in stream.standing():
        rows = [r for r in stream.shelf.alerts.values() if r.incident == record.id and r.ended != "repeated"]
        if record.live:
            assert (record.alert_count, record.open_alerts) == (len(rows), sum(not r.ended for r in rows))
        assert (record.status == RESOLVED) == all(row.ended for row in rows)
        assert all(row.ends_at is None or row.ends_at >= row.at for row in rows)


@given(
    steps,
    st.sets(st.sampled_from(CHAIN)),
    st.sampled_from([60_000, 600_000]),
    st.sampled_from([100_000, 400_000]),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_sums_are_right_whatever_happens(
    happened: list[Step], restated: set[str], hold_ms: int, lease_ms: int
) -> None:
    """No sequence of events, requests and restarts breaks the fold or its counts."""
    stream, now = Stream(rules(hold_ms=hold_ms, lease_ms=lease_ms)), 100
    for number, step in enumerate(happened):
        now += step.pause
        if step.kind == "restart":
            stream.restart()
        elif step.kind == "ask":
            asked = command(step, number, now, stream)
            if asked is not None:
                stream.ask(asked, at=now)
        else:
            stream.tell(event(step, now, restated), at=now)
        check(stream)
    stream.wait(now + 20 * hold_ms / 1000 + lease_ms / 1000)

    assert stream.state.incidents == {}
    check(stream)
