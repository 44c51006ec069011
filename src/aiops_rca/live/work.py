"""The state while a fold works on it: copies it may write to, and what it has to tell in the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from aiops_rca.live.draft import Draft
from aiops_rca.live.records import (
    AlertRecord,
    Changes,
    Feedback,
    Happening,
    IncidentRecord,
    Mark,
    Notice,
    Unmapped,
    Window,
)
from aiops_rca.live.signals import NOTHING_TOLD
from aiops_rca.live.state import LiveIncident, Rules, Signal, State

_order = attrgetter("order")


class Work:
    """A fold in progress. The state it began with stays as it was: values are replaced, never changed."""

    def __init__(self, state: State, rules: Rules) -> None:
        self.rules = rules
        self.seq, self.now, self.look_at = state.seq, state.now, state.look_at
        self.signals: dict[str, Signal] = dict(state.signals)
        self.incidents: dict[str, LiveIncident] = dict(state.incidents)
        self.windows: dict[str, Window] = dict(state.windows)
        self.before: dict[str, Signal] = {}  # of every signal told of since the last settling
        self.told: dict[str, int] = {}  # events since then, by fingerprint
        self.drafts: dict[str, Draft] = {}
        self.rows: dict[str, AlertRecord] = {}
        self.records: dict[str, IncidentRecord] = {}
        self.marks: dict[tuple[str, int, int | None], Mark] = {}
        self.marks_dropped: dict[tuple[str, int, int | None], Mark] = {}
        self.new_windows: dict[str, Window] = {}
        self.windows_dropped: list[str] = []
        self.happenings: list[Happening] = []
        self.feedback: list[Feedback] = []
        self.notices: list[Notice] = []
        self.unmapped: dict[tuple[str, str], Unmapped] = {}
        self.events = self.repeated = 0

    def replace_signal(self, fingerprint: str, signal: Signal) -> None:
        """Put *signal* in place of what is known of *fingerprint*, and remember what that was."""
        self.before.setdefault(fingerprint, self.signals.get(fingerprint, NOTHING_TOLD))
        self.signals[fingerprint] = signal

    def draft(self, id: str) -> Draft:
        """The working copy of the live incident *id*."""
        draft = self.drafts.get(id)
        if draft is None:
            incident = self.incidents[id]
            draft = Draft(incident, id, incident.record.order, self.rules.reach_ms)
            self.drafts[id] = draft
        return draft

    def open(self, founder: AlertRecord) -> Draft:
        """The working copy of a new incident, named after the firing that came first."""
        id = f"inc-{founder.id}"
        while id in self.incidents or id in self.drafts:
            id += "-2"  # only after its founder was taken out of it by hand
        draft = self.drafts[id] = Draft(None, id, founder.order, self.rules.reach_ms)
        return draft

    def firings_of(self, id: str) -> list[AlertRecord]:
        """All firings of incident *id* that are known one by one, in order of first arrival."""
        draft, incident = self.drafts.get(id), self.incidents.get(id)
        known = draft or incident
        return sorted(self._members(known.onsets, id), key=_order) if known else []

    def _members(self, fingerprints: Iterable[str], id: str) -> Iterator[AlertRecord]:
        for fingerprint in fingerprints:
            for firing in self.signals.get(fingerprint, NOTHING_TOLD).firings:
                if firing.incident == id:
                    yield firing

    def put(self, firing: AlertRecord, *, stored: bool = True) -> None:
        """Put *firing* in the place of the one with its id; *stored* says whether its row changes too."""
        firings, marks = self.signals[firing.fingerprint]
        at = len(firings) - 1
        while firings[at].id != firing.id:
            at -= 1
        self.signals[firing.fingerprint] = Signal((*firings[:at], firing, *firings[at + 1 :]), marks)
        if stored or firing.id in self.rows:
            self.rows[firing.id] = firing

    def drop(self, fingerprint: str, gone: Sequence[AlertRecord]) -> None:
        """Know the firings *gone* no more. The row of one that a diagnosis rests on stays to be loaded."""
        signal, ids = self.signals[fingerprint], {firing.id for firing in gone}
        left = tuple(firing for firing in signal.firings if firing.id not in ids)
        if left or signal.marks:
            self.signals[fingerprint] = signal._replace(firings=left)
        else:
            del self.signals[fingerprint]
        for firing in gone:
            incident = self.incidents.get(firing.incident)
            onset = incident.onsets.get(fingerprint) if incident else None
            if onset is None or onset.id != firing.id:
                self.rows[firing.id] = firing._replace(live=False)

    def drop_mark(self, mark: Mark) -> None:
        """Let nothing be stored of *mark* any more."""
        key = (mark.fingerprint, mark.at, mark.starts_at)
        if self.marks.pop(key, None) is None:
            self.marks_dropped[key] = mark

    def happened(self, id: str, at: int, kind: str, text: str, *, by: str = "", alert_id: str = "") -> None:
        """Add a line to the timeline of incident *id*."""
        self.happenings.append(Happening(id, at, kind, text, by, alert_id))

    def state(self) -> State:
        """The state as it is now."""
        return State(self.seq, self.now, self.look_at, self.signals, self.incidents, self.windows)

    def changes(self) -> Changes:
        """Everything there is to store."""
        return Changes(
            alerts=tuple(self.rows.values()),
            incidents=tuple(self.records.values()),
            marks=tuple(self.marks.values()),
            marks_dropped=tuple(self.marks_dropped.values()),
            windows=tuple(self.new_windows.values()),
            windows_dropped=tuple(self.windows_dropped),
            happenings=tuple(self.happenings),
            feedback=tuple(self.feedback),
            unmapped=tuple(self.unmapped.values()),
            notices=tuple(self.notices),
            events=self.events,
            repeated=self.repeated,
        )
