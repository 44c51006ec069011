"""The correlator process, put together: journal, store, rules, diagnosing, narratives and notifications."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import REGISTRY, start_http_server, values

from aiops_rca.adapters import artifacts, log, processes
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.adapters.notify import targets
from aiops_rca.adapters.store import IncidentStore, Journal, Outbox, Switches
from aiops_rca.bootstrap.clock import now_ms
from aiops_rca.bootstrap.narration import Narration
from aiops_rca.bootstrap.places import Databases
from aiops_rca.bootstrap.releases import required, warm_up
from aiops_rca.bootstrap.rules import rules_of
from aiops_rca.correlator.diagnosing import Diagnosing
from aiops_rca.correlator.documenting import Documents
from aiops_rca.correlator.jobs import Timing
from aiops_rca.correlator.loop import Correlator, Terms
from aiops_rca.correlator.narrating import Narrating
from aiops_rca.correlator.notifying import Notifier
from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.narrator.allowance import LOOK_SEC, Allowance
from aiops_rca.settings import Settings, load_settings

_DAY_MS = 86_400_000
_RETRY_SEC = 1.0

logger = logging.getLogger("aiops_rca.correlator")


def correlate_forever(root: Path, stop: threading.Event, *, beside: bool) -> None:
    """Be the correlator of the project in *root* until *stop* is set.

    *beside* the service, its metrics are shown by the service. Raises InputError for bad settings and
    ArtifactError when there is nothing to diagnose with; a database out of reach is waited for.
    """
    settings = load_settings(root / "configs" / "aiops_rca.yaml")
    log.set_up(settings.log.level)
    bento_tag = artifacts.bento_tag(root)
    artifacts.load_as_packed(root)
    if beside:
        count_on()
    databases = Databases(root, settings, packed=bento_tag is not None)
    switches = Switches(databases.incidents)
    allowance = Allowance(settings.use_llm, switches, confident_from=settings.llm.skip_from)
    correlator = _assembled(root, settings, bento_tag, databases, allowance)
    if not beside:
        show_metrics(settings)
    if _prepared(databases, stop):
        allowance.look_again()
        threading.Thread(target=_keep_looking, args=(allowance, stop), name="switch", daemon=True).start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        correlator.run(stop)
    databases.close()


def count_on() -> None:
    """Go on with the counts of the last correlator beside the same worker, in its files.

    Else each new one would leave more files, all read at each scrape, none to be removed without its counts.
    Called before there are metrics. A worker has one correlator at a time, so nobody else writes them.
    """
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        name = f"correlator-{os.getppid()}"  # once and for all: another one when the worker has died
        values.ValueClass = values.MultiProcessValue(lambda: name)  # type: ignore[no-untyped-call]


def show_metrics(settings: Settings) -> WSGIServer | None:
    """Show the metrics of this process where the settings say; raises InputError where that cannot be."""
    port = settings.live.metrics_port
    if port is None:
        return None
    try:
        return start_http_server(port, addr=settings.server.host, registry=REGISTRY)[0]
    except OSError as error:
        raise InputError(f"cannot listen there: {error.strerror}", field="live.metrics_port") from error


def _assembled(
    root: Path, settings: Settings, bento_tag: str | None, databases: Databases, allowance: Allowance
) -> Correlator:
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
        narrating=_narrating(settings, Documents(release, versions), allowance),
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


def _narrating(settings: Settings, documents: Documents, allowance: Allowance) -> Narrating:
    llm = settings.llm
    narration = Narration(llm, allowance, LlmMetrics(REGISTRY, "correlator"))
    timing = Timing(
        settle_ms=round(1000 * llm.settle_sec),
        quiet_ms=round(1000 * llm.quiet_sec),
        growth=llm.growth,
        at_once=llm.max_in_flight,
    )
    return Narrating(narration.narrator, documents, timing, closing=narration.close)


def _keep_looking(allowance: Allowance, stop: threading.Event) -> None:
    while not stop.wait(LOOK_SEC):
        allowance.look_again()


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
