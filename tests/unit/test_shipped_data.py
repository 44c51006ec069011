"""The shipped graph, history, runbook and captured storm fit together and say what they claim."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml

from aiops_rca.adapters.files import load_graph, load_history, load_json, load_runbook, read_json_lines
from aiops_rca.domain.alert import Alert
from aiops_rca.domain.graph import ServiceGraph
from aiops_rca.domain.incident import IncidentHistory
from aiops_rca.domain.kinds import KINDS
from aiops_rca.domain.times import epoch_ms
from aiops_rca.ingest.batch import read_alerts
from data import storm_scenario as scenario
from data.storm_convert import convert

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
RULES = DATA / "storm-rules.yaml"
UNMAPPED = {"batch-node-2"}
SINCE, UNTIL = epoch_ms("2025-05-20T00:00:00Z"), epoch_ms("2026-11-20T00:00:00Z")


@pytest.fixture(scope="module")
def graph() -> ServiceGraph:
    """The shipped service graph."""
    return load_graph(ROOT / "graphs" / "online-boutique.yaml")


@pytest.fixture(scope="module")
def history() -> IncidentHistory:
    """The shipped incident history."""
    return load_history(ROOT / "history" / "online-boutique.jsonl")


@pytest.fixture(scope="module")
def storm() -> tuple[Alert, ...]:
    """The captured storm, as `POST /incident` reads it."""
    return read_alerts(load_json(DATA / "storm.json")["alerts"])


def reachable(start: str, steps: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return *start* and every node that *steps* lead to from it."""
    seen, ahead = set[str](), [start]
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += steps.get(node, ())
    return seen


def test_the_graph_is_one_piece_below_the_way_in(graph: ServiceGraph) -> None:
    """Every node is called, directly or not, by the users' load generator."""
    assert set(graph.nodes) == reachable("loadgenerator", graph.callees)


def test_every_node_has_an_owner_and_a_runbook(graph: ServiceGraph) -> None:
    """Whoever is paged is known, and where they look first."""
    for node in graph.nodes.values():
        assert node.owner
        assert node.runbook == f"https://runbooks.example.com/online-boutique/{node.id}"


def test_the_modelled_calls_are_the_edges_of_the_graph(graph: ServiceGraph) -> None:
    """The storm spreads along exactly the calls the shipped graph holds, the load generator's apart."""
    modelled = {
        (caller.service, call.to.service) for caller, calls in scenario.CALLEES.items() for call in calls
    }

    shipped = {(edge.source, edge.target) for edge in graph.edges if edge.source != "loadgenerator"}
    assert shipped == modelled


def test_the_history_is_long_and_its_ids_are_unique(history: IncidentHistory) -> None:
    """At least thirty incidents, each with an id of its own."""
    ids = [incident.id for incident in history.incidents]

    assert len(ids) >= 30
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"INC-20\d\d-\d{4}", name) for name in ids)


def test_past_incidents_speak_of_services_of_the_graph(graph: ServiceGraph, history: IncidentHistory) -> None:
    """Every root cause and every alerting service is a node."""
    services = {incident.root_cause for incident in history.incidents}
    services |= {alert.service for incident in history.incidents for alert in incident.alerts}

    assert services <= set(graph.nodes)


def test_a_past_root_explains_its_symptoms(graph: ServiceGraph, history: IncidentHistory) -> None:
    """Whatever was slow or failed is the root or calls it, directly or not."""
    for incident in history.incidents:
        hit = reachable(incident.root_cause, graph.callers)
        symptoms = {
            alert.service
            for alert in incident.alerts
            if alert.labels["kind"] in {"latency", "error", "availability"}
        }

        assert symptoms <= hit, incident.id
        assert incident.root_cause in {alert.service for alert in incident.alerts}, incident.id


def test_past_incidents_are_varied(history: IncidentHistory) -> None:
    """Many roots, several of them more than once, and no two fixes alike."""
    roots = Counter(incident.root_cause for incident in history.incidents)

    assert len(roots) >= 10
    assert sum(count >= 3 for count in roots.values()) >= 5
    assert len({incident.fix for incident in history.incidents}) == len(history.incidents)
    assert len({incident.symptom for incident in history.incidents}) == len(history.incidents)


def test_past_incidents_are_complete(history: IncidentHistory) -> None:
    """Each was closed within the last eighteen months and says what was done, in order of time."""
    closed = [incident.closed_at for incident in history.incidents]

    assert closed == sorted(closed, key=lambda at: at or 0)
    for incident in history.incidents:
        assert incident.closed_at
        assert SINCE <= incident.closed_at <= UNTIL
        assert incident.minutes_to_resolve
        assert incident.actions
        assert {action.risk for action in incident.actions} <= {"low", "medium", "high"}
        assert {alert.labels["kind"] for alert in incident.alerts} <= KINDS


def test_history_and_storm_share_their_words(history: IncidentHistory, storm: tuple[Alert, ...]) -> None:
    """What alerts in the storm, noise on unmapped machines apart, has alerted in the past too."""
    known = {alert.metric for incident in history.incidents for alert in incident.alerts}

    assert {alert.metric for alert in storm if alert.service not in UNMAPPED} <= known


