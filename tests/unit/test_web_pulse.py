"""The vitals of the stream: what is said when a part cannot be read, and how often is looked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from aiops_rca.adapters.live_metrics import LiveMetrics
from aiops_rca.domain.errors import RcaError
from aiops_rca.live.rows import Draft, Head, Lag, QuarantineCount, Refused, Standing
from aiops_rca.web.pulse import Pulse, Vitals
from aiops_rca.web.serving import Check

NOW = 1_780_000_000_000


class Parts:
    """Journal, store and committer in one: answers, or fails as it is told."""

    def __init__(self, *, journal: bool = True, store: bool = True, fault: str | None = None) -> None:
        self.journal, self.store, self.fault = journal, store, fault
        self.looks = 0
        self.lease_until, self.end = NOW - 1, 9

    def head(self) -> Head:
        """Two entries after the last one folded."""
        self._need(self.journal)
        return Head(self.end, NOW, 9, 20)

    def behind(self, seq: int) -> Lag:
        """Two alerts, the older one of four seconds ago."""
        self._need(self.journal)
        assert seq == 7
        return Lag(1, 2, NOW - 4000)

    def quarantine_count(self) -> QuarantineCount:
        """Three pieces."""
        self._need(self.journal)
        return QuarantineCount(3, 0, 1)

    def standing(self) -> Standing:
        """At entry 7, held by somebody whose lease has run out."""
        self.looks += 1
        self._need(self.store)
        return Standing(seq=7, holder="host:1", lease_until=self.lease_until, events=9, open=2)

    async def append(self, drafts: Sequence[Draft], refused: Sequence[Refused] = ()) -> int:
        """Work again, if the journal does."""
        self._need(self.journal)
        self.fault = None
        return len(drafts) + len(refused)

    def _need(self, works: bool) -> None:  # noqa: FBT001
        if not works:
            raise RcaError("the database is gone", code="not_ready")


def checks(parts: Parts, *, remember_sec: float = 5.0) -> dict[str, Check]:
    """The readiness checks over *parts*."""
    pulse = Pulse(parts, parts, parts, now=lambda: NOW, record=lambda _: None, remember_sec=remember_sec)
    return asyncio.run(pulse.checks())


def test_lag_is_told_in_alerts_and_seconds() -> None:
    """And that nobody folds, when the lease has run out."""
    found = checks(Parts())

    assert found["journal"] == Check(ok=True, detail="writable; 3 in quarantine")
    assert found["correlator"] == Check(ok=True, detail="2 alerts, 4.0 s behind; nobody holds the lease")


def test_a_store_that_is_gone_unreadies_nothing() -> None:
    """The correlator's check only informs."""
    found = checks(Parts(store=False))

    assert found["journal"].ok
    assert found["correlator"] == Check(ok=True, detail="unknown: the database is gone")


def test_a_journal_that_is_gone_is_not_ready() -> None:
    """Nothing can be accepted."""
    assert checks(Parts(journal=False))["journal"].ok is False


def test_a_failed_commit_is_remembered_for_a_while() -> None:
    """Even when the next try works: a full disk takes what is empty."""
    parts = Parts(fault="disk full")
    found = checks(parts)

    assert found["journal"] == Check(ok=False, detail="disk full")
    assert parts.fault is None
    assert checks(Parts(fault="disk full"), remember_sec=0)["journal"].ok


def test_one_who_hangs_is_noticed() -> None:
    """A lease that ended more than a few seconds ago is trouble, told by check and gauge; it informs only."""
    parts, registry = Parts(), CollectorRegistry()
    metrics = LiveMetrics(registry, [])
    parts.lease_until = NOW - 6000
    pulse = Pulse(parts, parts, parts, now=lambda: NOW, record=metrics.record)

    check = asyncio.run(pulse.checks())["correlator"]

    assert (check.ok, check.needed) == (False, False)
    assert check.detail.startswith("nobody folds for 6 s")
    assert check.detail.endswith("; 2 alerts behind")
    assert metrics.correlator_up._value.get() == 0


