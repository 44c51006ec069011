"""What the incident pages show, of incidents that a real correlator made."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from livepages import Live, firing, live, now_ms


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Three incidents: one open over cart and redis, one resolved of ads, one far away in time by grafana."""
    with live(tmp_path_factory.mktemp("world")) as running:
        running.tell(
            firing("cart", at=0, value=9.5, threshold=1, labels={"pod": "cart-1"}),
            firing("redis", "memory", at=5, severity="critical"),
            firing("cart", "errors", at=8),
        )
        started = now_ms() // 1000 - 1500
        ads = {"service": "ads", "metric": "errors", "starts_at": started}
        running.tell({**ads, "severity": "warning"})
        running.tell({**ads, "severity": "warning", "status": "resolved", "ends_at": started + 30})
        body = {
            "version": "1",
            "orgId": 1,
            "title": "t",
            "state": "alerting",
            "receiver": "r",
            "status": "firing",
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"alertname": "Lost", "service": "mainframe"},
                    "annotations": {},
                    "startsAt": "2026-01-01T00:00:00Z",
                }
            ],
        }
        assert running.client.post("/webhooks/grafana", json=body).json()["accepted"] == 1
        running.settle()
        running.until(lambda: all(item["root_cause"] for item in running.incidents()))
        yield running


def of(world: Live, service: str) -> str:
    """The id of the incident that *service* is in."""
    (item,) = world.incidents(service=service)
    found: str = item["id"]
    return found


def test_the_list_is_newest_first(world: Live) -> None:
    """Each incident once, by its opening, with the counts of what is in it."""
    items = world.incidents()

    assert [item["services"] for item in items] == [["cart", "redis"], ["ads"], ["mainframe"]]
    cart = items[0]
    assert (cart["status"], cart["alert_count"], cart["open_alerts"]) == ("open", 3, 3)
    assert (cart["max_severity"], cart["sources"]) == ("critical", ["generic"])
    assert cart["root_cause"]["service"] in {"cart", "redis"}
    assert items[1]["status"] == "resolved"
    assert items[1]["resolved_at"] is not None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"status": "open"}, 2),
        ({"status": "open,resolved"}, 3),
        ({"status": "acknowledged"}, 0),
        ({"service": "redis"}, 1),
        ({"service": "nobody"}, 0),
        ({"source": "grafana"}, 1),
        ({"root_cause": "ads"}, 1),
        ({"opened_from": "2026-06-01T00:00:00Z"}, 2),
        ({"opened_from": "2026-06-01 00:00:00"}, 2),
        ({"opened_from": "2026-01-01T01:00:00 01:00", "opened_until": "2026-01-01 01:00:01 01:00"}, 1),
        ({"opened_until": "2026-06-01T00:00:00Z"}, 1),
        ({"opened_from": "1767225600", "opened_until": "1767225601000"}, 1),
        ({"status": "open", "service": "ads"}, 0),
    ],
    ids=str,
)
def test_filters_narrow_the_list(world: Live, asked: dict[str, str], expected: int) -> None:
    """Each filter, and two together."""
    assert len(world.incidents(**asked)) == expected


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"status": "broken"}, "status"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "WyJ4Il0"}, "cursor"),
        ({"opened_from": "yesterday"}, "opened_from"),
        ({"opened_until": "9" * 30}, "opened_until"),
        ({"service": "\0"}, "service"),
    ],
    ids=str,
)
def test_a_bad_question_is_422_and_names_the_field(world: Live, asked: dict[str, str], field: str) -> None:
    """In the one error shape."""
    answer = world.client.get("/incidents", params=asked)

    assert answer.status_code == 422
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == ("invalid", field)


def test_cursors_lead_through_the_list(world: Live) -> None:
    """Pages of one give the same list, and the last one has no cursor."""
    seen: list[str] = []
    cursor: str | None = None
    while cursor != "":
        asked = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = world.client.get("/incidents", params=asked).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"] or ""

    assert seen == [item["id"] for item in world.incidents()]


