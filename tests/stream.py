"""Journal entries made in memory, and what a fold makes of them: for the tests of `live`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise

from aiops_rca.correlate.joined import because
from aiops_rca.correlate.window import link
from aiops_rca.domain.alert import Alert, Severity
from aiops_rca.domain.command import Command
from aiops_rca.domain.event import AlertEvent
from aiops_rca.domain.fingerprint import fingerprint
from aiops_rca.domain.graph import Edge, Node, ServiceGraph
from aiops_rca.live.entry import ALERTS, COMMAND, Entry, encode_command, encode_events
from aiops_rca.live.fold import fold, restore, unsure
from aiops_rca.live.records import AlertRecord, Changes, IncidentRecord, Mark, Stored, Window
from aiops_rca.live.state import Rules, State

GAP_MS = 120_000
HOLD_MS = 600_000
LEASE_MS = 14_400_000
T0 = 1_780_000_000_000
CHAIN = ("a", "b", "c", "d", "e", "f", "g", "h")


def chain() -> ServiceGraph:
    """Make a graph in which a calls b, b calls c, and so on to h."""
    nodes = {name: Node(name) for name in CHAIN}
    return ServiceGraph("chain", "test", nodes, tuple(Edge(x, y) for x, y in pairwise(CHAIN)))


def rules(
    graph: ServiceGraph | None = None, *, max_hop: int = 2, hold_ms: int = HOLD_MS, lease_ms: int = LEASE_MS
) -> Rules:
    """The window rule on *graph* (default: the chain)."""
    graph = graph or chain()

    def near(alerts: Sequence[Alert]) -> Iterable[Sequence[Alert]]:
        return link(alerts, graph, gap_ms=GAP_MS, max_hop=max_hop)

    return Rules(
        link=near,
        because=partial(because, graph=graph, gap_ms=GAP_MS, max_hop=max_hop),
        reach_ms=GAP_MS,
        hold_ms=hold_ms,
        lease_of=lambda _source: lease_ms,
    )


def firing(
    service: str,
    at: float,
    *,
    metric: str = "latency",
    flags: tuple[str, ...] = (),
    source: str = "alertmanager",
    severity: Severity = Severity.ERROR,
    value: float | None = None,
) -> AlertEvent:
    """*metric* of *service* fires, *at* seconds after T0."""
    start = T0 + round(at * 1000)
    return AlertEvent(
        source,
        fingerprint(service, metric, {}),
        service,
        metric,
        severity,
        False,  # noqa: FBT003 - a column
        start,
        None,
        value,
        None,
        {},
        flags,
        "",
        "",
    )


def resolved(service: str, at: float, end: float | None, *, metric: str = "latency") -> AlertEvent:
    """*metric* of *service*, firing since *at*, ended at *end* seconds after T0."""
    return firing(service, at, metric=metric)._replace(
        resolved=True, ends_at=None if end is None else T0 + round(end * 1000)
    )


class Shelf:
    """Where changes are kept between folds, as a database would keep them."""

    def __init__(self) -> None:
        self.seq = 0
        self.alerts: dict[str, AlertRecord] = {}
        self.incidents: dict[str, IncidentRecord] = {}
        self.marks: dict[tuple[str, int, int | None], Mark] = {}
        self.windows: dict[str, Window] = {}

    def take(self, changes: Changes, seq: int) -> None:
        """Store *changes*; a merged incident's alerts move, those of one put away are no longer loaded."""
        self.seq = seq
        self.alerts.update((row.id, row) for row in changes.alerts)
        self.incidents.update((record.id, record) for record in changes.incidents)
        for record in changes.incidents:
            into = record.id
            while (next_ := self.incidents[into].merged_into) is not None:
                into = next_
            for row in [row for row in self.alerts.values() if row.incident == record.id]:
                if into != record.id:
                    self.alerts[row.id] = row._replace(incident=into)
                elif not record.live:
                    self.alerts[row.id] = row._replace(live=False)
        self.marks.update(((m.fingerprint, m.at, m.starts_at), m) for m in changes.marks)
        for mark in changes.marks_dropped:
            self.marks.pop((mark.fingerprint, mark.at, mark.starts_at), None)
        self.windows.update((window.id, window) for window in changes.windows)
        for id in changes.windows_dropped:
            del self.windows[id]

    def stored(self) -> Stored:
        """What a restart loads."""
        return Stored(
            self.seq,
            tuple(row for row in self.alerts.values() if row.live),
            tuple(record for record in self.incidents.values() if record.live),
            tuple(self.marks.values()),
            tuple(self.windows.values()),
        )

    def members(self, incident: str) -> frozenset[str]:
        """The ids of the alerts of *incident*, repetitions left out."""
        rows = self.alerts.values()
        return frozenset(row.id for row in rows if row.incident == incident and row.ended != "repeated")


class Stream:
    """A journal in memory with its fold, entry by entry."""

    def __init__(self, rules_: Rules | None = None) -> None:
        self.rules = rules_ or rules()
        self.state = State()
        self.entries: list[Entry] = []
        self.all: list[Changes] = []
        self.shelf = Shelf()

    def tell(self, *events: AlertEvent, at: float) -> Changes:
        """One body of *events* received *at* seconds after T0."""
        return self._add(ALERTS, encode_events(events), at)

    def ask(self, command: Command, *, at: float) -> Changes:
        """One command received *at* seconds after T0."""
        return self._add(COMMAND, encode_command(command), at)

    def wait(self, until: float) -> Changes:
        """Nothing happens until *until* seconds after T0."""
        return self._fold([], until)

    def tell_all(self, bodies: Sequence[tuple[float, Sequence[AlertEvent]]]) -> Changes:
        """Several bodies, each received at its time, folded in one go."""
        first = len(self.entries)
        for at, events in bodies:
            received_at = T0 + round(at * 1000)
            payload = encode_events(events)
            self.entries.append(Entry(len(self.entries) + 1, received_at, ALERTS, "alertmanager", payload))
        return self._fold(self.entries[first:], bodies[-1][0])

    def _add(self, kind: str, payload: bytes, at: float) -> Changes:
        entry = Entry(len(self.entries) + 1, T0 + round(at * 1000), kind, "alertmanager", payload)
        self.entries.append(entry)
        return self._fold([entry], at)

    def _fold(self, entries: Sequence[Entry], at: float) -> Changes:
        now = T0 + round(at * 1000)
        known = unsure(self.state, entries, self.rules) & self.shelf.alerts.keys()
        self.state, changes = fold(self.state, entries, self.rules, now=now, known=known)
        self.all.append(changes)
        self.shelf.take(changes, self.state.seq)
        return changes

    def restart(self) -> None:
        """Forget everything but what was stored."""
        self.state = restore(self.shelf.stored(), self.rules)

    def standing(self) -> list[IncidentRecord]:
        """Every incident that was not merged, by opening."""
        kept = [record for record in self.shelf.incidents.values() if record.merged_into is None]
        return sorted(kept, key=lambda record: (record.opened_at, record.id))
