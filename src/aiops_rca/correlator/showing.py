"""What has been said of each incident, and the records that show it: with words, without, or awaiting them.

Asks nobody and waits for nothing; a narrative is kept until `forget`.
"""

from __future__ import annotations

from dataclasses import replace

from aiops_rca.correlator.carrying import Narrated, basis_of, carried, narrated_in, news
from aiops_rca.correlator.documenting import AWAITED, Documents, Frame
from aiops_rca.domain import diagnosis as methods
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.enrich.asking import LONE, RESOLVED, UNCHANGED
from aiops_rca.enrich.outcome import Outcome
from aiops_rca.live.records import DiagnosisRecord
from aiops_rca.wire.live import DiagnosisOut

_CLOSED = (methods.NO_KEY, methods.FLAG_OFF)  # then no words of a model are shown at all


class Shown:
    """The last narrative of each incident; *growth* is the share of more signals that is worth another."""

    def __init__(self, documents: Documents, growth: float) -> None:
        self._documents, self._growth = documents, growth
        self._told: dict[str, Narrated] = {}

    def resume(self, incident: str, document: DiagnosisOut) -> bool:
        """Go on from the last *document* of *incident*; whether there are words in it."""
        told = narrated_in(document)
        if told is not None:
            self._told[incident] = told
        return told is not None

    def learn(self, outcome: Outcome, diagnosis: Diagnosis, incident: str) -> bool:
        """Remember the narrative of *outcome*, which was written for *diagnosis*; False: it has none."""
        found = outcome.diagnosis
        if found.narrative is None or found.named is None:
            return False
        basis = basis_of(diagnosis)
        self._told[incident] = Narrated(found.narrative, found.named.service, basis, outcome.trouble)
        return True

    def carried(self, diagnosis: Diagnosis, incident: str) -> Diagnosis | None:
        """*diagnosis* with the last narrative of *incident*, where there is one that fits."""
        told = self._told.get(incident)
        return carried(diagnosis, told, self._documents.release) if told else None

    def needless(
        self, diagnosis: Diagnosis, incident: str, kept: Diagnosis | None, *, over: bool = False
    ) -> str | None:
        """Why *diagnosis* needs no new words, a reason of `asking.SKIPS`; None when it does.

        *kept* is what `carried` gave for it, *over* whether its incident is.
        """
        if over:
            return RESOLVED
        if diagnosis.cluster.signals == 1:  # its one signal says it all; most get company
            return LONE
        if kept is None or news(self._told[incident].basis, basis_of(diagnosis), self._growth):
            return None
        return UNCHANGED

    def wordless(self, outcome: Outcome, diagnosis: Diagnosis, frame: Frame) -> DiagnosisRecord:
        """The record of an attempt without a narrative: with the last one, where it fits and may be shown."""
        kept = None if outcome.diagnosis.method in _CLOSED else self.carried(diagnosis, frame.incident)
        return self.record(kept or outcome.diagnosis, frame, outcome.trouble)

    def awaiting(self, diagnosis: Diagnosis, frame: Frame, kept: Diagnosis | None) -> DiagnosisRecord:
        """The record of a diagnosis whose narrative is still to come; *kept* has an earlier one."""
        if kept is not None:
            return self.record(kept, frame, AWAITED)
        return self.record(replace(diagnosis, method=methods.PENDING), frame)

    def record(self, diagnosis: Diagnosis, frame: Frame, trouble: str | None = None) -> DiagnosisRecord:
        """The record of *diagnosis*, with what there is to be said of its narrative and of the attempt."""
        told = self._told.get(frame.incident) if diagnosis.narrative else None
        troubles = (told.warning if told else None, trouble)
        return self._documents.record(diagnosis, frame, [said for said in troubles if said])

    def forget(self, incident: str) -> None:
        """Nothing has been said of *incident*."""
        self._told.pop(incident, None)

    def clear(self) -> None:
        """Nothing has been said at all."""
        self._told.clear()
