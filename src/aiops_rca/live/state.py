"""What a fold carries from one journal entry to the next, and the rules it folds by. All of it immutable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from aiops_rca.domain.alert import Alert
from aiops_rca.live.records import AlertRecord, IncidentRecord, Mark, Window

SIGNAL_FIRINGS = 32  # kept per signal: of one that flaps more often within the hold, the older half is let go


class Link(Protocol):
    """Groups alerts that belong together; the alerts come sorted by (ts, id)."""

    def __call__(self, alerts: Sequence[Alert], /) -> Iterable[Sequence[Alert]]:
        """The groups; every alert in exactly one."""
        ...


class Because(Protocol):
    """Says in words why an alert belongs to others."""

    def __call__(self, alert: Alert, others: Mapping[str, Sequence[Alert]], /) -> str:
        """One clause; *others* holds alerts of the same incident by service, sorted by time."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """How events become incidents. Times in milliseconds.

    *link* says which alerts belong together: none further apart in time than *reach_ms*. *hold_ms* is
    how long after its end a signal that fires again reopens its incident, and how late an event may
    come and still count as if it had come in time. *lease_of* gives for a source how long an alert of
    its lives without being told again.
    """

    link: Link
    because: Because
    reach_ms: int
    hold_ms: int
    lease_of: Callable[[str], int]

    @property
    def horizon_ms(self) -> int:
        """How long after its end an incident can still change: a late event about a reopening of it."""
        return 2 * self.hold_ms + self.reach_ms


class Signal(NamedTuple):
    """All that was told of one fingerprint: firings by (starts_at), marks by (at)."""

    firings: tuple[AlertRecord, ...]
    marks: tuple[Mark, ...]


class LiveIncident(NamedTuple):
    """An incident that can still change.

    *onsets* holds the first alert of each signal, by fingerprint: what a diagnosis is made of.
    *outline* holds, by service, alerts that stand for all of it when others are linked to it.
    *last_end* is the latest end of its firings so far, *first_at* and *last_at* bound their starts;
    *touched_at* is when a person last did something to it (0 = never).
    """

    record: IncidentRecord
    onsets: Mapping[str, Alert]
    outline: Mapping[str, tuple[Alert, ...]]
    last_end: int
    first_at: int
    last_at: int
    touched_at: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """The live part of the world after the journal entry *seq*, at *now*.

    Nothing that only the passing of time brings about happens before *look_at*.
    """

    seq: int = 0
    now: int = 0
    look_at: int = 0
    signals: Mapping[str, Signal] = field(default_factory=dict)
    incidents: Mapping[str, LiveIncident] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
