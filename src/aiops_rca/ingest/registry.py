"""Every sender the project knows: a new one is one module and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from aiops_rca.domain.event import AlertEvent
from aiops_rca.ingest.alertmanager import Alertmanager
from aiops_rca.ingest.body import Body, Fault
from aiops_rca.ingest.cloudevents import CloudEvents
from aiops_rca.ingest.datadog import Datadog
from aiops_rca.ingest.desk import Desk
from aiops_rca.ingest.generic import Generic
from aiops_rca.ingest.grafana import Grafana
from aiops_rca.ingest.pagerduty import PagerDuty


class Adapter(Protocol):
    """One kind of sender. Adapters hold no state, so one of each serves every thread."""

    name: str

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:
        """Tell whether *document* (parsed JSON) comes from this sender; never raises."""

    def read(self, body: Body, desk: Desk) -> Iterable[AlertEvent | Fault]:
        """The alerts of *body*; raises InputError when the body as a whole is not of this sender."""


GENERIC = Generic()
# In the order in which a body without a source is shown to them: the most telling first.
_SENDERS: tuple[Adapter, ...] = (
    Grafana(),
    Alertmanager(),
    PagerDuty(),
    Datadog(),
)
_ALL = (CloudEvents(_SENDERS), *_SENDERS, GENERIC)
ADAPTERS: Mapping[str, Adapter] = {adapter.name: adapter for adapter in _ALL}
