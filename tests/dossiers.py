"""Dossiers of storms, and answers about them, for the tests of what is asked and what is read.

The storm of `tests/data/storm.json` with the shipped release, a small made-up one, and the real cases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from aiops_rca import diagnose, load_release
from aiops_rca.domain.alert import Alert, LabelValue, Severity
from aiops_rca.domain.diagnosis import Diagnosis
from aiops_rca.domain.narrative import Usage
from aiops_rca.domain.release import Release
from aiops_rca.enrich.asking import Reply
from aiops_rca.enrich.dossier import CANDIDATES, Dossier, dossier
from aiops_rca.ingest.batch import to_alerts
from aiops_rca.pipeline import rival_cases
from aiops_rca.wire import convert_alert, decode_incident
from builders import alert, graph, history, incident, release, runbook

ROOT = Path(__file__).resolve().parent.parent
USAGE = Usage(input=1800, output=450)


def shown(
    alerts: Sequence[Alert],
    of: Release,
    *,
    target: str | None = None,
    summaries: Mapping[str, str] | None = None,
) -> Dossier:
    """The dossier of the first diagnosis of *alerts*."""
    return dossier_of(diagnose(alerts, of, target=target)[0], of, target=target, summaries=summaries)


def dossier_of(
    diagnosis: Diagnosis,
    of: Release,
    *,
    target: str | None = None,
    summaries: Mapping[str, str] | None = None,
) -> Dossier:
    """The dossier of *diagnosis*, which the release *of* made."""
    cases = rival_cases(diagnosis, of, target=target, count=CANDIDATES)
    return dossier(diagnosis, cases, of.graph, summaries=summaries or {})


def document(of: Dossier) -> dict[str, Any]:
    """What the model sees of it, read."""
    found: dict[str, Any] = json.loads(of.document)
    return found


@cache
def shipped(graph_file: Path = ROOT / "graphs" / "online-boutique.yaml") -> Release:
    """The shipped release over *graph_file*."""
    past = ROOT / "history" / "online-boutique.jsonl"
    return load_release(graph_file, history=past, configs=ROOT / "configs")


@cache
def storm() -> Dossier:
    """The dossier of the captured storm: redis-cart evicts keys, cartservice fails, frontend shows it."""
    batch = decode_incident((ROOT / "tests" / "data" / "storm.json").read_bytes())
    return shown(to_alerts(batch.alerts), shipped(), target=batch.target)


def real(folder: Path, name: str, count: int) -> Iterator[tuple[list[Alert], Release, str | None]]:
    """The first *count* cases of one set: alerts, release and target."""
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        for _, line in zip(range(count), lines, strict=False):
            case = json.loads(line)
            alerts = to_alerts([convert_alert(row) for row in case["alerts"]])
            yield list(alerts), shipped(folder / "graphs" / case["graph"]), case.get("target")


def shop_release() -> Release:
    """`web` calls `orders`, which calls `orders-db` and `mail`; once before, `orders-db` was to blame."""
    return release(
        graph("web -> orders", "orders -> orders-db", "orders -> mail", kinds={"orders-db": "database"}),
        past=history(
            incident(
                "INC-7",
                "orders-db",
                ("orders-db", "disk_used"),
                ("orders", "latency_p99"),
                fix="Removed old archives from the volume.",
                actions=["Remove old archives"],
            )
        ),
        weights=dict.fromkeys(("alerting", "lg_flow", "res_top", "lg_res", "lg_loc"), 1.0),
        entries=runbook(("database", "*", "Look at the slowest queries of {service}", "low")),
    )


def shop_alerts(
    *, day: float = 0, ids: str = "a", labels: Mapping[str, LabelValue] | None = None
) -> list[Alert]:
    """A full disk of `orders-db` and what follows, *day* days later, with ids that begin with *ids*."""
    rows = (
        ("orders-db", "disk_used", 0.0, 97.0, 80.0, Severity.CRITICAL),
        ("orders-db", "latency_p99", 7.0, 4.0, 0.5, Severity.CRITICAL),
        ("orders", "latency_p99", 12.0, 5.0, 1.0, Severity.WARNING),
        ("orders", "latency_p99", 31.0, 6.0, 1.0, Severity.WARNING),
        ("web", "latency_p99", 33.0, 6.0, 1.0, Severity.WARNING),
    )
    return [
        alert(
            service,
            metric,
            at=at + day * 86_400,
            id=f"{ids}{place}",
            severity=severity,
            value=value,
            threshold=threshold,
            labels=labels if service == "orders-db" else None,
        )
        for place, (service, metric, at, value, threshold, severity) in enumerate(rows)
    ]


def shop(**given: Any) -> Dossier:
    """The dossier of `shop_alerts(**given)`."""
    return shown(shop_alerts(**given), shop_release(), target="web")


def answer(**given: Any) -> dict[str, Any]:
    """A good answer about `storm()`, with *given* parts in place of its own."""
    return {
        "evidence": [{"evidence_id": "E1", "candidate": "C1", "effect": "supports"}],
        "root_cause": "C1",
        "sentences": [{"text": "redis-cart evicts keys at 2.4x its threshold.", "evidence": ["E1"]}],
        "actions": [{"action_id": "A3", "text": ""}],
        "suspicious_input": False,
        **given,
    }


def reply(body: object, *, stop: str | None = "end_turn", kinds: Sequence[str] = ("text",)) -> Reply:
    """The reply that says *body*: text as it is, anything else as JSON."""
    return Reply(stop, tuple(kinds), body if isinstance(body, str) else json.dumps(body), USAGE)
