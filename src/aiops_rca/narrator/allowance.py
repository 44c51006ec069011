"""Whether a language model may be asked right now, and how far the system's own confidence can be trusted.

The properties never block: they tell what was seen last, and before anything was seen, no. `look` and `save`
wait for the database, so they belong into a thread. A database out of reach leaves everything as it was.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import Protocol

from aiops_rca.domain.errors import RcaError
from aiops_rca.domain.record import NO_RECORD, TrackRecord
from aiops_rca.domain.switch import NO_SWITCH, Switch
from aiops_rca.enrich.redact import redact

SWITCH = "llm"  # its name in the database
LOOK_SEC = 2.0  # how late a process may hear what was switched in another one
_NOT_YET = "it is still being saved"

log = logging.getLogger("aiops_rca.llm")


class Source(Protocol):
    """Where both are kept; see `adapters.store.switches.Switches`. Raises RcaError when it cannot."""

    def switch(self, name: str) -> Switch:
        """As it was turned last; `NO_SWITCH` when nobody ever did."""
        ...

    def set_switch(self, name: str, switch: Switch) -> Switch:
        """Keep *switch*; as it was kept: later than whatever was there."""
        ...

    def track_record(self, confidence: float) -> TrackRecord:
        """How often diagnoses of at least *confidence* were right, as far as people have said so."""
        ...


class Allowance:
    """The switch over its *setting*, and the record of diagnoses of *confident_from* and more."""

    def __init__(self, setting: bool, source: Source, *, confident_from: float) -> None:  # noqa: FBT001 - a setting
        self.setting = setting
        self._source, self._confident_from = source, confident_from
        self._switch, self._record = NO_SWITCH, NO_RECORD
        self._unsaved: str | None = None
        self._seen = False
        self._missed = False
        self._lock = Lock()

    @property
    def enabled(self) -> bool:
        """Whether the model may be asked. Not before it is known that nobody has switched it off."""
        said = self._switch.enabled
        return (self.setting and self._seen) if said is None else said

    @property
    def seen(self) -> bool:
        """Whether it is known how the switch was left."""
        return self._seen

    @property
    def switch(self) -> Switch:
        """As it was turned last, as far as this process has heard."""
        return self._switch

    @property
    def record(self) -> TrackRecord:
        """How often confident diagnoses were right."""
        return self._record

    @property
    def unsaved(self) -> str | None:
        """Why other processes have not heard of the switch, nor this one after its end; None: they have."""
        return self._unsaved

    def look(self) -> None:
        """See what other processes have switched and people have said; save what could not be saved before.

        Blocks. When the database cannot be used, what was known stays; that is logged once.
        """
        try:
            switch = self._source.switch(SWITCH)
            record = self._source.track_record(self._confident_from)
        except RcaError as error:
            self._miss(error)
            return
        self._missed = False
        self._record = record
        with self._lock:
            self._seen = True
            if switch.at > self._switch.at:
                self._switch, self._unsaved = switch, None
        self.save()

    def look_again(self) -> None:
        """As `look`, for loops that must not end: what nobody has foreseen is logged, not raised."""
        try:
            self.look()
        except Exception:
            log.exception("looking at the switch failed")

    def put(self, *, enabled: bool | None, at: int, by: str = "") -> None:
        """Turn the switch in this process, at once; None gives back to the setting. *at* is now."""
        with self._lock:
            self._switch = Switch(enabled, max(at, self._switch.at + 1), by)
            self._seen, self._unsaved = True, _NOT_YET
        log.info("switched", extra={"event": {"enabled": self.enabled, "by": redact(by)}})

    def save(self) -> None:
        """Tell the other processes what was put here, if it was not yet told. Blocks."""
        with self._lock:
            switch, unsaved = self._switch, self._unsaved
        if unsaved is None:
            return
        try:
            kept, trouble = self._source.set_switch(SWITCH, switch), None
        except RcaError as error:
            kept, trouble = switch, error.message
        with self._lock:
            if self._switch is switch:
                self._switch, self._unsaved = kept, trouble

    def _miss(self, error: RcaError) -> None:
        if not self._missed:
            log.warning("the switch cannot be read", extra={"event": {"reason": error.message}})
        self._missed = True
