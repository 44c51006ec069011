"""The correlator process, put together: journal, store, rules, diagnosing and notifications."""

from __future__ import annotations

import gc
import logging
import threading
import time
from pathlib import Path

from aiops_rca.adapters import artifacts, log, processes
from aiops_rca.adapters.notify import targets
from aiops_rca.adapters.store import IncidentStore, Journal, Outbox
from aiops_rca.bootstrap.clock import now_ms
from aiops_rca.bootstrap.places import Databases
from aiops_rca.bootstrap.releases import required, warm_up
from aiops_rca.bootstrap.rules import rules_of
from aiops_rca.correlator.diagnosing import Diagnosing
from aiops_rca.correlator.loop import Correlator, Terms
from aiops_rca.correlator.notifying import Notifier
from aiops_rca.domain.errors import RcaError
from aiops_rca.settings import Settings, load_settings

_DAY_MS = 86_400_000
_RETRY_SEC = 1.0

logger = logging.getLogger("aiops_rca.correlator")


def correlate_forever(root: Path, stop: threading.Event) -> None:
    """Be the correlator of the project in *root* until *stop* is set.

    Raises InputError for bad settings and ArtifactError when there is nothing to diagnose with; a
    database out of reach is waited for.
    """
    settings = load_settings(root / "configs" / "aiops_rca.yaml")
    log.set_up(settings.log.level)
    bento_tag = artifacts.bento_tag(root)
    artifacts.load_as_packed(root)
    databases = Databases(root, settings, packed=bento_tag is not None)
    correlator = _assembled(root, settings, bento_tag, databases)
    if _prepared(databases, stop):
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        correlator.run(stop)
    databases.close()


def _assembled(root: Path, settings: Settings, bento_tag: str | None, databases: Databases) -> Correlator:
    release, versions = required(root, settings, bento_tag)
    warm_up(release)
    receivers = targets(settings.notify)
    store = IncidentStore(databases.incidents)
    outbox = Outbox(databases.incidents)
    notifier = Notifier(outbox, store.incident, receivers, settings.notify, now=now_ms) if receivers else None
    diagnosing = Diagnosing(
        release,
        versions,
        growth=settings.live.rediagnose_growth,
        kept_alerts=lambda incident, limit: store.alerts(incident, limit=limit),
        clock=time.perf_counter,
    )
    terms = Terms(
        holder=processes.own_name(),
        is_dead=processes.is_dead,
        poll_ms=settings.live.poll_ms,
        keep_ms=settings.live.keep_days * _DAY_MS,
        targets=len(receivers),
        settle_ms=round(settings.notify.settle_sec * 1000),
        occasions=frozenset(settings.notify.occasions),
    )
    rules = rules_of(settings, release)
    journal = Journal(databases.journal)
    return Correlator(journal, store, rules, diagnosing, terms, now=now_ms, beside=notifier)


def _prepared(databases: Databases, stop: threading.Event) -> bool:
    """Wait until the databases can be used; False when told to stop before."""
    while not stop.is_set():
        try:
            databases.prepare()
        except RcaError as error:
            logger.warning("waiting for the database", extra={"event": {"reason": error.message}})
            stop.wait(_RETRY_SEC)
        else:
            return True
    return False