def test_the_runbook_covers_every_kind_of_alert() -> None:
    """Every kind has a step on a service, and there is a step for whatever is not in the table."""
    entries = load_runbook(ROOT / "configs" / "runbook.yaml")
    pairs = {(entry.node_kind, entry.alert_kind) for entry in entries}

    assert ("*", "*") in pairs
    assert KINDS - {"other"} <= {alert for node, alert in pairs if node in {"service", "*"}}
    assert len(entries) == len({entry.text for entry in entries})


def test_runbook_texts_name_the_service_and_nothing_else() -> None:
    """`{service}` is the only placeholder, and each step has it."""
    for entry in load_runbook(ROOT / "configs" / "runbook.yaml"):
        fields = {field for _, field, _, _ in Formatter().parse(entry.text) if field is not None}

        assert fields == {"service"}, entry.text


def test_the_storm_is_as_large_as_a_real_one(storm: tuple[Alert, ...]) -> None:
    """Between 60 and 200 firings of at least 50 different signals."""
    firing = [alert for alert in storm if not alert.resolved]

    assert 60 <= len(firing) <= 200
    assert len({alert.fingerprint for alert in firing}) >= 50


def test_storm_services_are_in_the_graph(graph: ServiceGraph, storm: tuple[Alert, ...]) -> None:
    """All but the deliberately unknown machine."""
    assert {alert.service for alert in storm} - set(graph.nodes) == UNMAPPED


def test_the_claimed_root_alerts_before_what_it_broke(graph: ServiceGraph, storm: tuple[Alert, ...]) -> None:
    """redis-cart alerts, and no service that calls it is slow or failing earlier."""
    began = min(alert.ts for alert in storm if alert.service == scenario.ROOT)
    hit = reachable(scenario.ROOT, graph.callers) - {scenario.ROOT}
    symptoms = [alert for alert in storm if alert.service in hit and not alert.resolved]

    assert {alert.service for alert in symptoms} == hit - {"loadgenerator"}
    assert began < min(alert.ts for alert in symptoms)


def test_the_storm_flaps(storm: tuple[Alert, ...]) -> None:
    """Some signals fire again after they were resolved, one of them at least four times."""
    firings = Counter(alert.fingerprint for alert in storm if not alert.resolved)

    assert sum(count > 1 for count in firings.values()) >= 5
    assert max(firings.values()) >= 4


def test_resolves_follow_firings_of_the_same_signal(storm: tuple[Alert, ...]) -> None:
    """Each resolve belongs to one firing: same fingerprint, later, the firing's id with a suffix."""
    by_id = {alert.id: alert for alert in storm}
    resolves = [alert for alert in storm if alert.resolved]

    assert resolves
    for resolve in resolves:
        firing = by_id[resolve.id.removesuffix("-resolved")]
        assert firing.fingerprint == resolve.fingerprint
        assert firing.ts < resolve.ts


def test_the_batch_is_what_the_webhooks_say() -> None:
    """Converting the raw bodies gives the shipped batch."""
    batch = load_json(DATA / "storm.json")

    assert batch == convert(read_json_lines(DATA / "storm-webhooks.jsonl"), target=batch["target"])


def test_captures_name_no_machine() -> None:
    """Every address in captures and shipped files is an example's, and no path of a machine is there."""
    shipped = (
        DATA / "storm-webhooks.jsonl",
        DATA / "storm.json",
        ROOT / "graphs" / "online-boutique.yaml",
        ROOT / "history" / "online-boutique.jsonl",
        ROOT / "configs" / "runbook.yaml",
    )
    for path in shipped:
        text = path.read_text(encoding="utf-8")

        assert hosts(text) <= {"prometheus.example", "alertmanager.example", "runbooks.example.com"}
        assert not re.search(r"127\.0\.0\.1|localhost|/tmp/|/home/|/root/", text)


def hosts(text: str) -> set[str]:
    """Return the host of every URL in *text*."""
    return set(re.findall(r"https?://([^/:\"\\]+)", text))


def test_each_rule_says_its_threshold_and_its_words() -> None:
    """The bound in the expression is the annotation's, and labels hold what an alert needs."""
    for rule in rules():
        labels, annotations = rule["labels"], rule["annotations"]

        assert re.search(r"[<>] " + re.escape(annotations["threshold"]) + "$", rule["expr"]), rule["alert"]
        assert labels["severity"] in {"info", "warning", "error", "critical"}
        assert labels["kind"] in KINDS
        assert labels["metric"]


def rules() -> Iterable[dict[str, Any]]:
    """Yield every alert rule of the storm."""
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def test_prometheus_accepts_the_rules() -> None:
    """`promtool check rules` finds nothing."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")

    checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(list(rules()))} rules found" in checked.stdout


def test_the_graph_file_parses_to_plain_json() -> None:
    """YAML's own types (dates, booleans from `on`) are not used, so any reader gets the same values."""
    document = yaml.safe_load((ROOT / "graphs" / "online-boutique.yaml").read_text(encoding="utf-8"))

    assert document == json.loads(json.dumps(document))
