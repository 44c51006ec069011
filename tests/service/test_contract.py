"""`POST /incident` over a real socket: the answer's shape, and every refusal."""

from __future__ import annotations

import json
import random
from typing import Any

import httpx
import pytest

ALERT = {"id": "a", "ts": "2026-06-08T03:00:00Z", "service": "cartservice", "metric": "m", "severity": "info"}
CLUSTER_KEYS = {
    "cluster_id",
    "alert_count",
    "services",
    "alert_ids",
    "first_ts",
    "last_ts",
    "max_severity",
    "root_cause",
    "recommended_actions",
    "similar_incidents",
    "narrative",
}


def post(client: httpx.Client, *alerts: dict[str, Any], **more: Any) -> httpx.Response:
    """Send a batch of *alerts*."""
    return client.post("/incident", json={"alerts": list(alerts), **more})


def check_refused(response: httpx.Response, status: int, code: str, field: str | None) -> None:
    """Check that *response* is an error of the one shape."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"code", "message", "field", "request_id"}
    assert (error["code"], error["field"]) == (code, field)
    assert error["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text


def test_the_storm_is_answered_whole(client: httpx.Client, storm: dict[str, Any]) -> None:
    """The answer names the true cause and holds every part the contract names."""
    response = client.post("/incident", json=storm)
    answer = response.json()

    assert response.status_code == 200
    assert answer["root_cause"]["service"] == "redis-cart"
    assert answer["incident_id"] == answer["clusters"][0]["cluster_id"]
    for key in ("root_cause", "recommended_actions", "similar_incidents"):
        assert answer[key] == answer["clusters"][0][key]
    assert all(set(cluster) == CLUSTER_KEYS for cluster in answer["clusters"])
    assert answer["recommended_actions"][0]["source"]
    assert answer["similar_incidents"][0]["reason"]
    assert {"validate", "correlate", "rank", "recall", "enrich", "serialize", "total"} == set(
        answer["timings_ms"]
    )
    assert {
        *("app", "bento", "graph", "history", "ranker", "release"),
        *("prompt", "schema", "llm_model"),
    } == set(answer["versions"])


def test_no_alert_is_lost(client: httpx.Client, storm: dict[str, Any]) -> None:
    """Every firing alert is in exactly one cluster, every resolved one is counted."""
    answer = client.post("/incident", json=storm).json()
    placed = [i for cluster in answer["clusters"] for i in cluster["alert_ids"]]

    assert len(placed) == len(set(placed))
    assert len(placed) + answer["resolved_alerts"] == len(storm["alerts"])


def test_terms_add_up_to_the_score(client: httpx.Client, storm: dict[str, Any]) -> None:
    """A candidate's terms are its score, nothing else is in it."""
    for candidate in client.post("/incident", json=storm).json()["root_cause"]["candidates"]:
        assert sum(candidate["terms"].values()) == pytest.approx(candidate["score"], abs=1e-4)


def test_any_order_gives_the_same_bytes(client: httpx.Client, storm: dict[str, Any], shuffles: int) -> None:
    """Shuffled alerts give the same answer, timings apart."""
    expected = client.post("/incident", json=storm).content.partition(b',"timings_ms"')[0]
    for seed in range(shuffles):
        alerts = list(storm["alerts"])
        random.Random(seed).shuffle(alerts)
        body = client.post("/incident", json={**storm, "alerts": alerts}).content

        assert body.partition(b',"timings_ms"')[0] == expected


def test_a_lone_alert_is_a_cluster_without_a_claim(client: httpx.Client) -> None:
    """One signal is diagnosed, but one signal proves nothing."""
    answer = post(client, ALERT).json()

    assert answer["clusters"][0]["alert_ids"] == ["a"]
    assert answer["root_cause"]["service"] == "cartservice"
    assert answer["root_cause"]["verdict"] == "inconclusive"
    assert answer["root_cause"]["confidence"] <= 0.5


@pytest.mark.parametrize("how", [{"status": "resolved"}, {"labels": {"status": "resolved"}}])
def test_only_resolved_alerts_have_no_cause(client: httpx.Client, how: dict[str, Any]) -> None:
    """A batch in which nothing fires has no cluster and an unknown cause."""
    answer = post(client, {**ALERT, **how}).json()

    assert (answer["clusters"], answer["incident_id"]) == ([], None)
    assert answer["root_cause"]["service"] == "unknown"
    assert answer["root_cause"]["verdict"] == "inconclusive"
    assert answer["resolved_alerts"] == 1


