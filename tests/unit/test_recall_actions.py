"""Which actions are recommended, in which order, and from where."""

from __future__ import annotations

from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.diagnosis import Action, SimilarIncident
from aiops_rca.domain.incident import IncidentHistory
from aiops_rca.domain.release import Parameters, RunbookEntry
from aiops_rca.recall.actions import recommend
from aiops_rca.recall.similar import similar
from builders import alert, cluster, graph, history, incident, ranking, release, runbook

SHOP = graph(
    "frontend -> cart",
    "cart -> redis",
    kinds={"redis": "cache"},
    runbooks={"redis": "https://runbooks.example/redis"},
)
STORM = cluster(
    alert("redis", "memory_used"), alert("redis", "evictions"), alert("cart", "latency_p99", at=5)
)


def alike(*ids: str, past: IncidentHistory) -> tuple[SimilarIncident, ...]:
    """Return look-alikes of these ids, most alike first."""
    by_id = {incident.id: incident for incident in past.incidents}
    return tuple(SimilarIncident(i, 0.9, "same", by_id[i].root_cause, by_id[i].fix) for i in ids)


def advice(
    *services: str,
    past: IncidentHistory | None = None,
    similar: tuple[str, ...] = (),
    entries: tuple[RunbookEntry, ...] = (),
    limit: int = 20,
    storm: Cluster = STORM,
) -> tuple[Action, ...]:
    """Return what is recommended when *services* are the candidates."""
    past = past or history()
    pinned = release(SHOP, past=past, entries=entries, parameters=Parameters(action_limit=limit))
    return recommend(storm, ranking(*services), alike(*similar, past=past), pinned)


def test_no_candidates_no_actions() -> None:
    """Without a suspect there is nothing to do."""
    assert advice(entries=runbook(("*", "*", "Look", "low"))) == ()


def test_no_source_no_action() -> None:
    """A service that neither history, runbook nor graph speaks of gets no made-up advice."""
    assert advice("cart") == ()


def test_what_fixed_a_similar_incident_comes_first() -> None:
    """Actions of incidents of the same root cause are taken over with their source."""
    past = history(incident("INC-1", "cart", actions=[("Roll back cart", "medium")]))

    found = advice("cart", past=past, similar=("INC-1",), entries=runbook(("*", "*", "Look", "low")))

    assert [(a.text, a.risk, a.source) for a in found] == [
        ("Roll back cart", "medium", "history:INC-1"),
        ("Look", "low", "runbook:*/*"),
    ]


def test_what_fixed_another_root_cause_is_left_out() -> None:
    """A look-alike with another culprit offers no action."""
    past = history(incident("INC-1", "frontend", actions=["Roll back frontend"]))

    assert advice("cart", past=past, similar=("INC-1",)) == ()


def test_what_shares_only_services_offers_no_action() -> None:
    """Another trouble of the same services is no reason to repeat what was done; the runbook comes first."""
    past = history(
        incident("INC-1", "cart", ("cart", "odd"), ("redis", "strange"), actions=["Roll back cart"])
    )
    recalled = similar(STORM, past, limit=3)
    pinned = release(SHOP, past=past, entries=runbook(("*", "*", "Look", "low")))

    assert [(s.id, s.score) for s in recalled] == [("INC-1", 0.25)]
    assert [a.text for a in recommend(STORM, ranking("cart"), recalled, pinned)] == ["Look"]


def test_what_shares_the_kinds_of_alert_offers_its_actions() -> None:
    """The same trouble under other names of metrics is the same trouble."""
    past = history(
        incident("INC-1", "redis", ("redis", "heap"), ("cart", "slow"), actions=["Raise maxmemory"])
    )
    recalled = similar(STORM, past, limit=3)

    assert recommend(STORM, ranking("redis"), recalled, release(SHOP, past=past))[0].text == "Raise maxmemory"


def test_the_fix_stands_in_for_missing_actions() -> None:
    """An incident that lists no actions still says what fixed it."""
    past = history(incident("INC-1", "cart", fix="Scaled cart to 5."), incident("INC-2", "cart"))

    found = advice("cart", past=past, similar=("INC-2", "INC-1"))

    assert [(a.text, a.risk) for a in found] == [("Scaled cart to 5.", "medium")]


def test_more_similar_incidents_come_first_and_low_risk_within_each() -> None:
    """The order of look-alikes is kept; within one, the gentler step comes first."""
    past = history(
        incident("A", "cart", actions=[("a high", "high"), ("a low", "low"), ("a medium", "medium")]),
        incident("B", "cart", actions=[("b low", "low")]),
    )

    found = advice("cart", past=past, similar=("A", "B"))

    assert [a.text for a in found] == ["a low", "a medium", "a high", "b low"]