def test_a_lease_given_back_is_taken_up_soon() -> None:
    """Between two correlators there is no trouble; when no next one comes, there is."""
    parts = Parts()
    parts.lease_until = 0
    pulse = Pulse(
        *(parts, parts, parts), now=lambda: NOW, record=lambda _: None, fresh_sec=0, leaderless_sec=0.05
    )

    async def looks() -> list[bool]:
        found = []
        for _ in range(2):
            found.append((await pulse.checks())["correlator"].ok)
            await asyncio.sleep(0.1)
        parts.lease_until = NOW + 1
        found.append((await pulse.checks())["correlator"].ok)
        parts.lease_until = 0
        return [*found, (await pulse.checks())["correlator"].ok]

    assert asyncio.run(looks()) == [True, False, True, True]


def test_a_child_that_is_gone_is_noticed() -> None:
    """The lease of the dead may run for some seconds still."""
    parts = Parts()
    seen: list[Vitals] = []
    parts.lease_until = NOW + 5000
    gone = Pulse(parts, parts, parts, now=lambda: NOW, record=seen.append, child_gone=lambda: True)

    check = asyncio.run(gone.checks())["correlator"]

    assert not check.ok
    assert "ended" in check.detail
    assert seen[0].trouble


def test_a_journal_that_ends_too_early_is_noticed() -> None:
    """The check says what happened, and what to do."""
    parts = Parts()
    parts.lease_until, parts.end = NOW + 5000, 6
    check = checks(parts)["correlator"]

    assert not check.ok
    assert "entry 7 of a journal that now ends at 6" in check.detail
    assert "remove incidents.db" in check.detail


def test_the_gauge_says_that_all_is_well() -> None:
    """One while somebody folds."""
    parts, registry = Parts(), CollectorRegistry()
    metrics = LiveMetrics(registry, [])
    parts.lease_until = NOW + 5000
    asyncio.run(Pulse(parts, parts, parts, now=lambda: NOW, record=metrics.record).refresh())

    assert metrics.correlator_up._value.get() == 1
    assert metrics.not_folded._value.get() == 1


def test_many_who_ask_at_once_cause_one_look() -> None:
    """A hundred probes in a second look once."""
    parts = Parts()
    pulse = Pulse(parts, parts, parts, now=lambda: NOW, record=lambda _: None)

    async def ask() -> None:
        await asyncio.gather(*(pulse.take() for _ in range(100)))

    asyncio.run(ask())

    assert parts.looks == 1


def sample(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """The value of a series."""
    return registry.get_sample_value(name, labels)


def test_what_cannot_be_read_keeps_its_figure() -> None:
    """A gauge does not fall to zero because the database is away for a scrape."""
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry, ["generic"])
    metrics.record(Vitals(NOW, Standing(open=2, events=9), Lag(1, 2, None), QuarantineCount(3, 0), ()))
    metrics.record(Vitals(NOW, None, None, None, ("away",)))

    assert metrics.open.labels("open")._value.get() == 2
    assert metrics.lag_alerts._value.get() == 2


def test_labels_are_of_a_known_few() -> None:
    """A strange source is `unknown`, a strange status 500, a caller who vanished 499."""
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry, ["generic"])
    counters = [  # made before: in one process they go on from what other tests counted
        *(metrics.requests.labels(*labels) for labels in _REQUESTS),
        metrics.alerts.labels("unknown", "accepted"),
    ]
    before = _counted(registry)
    for source, status in (("generic", 202), ("strange", 418), ("generic", 0)):
        metrics.webhook(source, status, 0.01)
    metrics.kept("strange", 1, 0, 0)

    assert [now - then for now, then in zip(_counted(registry), before, strict=True)] == [1] * len(counters)


_REQUESTS = (("generic", "202"), ("unknown", "500"), ("generic", "499"))


def _counted(registry: CollectorRegistry) -> list[float]:
    found = [
        sample(registry, "aiops_webhook_requests_total", source=source, status=status)
        for source, status in _REQUESTS
    ]
    found.append(sample(registry, "aiops_webhook_alerts_total", source="unknown", outcome="accepted"))
    return [value for value in found if value is not None]