def test_a_cursor_of_another_list_is_refused(world: Live) -> None:
    """A cursor is good for the list it came from."""
    cursor = world.client.get("/incidents", params={"limit": 1}).json()["next_cursor"]
    answer = world.client.get(f"/incidents/{of(world, 'cart')}/alerts", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "cursor")


def test_an_incident_shows_diagnosis_and_alerts(world: Live) -> None:
    """The detail is the item, the last diagnosis, and the first page of alerts."""
    (item,) = world.incidents(service="cart")
    shown = world.client.get(f"/incidents/{item['id']}").json()

    assert {key: shown[key] for key in item} == item
    assert shown["diagnosis"]["root_cause"]["service"] == item["root_cause"]["service"]
    assert shown["diagnosis"]["root_cause"]["evidence"]
    assert [alert["service"] for alert in shown["alerts"]["items"]] == ["cart", "redis", "cart"]


def test_alerts_come_by_arrival_page_by_page(world: Live) -> None:
    """Every alert once, with what was told of it and why it joined."""
    path = f"/incidents/{of(world, 'cart')}/alerts"
    first = world.client.get(path, params={"limit": 2}).json()
    rest = world.client.get(path, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    alert = first["items"][0]

    assert [a["metric"] for a in first["items"] + rest["items"]] == ["latency", "memory", "errors"]
    assert rest["next_cursor"] is None
    assert (alert["value"], alert["threshold"], alert["labels"]) == (9.5, 1.0, {"pod": "cart-1"})
    assert (alert["status"], alert["ended"], alert["ends_at"]) == ("firing", "", None)
    assert all(a["joined_because"] for a in first["items"])


def test_a_resolved_alert_says_how_it_ended(world: Live) -> None:
    """Its status is resolved, with the sender's end."""
    (alert,) = world.client.get(f"/incidents/{of(world, 'ads')}/alerts").json()["items"]

    assert (alert["status"], alert["ended"]) == ("resolved", "resolved")
    assert alert["ends_at"] is not None


def test_the_timeline_tells_the_story(world: Live) -> None:
    """From opening to end, oldest first."""
    lines = world.client.get(f"/incidents/{of(world, 'ads')}/timeline").json()
    kinds = [line["kind"] for line in lines["items"]]

    assert kinds[0] == "opened"
    assert {"diagnosed", "resolved"} <= set(kinds)
    assert [line["at"] for line in lines["items"]] == sorted(line["at"] for line in lines["items"])
    assert lines["next_cursor"] is None


def test_the_timeline_can_be_cut_to_the_newest(world: Live) -> None:
    """`limit` keeps the newest lines."""
    path = f"/incidents/{of(world, 'ads')}/timeline"
    every = world.client.get(path).json()["items"]

    assert world.client.get(path, params={"limit": 1}).json()["items"] == every[-1:]


def test_every_diagnosis_is_kept(world: Live) -> None:
    """The last in the list is the one the incident shows."""
    incident = of(world, "cart")
    made = world.client.get(f"/incidents/{incident}/diagnoses").json()["items"]

    assert [diagnosis["number"] for diagnosis in made] == list(range(1, len(made) + 1))
    assert made[-1] == world.client.get(f"/incidents/{incident}").json()["diagnosis"]


def test_the_graph_is_the_neighbourhood_with_states(world: Live) -> None:
    """Alerting services fire, neighbours are quiet, edges lie among them, the rest is left out."""
    shown = world.client.get(f"/incidents/{of(world, 'cart')}/graph").json()
    states = {node["id"]: (node["state"], node["kind"], node["known"]) for node in shown["nodes"]}

    assert states == {
        "cart": ("firing", "service", True),
        "frontend": ("quiet", "service", True),
        "redis": ("firing", "cache", True),
    }
    assert [(e["source"], e["target"]) for e in shown["edges"]] == [("frontend", "cart"), ("cart", "redis")]
    assert shown["version"] == "test"


def test_the_graph_shows_recovery_and_strangers(world: Live) -> None:
    """A service whose alerts have ended has recovered; one the graph does not know stands alone."""
    ads = world.client.get(f"/incidents/{of(world, 'ads')}/graph").json()
    strange = world.client.get(f"/incidents/{of(world, 'mainframe')}/graph").json()

    assert {node["id"]: node["state"] for node in ads["nodes"]} == {"ads": "recovered", "frontend": "quiet"}
    assert [(node["id"], node["known"]) for node in strange["nodes"]] == [("mainframe", False)]
    assert strange["edges"] == []


@pytest.mark.parametrize("page", ["", "/alerts", "/timeline", "/graph", "/diagnoses"])
def test_an_incident_that_never_was_is_404(world: Live, page: str) -> None:
    """On every page, in the one error shape."""
    answer = world.client.get(f"/incidents/inc-0000{page}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "inc-0000" in answer.json()["error"]["message"]


def test_a_wrong_method_is_405(world: Live) -> None:
    """The answer names the methods there are."""
    answer = world.client.delete("/incidents")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("page", ["", "/alerts", "/timeline", "/graph", "/diagnoses"])
def test_a_merged_incident_forwards(tmp_path_factory: pytest.TempPathFactory, page: str) -> None:
    """Its id answers 301 to the last heir, with the query kept and itself as the body."""
    with live(tmp_path_factory.mktemp("merged")) as running:
        ids = merged(running)
        answer = running.client.get(f"/incidents/{ids[0]}{page}?limit=3")
        followed = running.client.get(f"/incidents/{ids[0]}{page}", follow_redirects=True)

    assert answer.status_code == 301
    assert answer.headers["location"] == f"/incidents/{ids[2]}{page}?limit=3"
    assert answer.json()["id"] == ids[0]
    assert (answer.json()["status"], answer.json()["merged_into"]) == ("merged", ids[2])
    assert followed.status_code == 200


def merged(running: Live) -> list[str]:
    """Three incidents, the first merged into the second and that into the third: their ids in this order."""
    for number in range(3):
        running.tell(firing(f"island-{number}", at=number))
    running.settle()
    ids: list[str] = [running.incidents(service=f"island-{n}")[0]["id"] for n in range(3)]
    for old, into in ((0, 1), (1, 2)):
        answer = running.client.post(f"/incidents/{ids[old]}/merge", json={"into": ids[into], "by": "ann"})
        assert answer.status_code == 200, answer.text
    return ids


def test_a_merged_incident_keeps_its_own_timeline(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its lines up to the merge are there for who asks for them."""
    with live(tmp_path_factory.mktemp("merged")) as running:
        first, _, last = merged(running)
        own = running.client.get(f"/incidents/{first}/timeline", params={"merged": True})
        plain = running.client.get(f"/incidents/{last}/timeline", params={"merged": True})
        nobody = running.client.get("/incidents/inc-none/timeline", params={"merged": True})

    assert (own.status_code, plain.status_code, nobody.status_code) == (200, 200, 404)
    assert own.json()["items"][0]["kind"] == "opened"
    assert "island-0" in own.json()["items"][0]["text"]


def test_the_list_says_what_a_merged_incident_is_part_of_now(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Not only what it was merged into at first."""
    with live(tmp_path_factory.mktemp("merged")) as running:
        first, second, last = merged(running)
        items = running.incidents(status="merged")

    assert {item["id"]: item["merged_into"] for item in items} == {first: last, second: last}


def test_merged_incidents_are_listed_only_when_asked_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The default list leaves them out; the heir has all alerts."""
    with live(tmp_path_factory.mktemp("merged")) as running:
        ids = merged(running)
        usual, asked = running.incidents(), running.incidents(status="merged")

    assert [item["id"] for item in usual] == [ids[2]]
    assert usual[0]["alert_count"] == 3
    assert {item["id"] for item in asked} == {ids[0], ids[1]}


def test_pages_do_not_take_a_large_body(world: Live) -> None:
    """A request of a person is small; a larger one is refused before it is read as JSON."""
    answer = httpx.post(f"{world.url}/incidents/x/ack", content=b" " * 2_000_000)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
