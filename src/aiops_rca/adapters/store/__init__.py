"""The journal and the incidents in a database: SQLite beside the service, or PostgreSQL.

    sender -> Committer -> Journal -> (the correlator folds) -> IncidentStore -> pages, Outbox -> receivers

The journal is the truth; the incidents can be folded from it again.
"""

from __future__ import annotations

from aiops_rca.adapters.store.committer import Committer
from aiops_rca.adapters.store.engine import Places, open_engine, places
from aiops_rca.adapters.store.incidents import IncidentStore
from aiops_rca.adapters.store.journal import Journal
from aiops_rca.adapters.store.migrating import migrate
from aiops_rca.adapters.store.outbox import Outbox
from aiops_rca.adapters.store.reading import IncidentReader
from aiops_rca.adapters.store.switches import Switches

__all__ = [
    "Committer",
    "IncidentReader",
    "IncidentStore",
    "Journal",
    "Outbox",
    "Places",
    "Switches",
    "migrate",
    "open_engine",
    "places",
]