def test_runbook_entries_come_the_most_specific_first() -> None:
    """Node kind and alert kind, then node kind, then alert kind, then what always helps."""
    entries = runbook(
        ("*", "*", "any", "low"),
        ("*", "memory", "any node, memory", "low"),
        ("cache", "*", "cache, any alert", "low"),
        ("cache", "memory", "cache, memory, risky", "high"),
        ("cache", "memory", "cache, memory", "low"),
        ("service", "memory", "another node kind", "low"),
        ("cache", "latency", "alert kind of another service", "low"),
    )

    found = advice("redis", entries=entries)

    assert [(a.text, a.source) for a in found[1:]] == [
        ("cache, memory", "runbook:cache/memory"),
        ("cache, memory, risky", "runbook:cache/memory"),
        ("cache, any alert", "runbook:cache/*"),
        ("any node, memory", "runbook:*/memory"),
        ("any", "runbook:*/*"),
    ]


def test_the_kind_with_most_signals_comes_first() -> None:
    """Of two kinds of alert the one seen in more signals leads, however often one flaps."""
    storm = cluster(
        alert("redis", "memory_used"),
        alert("redis", "memory_rss"),
        *(alert("redis", "cpu_pct", at=n) for n in range(9)),
    )
    entries = runbook(("cache", "cpu", "cpu", "low"), ("cache", "memory", "memory", "low"))

    found = advice("redis", entries=entries, storm=storm)

    assert [a.text for a in found[1:]] == ["memory", "cpu"]


def test_a_silent_candidate_gets_what_needs_no_alert() -> None:
    """A service without alerts of its own matches entries for any alert alone."""
    entries = runbook(("service", "latency", "latency", "low"), ("service", "*", "any", "low"))

    assert [a.text for a in advice("frontend", entries=entries)] == ["any"]


def test_a_service_the_graph_does_not_know_is_a_service() -> None:
    """A stranger gets the advice for services."""
    entries = runbook(("service", "*", "Restart {service}", "low"))

    assert [a.text for a in advice("stranger", entries=entries)] == ["Restart stranger"]


def test_the_name_of_the_service_is_put_in_as_plain_text() -> None:
    """A hostile name is text like any other; nothing in it or beside it is interpreted."""
    entries = runbook(("*", "*", "Restart {service} {0} {service!r} {x.y}", "low"))

    found = advice("{0.__class__}{service}", entries=entries)

    assert found[0].text == "Restart {0.__class__}{service} {0} {service!r} {x.y}"


def test_the_runbook_of_the_node_comes_before_the_table() -> None:
    """The link that the graph carries is an action with the graph as source."""
    first = advice("redis", entries=runbook(("*", "*", "any", "low")))[0]

    assert first.text == "Follow the runbook of redis: https://runbooks.example/redis"
    assert (first.risk, first.source) == ("low", "graph:redis")


def test_the_same_text_is_recommended_once() -> None:
    """Case and spaces do not make another action; the first source keeps it."""
    past = history(incident("INC-1", "cart", actions=["Roll back  cart"]))
    entries = runbook(("*", "*", "roll back {service}", "low"))

    found = advice("cart", past=past, similar=("INC-1",), entries=entries)

    assert [a.source for a in found] == ["history:INC-1"]


def test_the_past_leaves_room_for_the_runbook() -> None:
    """Where both have much to say, the past takes half of the places; where advice is short, more."""
    past = history(incident("INC-1", "cart", actions=[f"did {n}" for n in range(9)]))
    entries = runbook(*(("*", "*", f"step {n}", "low") for n in range(9)))

    both = advice("cart", past=past, similar=("INC-1",), entries=entries, limit=4)
    short = advice("cart", past=past, similar=("INC-1",), entries=entries[:1], limit=4)

    assert [a.text for a in both] == ["did 0", "did 1", "step 0", "step 1"]
    assert [a.text for a in short] == ["did 0", "did 1", "did 2", "step 0"]


def test_no_more_than_the_limit_is_recommended() -> None:
    """The limit of the release holds, none included."""
    entries = runbook(*(("*", "*", f"step {n}", "low") for n in range(9)))

    assert [len(advice("cart", entries=entries, limit=n)) for n in (0, 1, 6)] == [0, 1, 6]


def test_ids_name_text_and_source() -> None:
    """The same advice from the same source has one id; other text or source has another."""
    past = history(incident("A", "cart", actions=["one", "two"]), incident("B", "cart", actions=["one"]))

    first = advice("cart", past=past, similar=("A",))
    again = advice("cart", past=past, similar=("A",), storm=cluster(alert("cart")))
    other = advice("cart", past=past, similar=("B",))

    assert first == again
    assert len({a.id for a in (*first, *other)}) == 3