def test_times_of_any_kind_may_be_mixed(client: httpx.Client) -> None:
    """Naive, zoned, seconds and milliseconds meet in one batch and one cluster."""
    times = ["2026-06-08T03:00:00", "2026-06-08T05:00:01+02:00", 1780887602, 1780887603000, 1780887604.5]
    answer = post(client, *({**ALERT, "id": str(i), "ts": ts} for i, ts in enumerate(times))).json()

    assert answer["clusters"][0]["alert_count"] == 5
    assert answer["clusters"][0]["first_ts"] == "2026-06-08T03:00:00.000Z"
    assert answer["clusters"][0]["last_ts"] == "2026-06-08T03:00:04.500Z"


def test_an_unknown_service_is_a_candidate_and_said(client: httpx.Client) -> None:
    """A service outside the graph is diagnosed, and the answer says that its place is unknown."""
    answer = post(client, {**ALERT, "service": "stranger"}).json()

    assert answer["root_cause"]["service"] == "stranger"
    assert "stranger" in answer["degraded"][0]["reason"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"severity": "loud"}, "alerts[0].severity"),
        ({"ts": "soon"}, "alerts[0].ts"),
        ({"ts": ""}, "alerts[0].ts"),
        ({"service": ""}, "alerts[0].service"),
        ({"labels": {"a": []}}, "alerts[0].labels"),
        ({"value": "1"}, "alerts[0].value"),
    ],
)
def test_bad_alerts_are_refused_by_name(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    """Wrong types and values are 422 and name the field."""
    check_refused(post(client, {**ALERT, **change}), 422, "invalid", field)


def test_duplicate_ids_are_refused(client: httpx.Client) -> None:
    """Two alerts of one id are 422, naming the second."""
    check_refused(post(client, ALERT, {**ALERT, "metric": "n"}), 422, "invalid", "alerts[1].id")


def test_an_empty_batch_is_refused(client: httpx.Client) -> None:
    """No alerts is 400."""
    check_refused(post(client), 400, "empty_batch", "alerts")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *((b"", "body"), (b"{", "body"), (b"[]", "body"), (b"\xff", "body"), (b'{"alerts":1}', "alerts")),
        (b'{"alerts":[' + json.dumps(ALERT).encode()[:-1] + b',"value":NaN}]}', "alerts[0].value"),
    ],
)
def test_malformed_json_is_refused(client: httpx.Client, body: bytes, field: str) -> None:
    """What is no JSON is 422 with the field body; NaN names its place."""
    response = client.post("/incident", content=body, headers={"content-type": "application/json"})

    check_refused(response, 422, "invalid", field)


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"content-type": "text/plain"}, "content-type"),
        ({"content-type": "application/x-www-form-urlencoded"}, "content-type"),
        ({"content-type": "multipart/form-data; boundary=x"}, "content-type"),
        ({"content-type": "application/vnd.bentoml+pickle"}, "content-type"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, "content-encoding"),
    ],
)
def test_other_types_are_refused(client: httpx.Client, headers: dict[str, str], field: str) -> None:
    """Anything but uncompressed JSON is 415."""
    response = client.post("/incident", content=b"{}", headers=headers)

    check_refused(response, 415, "unsupported_media_type", field)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/problem+json"])
def test_json_by_other_names_is_read(client: httpx.Client, kind: str) -> None:
    """Parameters and +json types are JSON."""
    body = json.dumps({"alerts": [ALERT]})

    assert client.post("/incident", content=body, headers={"content-type": kind}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/incident", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("DELETE", "/version", 405, "method_not_allowed"),
        ("GET", "/incident/", 404, "not_found"),
        ("POST", "/incident_alone", 404, "not_found"),
        ("GET", "/%2e%2e/etc/passwd", 404, "not_found"),
        ("GET", "/schema.json", 404, "not_found"),
    ],
)
def test_other_paths_and_methods_are_refused(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    """Unknown paths are 404 and known ones with another verb 405, in the one error shape."""
    check_refused(client.request(method, path), status, code, None)


@pytest.mark.parametrize("path", ["/healthz", "/version", "/incident", "/nothing", "/docs"])
def test_every_response_is_timed_and_named(client: httpx.Client, path: str) -> None:
    """Whatever the answer, it carries an id and how long it took."""
    response = client.get(path)

    assert response.headers["x-request-id"]
    assert float(response.headers["x-response-time-ms"]) > 0


def test_a_given_request_id_is_kept(client: httpx.Client) -> None:
    """A sane X-Request-Id comes back; an insane one is replaced."""
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/healthz", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"


def test_equal_requests_get_answers_of_equal_length(client: httpx.Client, storm: dict[str, Any]) -> None:
    """Timings are padded, so that load tools that compare lengths see no failure."""
    lengths = {len(client.post("/incident", json=storm).content) for _ in range(5)}

    assert len(lengths) == 1
