"""Health, readiness, version, configuration, documents, metrics and the log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import HISTORY, Served, command, seed, served


def samples(text: str) -> dict[str, float]:
    """The samples of a Prometheus page by series."""
    rows = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {series: float(value) for series, _, value in rows}


def test_health_touches_nothing(client: httpx.Client) -> None:
    """Liveness is a constant."""
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readiness_lists_each_check(client: httpx.Client) -> None:
    """Graph, history and ranker are checked one by one; the language model is not."""
    response = client.get("/readyz")

    assert response.status_code == 200
    assert {"graph", "history", "ranker"} <= set(response.json()["checks"])
    assert not [name for name in response.json()["checks"] if "llm" in name]


def test_an_empty_store_is_not_ready_and_says_why(tmp_path: Path) -> None:
    """Without a graph the process lives, is not ready, names the check and refuses with 503."""
    command("history", "import", str(HISTORY), home=tmp_path)
    env = {"AIOPS_GRAPH_TAG": "service_graph:absent"}
    (tmp_path / "graph.json").write_text('{"nodes":[{"id":"a"}],"edges":[]}')
    command("graph", "import", str(tmp_path / "graph.json"), home=tmp_path)
    with served(tmp_path, env=env, ready=False) as service:
        ready = httpx.get(f"{service.url}/readyz")
        body = {"alerts": [{"id": "a", "ts": 1, "service": "s", "metric": "m", "severity": "info"}]}
        answer = httpx.post(f"{service.url}/incident", json=body)

    assert ready.status_code == 503
    assert not ready.json()["checks"]["graph"]["ok"]
    assert "service_graph:absent" in ready.json()["checks"]["graph"]["detail"]
    assert ready.json()["checks"]["history"]["ok"]
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"] == "1"


def test_version_names_every_part(client: httpx.Client) -> None:
    """Program, graph, history, ranker and parameters are named with their versions."""
    version = client.get("/version").json()

    assert version["graph_node_count"] > 0
    assert version["graph_edge_count"] > 0
    for key in (
        "app",
        "graph_version",
        "graph_loaded_at",
        "graph_source",
        "history_version",
        "ranker_version",
    ):
        assert version[key], key
    assert version["bento_tag"] is None
    config = version["pipeline_config"]
    assert (config["gap_sec"], config["max_hop"], config["rca_method"]) == (120, 2, "logit")
    assert config["llm_model"] is None
    assert [override["key"] for override in config["overrides"]] == ["state_dir"]  # a test's own


def test_overrides_say_where_they_come_from(home: Path) -> None:
    """A value from the environment shows in /version and /config with its variable."""
    with served(home, env={"AIOPS_GAP_SEC": "60", "AIOPS_RCA_METHOD": "pagerank"}) as service:
        config = httpx.get(f"{service.url}/version").json()["pipeline_config"]
        settings = httpx.get(f"{service.url}/config").json()

    assert {"key": "gap_sec", "value": 60, "source": "AIOPS_GAP_SEC"} in config["overrides"]
    assert config["rca_method"] == "pagerank"
    assert settings["settings"]["gap_sec"] == 60
    assert settings["overrides"]["rca_method"] == "AIOPS_RCA_METHOD"


def test_a_bad_setting_stops_the_start(home: Path) -> None:
    """The process ends and its log names the variable."""
    with pytest.raises(AssertionError, match="AIOPS_GAP_SEC"), served(home, env={"AIOPS_GAP_SEC": "x"}):
        pass


def test_the_api_page_needs_no_other_host(client: httpx.Client) -> None:
    """The page and every file it loads come from this service."""
    page = client.get("/docs").text
    files = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert files
    for file in files:
        assert file.startswith("/"), file
        assert client.get(file).status_code == 200, file
    assert "http://" not in page
    assert "https://" not in page


def test_the_openapi_document_covers_every_route(client: httpx.Client) -> None:
    """All public paths are described, and every reference in the document resolves."""
    document = client.get("/docs.json").json()

    assert {"/incident", "/healthz", "/readyz", "/version", "/config", "/metrics"} <= set(document["paths"])
    assert {"/webhooks", "/webhooks/{source}", "/incidents", "/stream", "/maintenance"} <= set(
        document["paths"]
    )
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert name in document["components"]["schemas"]


def test_metrics_count_what_happened(client: httpx.Client, storm: dict[str, Any]) -> None:
    """A success, a rejection and the phases show up; error counts only failures of the service."""
    before = samples(client.get("/metrics").text)
    client.post("/incident", json=storm)
    client.post("/incident", json={"alerts": []})
    after = samples(client.get("/metrics").text)

    def grown(series: str) -> float:
        return after[series] - before.get(series, 0)

    assert grown('aiops_incident_requests_total{status="success"}') == 1
    assert grown('aiops_incident_requests_total{status="error"}') == 0
    assert grown('aiops_rejected_total{code="400"}') == 1
    assert grown("aiops_incident_latency_seconds_count") == 1
    assert grown("aiops_clusters_per_request_count") == 1
    for phase in ("validate", "correlate", "rank", "recall", "enrich", "serialize"):
        assert grown(f'aiops_phase_seconds_count{{phase="{phase}"}}') == 1
    assert after['aiops_llm_failures_total{reason="timeout"}'] == 0
    assert after["aiops_process_cpu_seconds"] > 0
    assert after["aiops_process_resident_memory_bytes"] > 50_000_000


def test_random_paths_add_no_series(client: httpx.Client) -> None:
    """2,000 paths nobody serves leave the metrics page as long as it was."""
    client.get("/nothing")
    before = set(samples(client.get("/metrics").text))
    for number in range(2000):
        assert client.get(f"/random/{number}").status_code == 404

    assert set(samples(client.get("/metrics").text)) == before


def test_every_request_is_one_json_line(service: Served, client: httpx.Client, storm: dict[str, Any]) -> None:
    """The log line of a diagnosis says what was found and how long each phase took."""
    response = client.post("/incident", json=storm, headers={"x-request-id": "line-test"})
    service.wait_for_log("line-test")
    lines = [json.loads(line) for line in service.log_lines()]
    own = [line for line in lines if line.get("request_id") == "line-test"]

    assert len(own) == 1
    line = own[0]
    assert (line["level"], line["logger"], line["msg"]) == ("info", "aiops_rca.access", "request")
    assert (line["method"], line["path"], line["status"]) == ("POST", "/incident", 200)
    assert line["cluster_count"] == len(response.json()["clusters"])
    assert line["root_cause"] == "redis-cart"
    assert 0 < line["confidence"] <= 1
    assert set(line["phases_ms"]) == {"validate", "correlate", "rank", "recall", "enrich", "serialize"}
    assert line["duration_ms"] > 0


def test_two_stores_do_not_mix(tmp_path: Path) -> None:
    """A service answers from its own store's graph."""
    (tmp_path / "graph.json").write_text('{"version":"tiny","nodes":[{"id":"a"}],"edges":[]}')
    seed(tmp_path, tmp_path / "graph.json")
    with served(tmp_path) as service:
        assert httpx.get(f"{service.url}/version").json()["graph_version"] == "tiny"
