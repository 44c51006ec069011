"""The figures of the stream: webhooks, journal, incidents, notifications; on the registry of `Metrics`.

`source` is the name of a source in the settings or `unknown`: the label set cannot grow. Gauges are what
the last look at journal and store said; `Vitals` says what is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aiops_rca.live.rows import Lag, QuarantineCount, Standing

UNKNOWN = "unknown"
OUTCOMES = ("accepted", "duplicate", "quarantined")
_STATUSES = (200, 202, 401, 404, 408, 413, 415, 422, 499, 500, 503)
_TOO_LARGE = 413
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ALERTS = (1, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000)


class Vitals(Protocol):
    """One look at journal and store at *now* (epoch milliseconds); what could not be read is None."""

    @property
    def now(self) -> int:
        """When."""
        ...

    @property
    def standing(self) -> Standing | None:
        """The correlator's figures."""
        ...

    @property
    def lag(self) -> Lag | None:
        """What is still to be folded."""
        ...

    @property
    def quarantine(self) -> QuarantineCount | None:
        """What could not be read."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why nothing is folded; None where something is, or may be."""
        ...


class LiveMetrics:
    """One instance per process.

    *sources* are the names a `source` label may have, *urls* is the number of notification URLs.
    """

    def __init__(self, registry: CollectorRegistry, sources: Iterable[str], *, urls: int = 0) -> None:
        self._sources = {*sources, UNKNOWN}
        self._urls = urls
        self._count_webhooks(registry)
        self._count_journal(registry)
        self._show_incidents(registry)

    def webhook(self, source: str, status: int, seconds: float) -> None:
        """Count one finished webhook request; one whose caller vanished counts as 499."""
        known = status if status in _STATUSES else 499 if status == 0 else 500
        self.requests.labels(self._label(source), str(known)).inc()
        self.seconds.observe(seconds)
        if status == _TOO_LARGE:
            self.too_large.inc()

    def kept(self, source: str, accepted: int, duplicates: int, quarantined: int) -> None:
        """Count what became of the alerts of one body."""
        label = self._label(source)
        for outcome, number in zip(OUTCOMES, (accepted, duplicates, quarantined), strict=True):
            if number:
                self.alerts.labels(label, outcome).inc(number)

    def committed(self, seconds: float, alerts: int) -> None:
        """Record one commit of the journal."""
        self.commit_seconds.observe(seconds)
        self.commit_alerts.observe(alerts)

    def streaming(self, listeners: int) -> None:
        """Set how many listen to `/stream`."""
        self.streams.set(listeners)

    def record(self, vitals: Vitals) -> None:
        """Set the gauges to what one look found; what it could not read keeps its last figure."""
        if vitals.standing is not None:
            self.correlator_up.set(0 if vitals.trouble else 1)
            self._stand(vitals.standing, vitals.now)
        if vitals.lag is not None:
            oldest = vitals.lag.oldest_received_at
            self.lag_alerts.set(vitals.lag.alerts)
            self.lag_seconds.set(0 if oldest is None else max(vitals.now - oldest, 0) / 1000)
        if vitals.quarantine is not None:
            self.quarantine.set(vitals.quarantine.entries)
            self.not_folded.set(vitals.quarantine.not_folded)

    def _stand(self, standing: Standing, now: int) -> None:
        for status in ("open", "acknowledged", "suppressed"):
            self.open.labels(status).set(getattr(standing, status))
        opened = standing.oldest_open_at
        self.oldest.set(0 if opened is None else max(now - opened, 0) / 1000)
        self.folded.set(standing.events)
        self.repeated.set(standing.repeated)
        for state in ("waiting", "sent", "failed"):
            self.notifications.labels(state).set(getattr(standing, f"outbox_{state}"))
        for url in range(self._urls):
            self.retrying.labels(str(url)).set(standing.outbox_retrying.get(url, 0))

    def _label(self, source: str) -> str:
        return source if source in self._sources else UNKNOWN

    def _count_webhooks(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "aiops_webhook_requests", "Webhook requests", ["source", "status"], registry=registry
        )
        self.alerts = Counter(
            "aiops_webhook_alerts", "Alerts told by webhooks", ["source", "outcome"], registry=registry
        )
        self.seconds = Histogram(
            "aiops_webhook_seconds",
            "Time from the first byte of a webhook to its answer, the commit included",
            buckets=_SECONDS,
            registry=registry,
        )
        self.too_large = Counter(
            "aiops_webhook_too_large", "Webhooks refused because of their size", registry=registry
        )
        for source in sorted(self._sources):
            for outcome in OUTCOMES:
                self.alerts.labels(source, outcome)

    def _count_journal(self, registry: CollectorRegistry) -> None:
        self.commit_seconds = Histogram(
            "aiops_journal_commit_seconds", "Time of one commit", buckets=_SECONDS, registry=registry
        )
        self.commit_alerts = Histogram(
            "aiops_journal_commit_alerts", "Alerts in one commit", buckets=_ALERTS, registry=registry
        )
        self.lag_alerts = _gauge("aiops_journal_lag_alerts", "Alerts that are not yet folded", registry)
        self.lag_seconds = _gauge(
            "aiops_correlator_lag_seconds", "Age of the oldest event that is not yet folded", registry
        )
        self.quarantine = _gauge(
            "aiops_quarantine_entries", "Bodies and alerts that could not be read", registry
        )
        self.not_folded = _gauge(
            "aiops_entries_not_folded", "Of what is in quarantine, entries that the fold failed on", registry
        )
        self.correlator_up = _gauge(
            "aiops_correlator_up", "1 while a correlator folds, 0 when /readyz says why not", registry
        )
        self.folded = _gauge("aiops_events_folded", "Events folded, ever", registry)
        self.repeated = _gauge("aiops_events_repeated", "Of these, repetitions", registry)

    def _show_incidents(self, registry: CollectorRegistry) -> None:
        self.open = _gauge("aiops_incidents_open", "Incidents that are not over", registry, "status")
        self.oldest = _gauge(
            "aiops_incident_oldest_open_seconds", "Age of the oldest incident that is not over", registry
        )
        self.notifications = _gauge(
            "aiops_notifications", "Notifications by what became of them", registry, "state"
        )
        self.retrying = _gauge(
            "aiops_notifications_retrying", "Waiting notifications that failed before", registry, "url"
        )
        self.streams = Gauge(
            "aiops_streams_open", "Listeners of /stream", multiprocess_mode="livesum", registry=registry
        )


def _gauge(name: str, what: str, registry: CollectorRegistry, *labels: str) -> Gauge:
    """A figure of the store, the same in every process: the latest look counts."""
    return Gauge(name, what, labels, multiprocess_mode="livemostrecent", registry=registry)
