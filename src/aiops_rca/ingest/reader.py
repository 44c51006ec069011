"""A webhook's body to alert events; the one entrance of `ingest` for everybody else.

Never fails over what a sender wrote: what cannot be read comes back as faults, for quarantine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.domain.event import AlertEvent
from aiops_rca.ingest.body import Body, Fault
from aiops_rca.ingest.desk import Desk
from aiops_rca.ingest.generic import Generic, compiled
from aiops_rca.ingest.registry import ADAPTERS, GENERIC, Adapter
from aiops_rca.ingest.signature import verify
from aiops_rca.settings import Settings, Source

__all__ = ["UNKNOWN_SOURCE", "Fault", "Reader", "Reading"]

UNKNOWN_SOURCE = "unknown"
_FAULTS = 1000  # of one body; beyond them the body is kept once instead of alert by alert


class Reading(NamedTuple):
    """What became of one body. *recognised* is False when it is nothing its source could have sent.

    It then has one fault, which holds all of it. So does one with more faults than quarantine has use for.
    """

    events: tuple[AlertEvent, ...]
    faults: tuple[Fault, ...]
    recognised: bool


class Reader:
    """Reads the bodies of every source of *settings*, and of every known sender under its own name.

    *graph_nodes* gives the names of the graph's services, the same object as long as the graph is the same.
    """

    def __init__(self, settings: Settings, graph_nodes: Callable[[], Collection[str]]) -> None:
        self._settings = settings
        self._graph_nodes = graph_nodes
        self._nodes = graph_nodes()
        self._desk = Desk(settings, self._nodes)
        own = {name: _adapter(name, source) for name, source in sorted(settings.sources.items())}
        self._adapters: dict[str, Adapter] = {**ADAPTERS, **own}
        self._most = settings.limits.max_alerts
        self._open = Source()
        self.names = tuple(sorted(self._adapters))
        self.guarded = tuple(
            sorted(name for name, source in settings.sources.items() if source.tokens or source.secrets)
        )

    def known(self, source: str) -> bool:
        """Tell whether there is a `/webhooks/<source>`."""
        return source in self._adapters

    def verify(self, source: str, headers: Mapping[str, str], body: bytes) -> None:
        """Check the credentials *source* asks for, if any; raises RcaError with the code `unauthorized`.

        *headers* have lower-case names.
        """
        asked = self._settings.sources.get(source, self._open)
        adapter = self._adapters.get(source)
        verify(adapter.name if adapter else source, asked, headers, body)

    def read(
        self, source: str | None, body: bytes, headers: Mapping[str, str], received_at: int
    ) -> tuple[str, Reading]:
        """Return the source's name and what *body* holds; without a *source* the body tells it.

        *headers* have lower-case names, *received_at* is epoch milliseconds. Raises RcaError with the code
        `not_found` for a *source* nobody knows, and nothing else.
        """
        if source is not None and not self.known(source):
            raise RcaError("no such source of webhooks", code="not_found", field="source")
        name = source or UNKNOWN_SOURCE
        try:
            if source is None:
                name = self._find(body, headers, received_at)
            return name, self._read(self._adapters[name], Body(name, body, headers, received_at))
        except InputError as error:
            fault = Fault(error.field or "body", error.message, body)
            return name, Reading((), (fault,), recognised=False)

    def _find(self, body: bytes, headers: Mapping[str, str], received_at: int) -> str:
        fault = InputError("no known sender writes such a body", field="body")
        document = None
        try:
            document = Body("", body, headers, received_at).document()
        except InputError as error:  # headers alone may tell: an event of another content type
            fault = error
        for name, adapter in ADAPTERS.items():
            if adapter.recognise(document, headers):
                return name
        raise fault

    def _read(self, adapter: Adapter, body: Body) -> Reading:
        desk = self._current_desk()
        events: list[AlertEvent] = []
        faults: list[Fault] = []
        for number, told in enumerate(adapter.read(body, desk), 1):
            if number > self._most:
                raise InputError(f"more than {self._most} alerts in one body", field="alerts")
            if isinstance(told, AlertEvent):
                events.append(told)
            elif len(faults) <= _FAULTS:
                faults.append(told)
        if len(faults) > _FAULTS:
            faults = [Fault("alerts", f"more than {_FAULTS} alerts of it cannot be read", body.raw)]
        return Reading(tuple(events), tuple(faults), recognised=True)

    def _current_desk(self) -> Desk:
        """The desk for the graph as it is now: another graph maps labels to other services."""
        nodes = self._graph_nodes()
        if nodes is not self._nodes:
            if frozenset(nodes) != frozenset(self._nodes):
                self._desk = Desk(self._settings, nodes)
            self._nodes = nodes
        return self._desk


def _adapter(name: str, source: Source) -> Adapter:
    wanted = source.adapter or (name if name in ADAPTERS else GENERIC.name)
    if wanted not in ADAPTERS:
        raise InputError(
            f"unknown adapter; known are {', '.join(sorted(ADAPTERS))}", field=f"sources.{name}.adapter"
        )
    if wanted == GENERIC.name and source.mapping:
        return Generic(compiled(source.mapping, field=f"sources.{name}.mapping"))
    return ADAPTERS[wanted]
