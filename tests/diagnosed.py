"""A stream that is diagnosed, and put into words, as the correlator does it; nothing is on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from aiops_rca.adapters.files import load_ranker
from aiops_rca.correlator.calling import Closing, nothing_to_close
from aiops_rca.correlator.diagnosing import Diagnosing, Made
from aiops_rca.correlator.documenting import Documents
from aiops_rca.correlator.jobs import Narrator, Timing
from aiops_rca.correlator.narrating import Narrating
from aiops_rca.domain.command import Command
from aiops_rca.domain.event import AlertEvent
from aiops_rca.domain.release import RunbookEntry
from aiops_rca.live.records import AlertRecord, Changes, DiagnosisRecord
from aiops_rca.wire.live import DiagnosisOut
from builders import release
from narrators import Teller, eventually
from stream import T0, Stream, chain

RANKER = load_ranker(Path(__file__).parents[1] / "configs" / "ranker.yaml")
RUNBOOK = (RunbookEntry("*", "*", "Look at {service}", "low"),)
SETTLE, QUIET = 5.0, 60.0  # seconds
DOUBLED = 1.0  # so many more signals are worth new words, as shipped
VERSIONS = {"graph": "chain"}


class Line:
    """A stream with its diagnoses. Each look at the clock takes *tick* seconds.

    With a *teller*, or another *narrator*, they are put into words, *at_once* at a time. *all* are the
    records as they were made, *kept* the last one of each number, as a database has them.
    """

    def __init__(
        self,
        tick: float = 0.0,
        teller: Teller | None = None,
        *,
        at_once: int = 4,
        narrator: Narrator | None = None,
        closing: Closing = nothing_to_close,
        versions: Mapping[str, str] = VERSIONS,
    ) -> None:
        self.stream = Stream()
        self._versions = versions
        self.teller, self._at_once = teller, at_once
        self._narrator, self._closing = narrator or teller, closing
        self._tick, self._time = tick, 0.0
        self._release = release(
            chain(), weights=RANKER.weights, temperature=RANKER.temperature, entries=RUNBOOK
        )
        self.narrating = self._narrating()
        self.diagnosing = self._diagnosing()
        self.all: list[DiagnosisRecord] = []
        self.kept: dict[tuple[str, int], DiagnosisRecord] = {}

    def tell(self, *events: AlertEvent, at: float, seconds: float = 10.0) -> Made:
        """One body, folded and diagnosed."""
        return self._after(self.stream.tell(*events, at=at), at, seconds)

    def ask(self, command: Command, *, at: float) -> Made:
        """One command, folded and diagnosed."""
        return self._after(self.stream.ask(command, at=at), at, 10.0)

    def wait(self, at: float, seconds: float = 10.0) -> Made:
        """Nothing but time."""
        return self._after(self.stream.wait(at), at, seconds)

    def begun(self, at: float, calls: int) -> Made:
        """Nothing but time, by which the narrator has been asked so many times in all."""
        made = self.wait(at)
        assert self.teller is not None
        assert self.narrating is not None
        assert self.narrating._calls, "nobody is being asked"
        asked = self.teller.asked
        eventually(lambda: len(asked) >= calls)
        return made

    def worded(self, at: float) -> Made:
        """What is made of an answer that was given, once it is there."""
        assert self.narrating is not None
        calls = self.narrating._calls
        assert calls, "nobody is being asked"
        eventually(lambda: any(call.future.done() for call in calls.values()))
        return self.wait(at)

    def shown(self, incident: str | None = None) -> list[DiagnosisOut]:
        """The documents of *incident*, or of all, as they stand, by incident and number."""
        kept = sorted(self.kept.items())
        return [document(record) for (of, _), record in kept if incident in (None, of)]

    def restart(self) -> None:
        """Go on from what is stored, as another process would."""
        self.close()
        self.stream.restart()
        self.narrating = self._narrating()
        self.diagnosing = self._diagnosing()
        last = {record.incident: record for _, record in sorted(self.kept.items())}
        self.diagnosing.resume(self.stream.shelf.stored()._replace(diagnosed=last))

    def close(self) -> None:
        """End what runs beside."""
        self.diagnosing.close()

    def _narrating(self) -> Narrating | None:
        if self._narrator is None:
            return None
        timing = Timing(round(1000 * SETTLE), round(1000 * QUIET), DOUBLED, self._at_once)
        documents = Documents(self._release, self._versions)
        return Narrating(self._narrator, documents, timing, closing=self._closing)

    def _diagnosing(self) -> Diagnosing:
        return Diagnosing(
            self._release,
            self._versions,
            growth=0.25,
            kept_alerts=self._kept,
            clock=self._clock,
            narrating=self.narrating,
        )

    def _clock(self) -> float:
        self._time += self._tick
        return self._time

    def _kept(self, incident: str, limit: int) -> Iterable[AlertRecord]:
        rows = self.stream.shelf.alerts.values()
        return [row for row in rows if row.incident == incident][:limit]

    def _after(self, changes: Changes, at: float, seconds: float) -> Made:
        self.diagnosing.note(changes)
        made = self.diagnosing.make(self.stream.state, now=T0 + round(at * 1000), seconds=seconds)
        self.diagnosing.stored(changes)
        self.all += made.diagnoses
        self.kept.update(((record.incident, record.number), record) for record in made.diagnoses)
        return made


def document(record: DiagnosisRecord) -> DiagnosisOut:
    """The document of *record*."""
    return msgspec.json.decode(record.document, type=DiagnosisOut)
