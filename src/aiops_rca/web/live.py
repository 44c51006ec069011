"""All pages that rest on the databases in one place: what they need, and the routes they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI

from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.web.admin import AdminPages
from aiops_rca.web.asking import Incidents, Shelf
from aiops_rca.web.browse import IncidentPages
from aiops_rca.web.commands import CommandPages, Desk
from aiops_rca.web.ledger import LedgerPages, MaintenancePages
from aiops_rca.web.pulse import Pulse
from aiops_rca.web.stream import StreamPages, Streams
from aiops_rca.web.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class LivePages:
    """What those pages rest on. *graph* gives the service graph in service, None without one."""

    incidents: Incidents
    shelf: Shelf
    webhooks: Webhooks
    desk: Desk
    streams: Streams
    pulse: Pulse
    graph: Callable[[], ServiceGraph | None]
    admin: AdminPages

    def add_to(self, app: FastAPI) -> None:
        """Add every route."""
        IncidentPages(self.incidents, self.graph).add_to(app)
        CommandPages(self.desk, self.incidents).add_to(app)
        MaintenancePages(self.desk, self.incidents, self.graph).add_to(app)
        LedgerPages(self.incidents, self.shelf, self.webhooks, self.desk).add_to(app)
        StreamPages(self.streams).add_to(app)
        self.admin.add_to(app)
