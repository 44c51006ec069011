"""What holds for whatever history and whatever storm."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.incident import IncidentHistory, PastAlert
from aiops_rca.domain.likeness import LEAST_ALIKE
from aiops_rca.domain.release import Parameters
from aiops_rca.recall.actions import recommend
from aiops_rca.recall.document import read_history
from aiops_rca.recall.index import index_of
from aiops_rca.recall.signature import signature
from aiops_rca.recall.similar import similar
from builders import alert, chain, cluster, history, incident, ranking, release, runbook

services = st.sampled_from(["a", "b", "c", "d"])
metrics = st.sampled_from(["latency_p50", "latency_p99", "error_rate", "cpu", "queue"])
signals = st.tuples(services, metrics)
risks = st.sampled_from(["low", "medium", "high"])

storms = st.lists(signals, min_size=1, max_size=12).map(
    lambda drawn: [alert(s, m, at=n, id=str(n)) for n, (s, m) in enumerate(drawn)]
)


@st.composite
def pasts(draw: st.DrawFn) -> IncidentHistory:
    """Draw a history of up to twelve incidents over few services, so that many look alike."""
    rows = draw(
        st.lists(
            st.tuples(
                st.lists(signals, min_size=1, max_size=6),
                services,
                st.lists(st.tuples(st.sampled_from(["x", "y", "z"]), risks), max_size=3),
                st.one_of(st.none(), st.integers(0, 3)),
            ),
            max_size=12,
        )
    )
    return history(
        *(
            incident(f"INC-{n}", root, *seen, actions=done, closed_at=closed)
            for n, (seen, root, done, closed) in enumerate(rows)
        )
    )


@given(storms, pasts())
def test_scores_are_in_range_and_fall(storm: list[Alert], past: IncidentHistory) -> None:
    """Scores lie between the threshold and one, have four digits and fall."""
    scores = [s.score for s in similar(cluster(*storm), past, limit=20)]

    assert all(LEAST_ALIKE <= score <= 1 and round(score, 4) == score for score in scores)
    assert all(a >= b for a, b in pairwise(scores))


@given(storms, pasts(), st.randoms(use_true_random=False))
def test_order_of_alerts_does_not_matter(
    storm: list[Alert], past: IncidentHistory, rng: random.Random
) -> None:
    """Any order of the same alerts recalls the same, to the last digit."""
    shuffled = rng.sample(storm, len(storm))

    assert repr(similar(cluster(*storm), past, limit=9)) == repr(similar(cluster(*shuffled), past, limit=9))


@given(storms, pasts(), st.randoms(use_true_random=False))
def test_order_of_the_history_does_not_matter(
    storm: list[Alert], past: IncidentHistory, rng: random.Random
) -> None:
    """Any order of the same incidents recalls the same."""
    shuffled = history(*rng.sample(past.incidents, len(past.incidents)))

    assert similar(cluster(*storm), past, limit=9) == similar(cluster(*storm), shuffled, limit=9)


@given(pasts(), st.data())
def test_the_alerts_of_an_incident_recall_it_first(past: IncidentHistory, data: st.DataObject) -> None:
    """What happened before scores one when it happens again."""
    if not past.incidents:
        return
    before = data.draw(st.sampled_from(past.incidents))
    again = cluster(*(alert(a.service, a.metric, id=str(n)) for n, a in enumerate(before.alerts)))

    found = similar(again, past, limit=len(past.incidents))

    assert before.id in {s.id for s in found if s.score == found[0].score == 1.0}


@given(storms, pasts())
def test_signal_scores_are_the_published_cosine(storm: list[Alert], past: IncidentHistory) -> None:
    """No score is below the plain cosine of idf-weighted signals, computed the slow way."""
    count = len(past.incidents)
    sets = {i.id: {fine(a) for a in i.alerts} for i in past.incidents}
    asked = {fine(a) for a in storm}

    def square(features: set[tuple[str, str]]) -> float:
        seen = [sum(f in s for s in sets.values()) for f in sorted(features)]
        return math.fsum(math.log((count + 1) / (df + 0.5)) ** 2 for df in seen)

    found = {s.id: s.score for s in similar(cluster(*storm), past, limit=count)}

    for id_, features in sets.items():
        cosine = square(asked & features) / math.sqrt(square(asked) * square(features))
        if cosine >= LEAST_ALIKE + 0.001:
            assert found[id_] >= cosine - 0.001


@given(storms, pasts())
def test_few_and_many_shared_features_are_added_up_alike(storm: list[Alert], past: IncidentHistory) -> None:
    """Whether numpy adds up or not, the scores are the same to the last bit."""
    index = index_of(past)
    asked = signature(storm)
    shared = [feature for feature in asked if feature in index._cells]
    if not shared:
        return
    norms = index._norms(asked)

    few, many = index._near_few(shared, norms, 0.15), index._near_many(shared, norms, 0.15)

    assert list(few.items()) == list(many.items())


@given(signals, pasts())
def test_a_lone_alert_recalls_what_it_recalls_twice(signal: tuple[str, str], past: IncidentHistory) -> None:
    """What is remembered of a lone alert is what would be found anew."""
    one, two = (cluster(*(alert(*signal, id=str(n)) for n in range(count))) for count in (1, 2))

    assert similar(one, past, limit=5) == similar(two, past, limit=5)


@given(storms, pasts(), services)
def test_every_action_has_a_source_and_no_two_say_the_same(
    storm: list[Alert], past: IncidentHistory, service: str
) -> None:
    """Actions come from history, runbook or graph, each once, within the limit."""
    struck = cluster(*storm)
    pinned = release(
        chain("a", "b", "c"),
        past=past,
        entries=runbook(("*", "*", "x", "low"), ("service", "latency", "look at {service}", "high")),
        parameters=Parameters(action_limit=4),
    )

    actions = recommend(struck, ranking(service), similar(struck, past, limit=5), pinned)

    assert len(actions) <= 4
    assert all(a.source.partition(":")[0] in {"history", "runbook", "graph"} for a in actions)
    assert len({a.text for a in actions}) == len({a.id for a in actions}) == len(actions)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "root_cause", "alerts", "service", "metric", "actions", "closed_at"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3))
def test_any_json_is_read_or_refused_by_line(values: list[object]) -> None:
    """Whatever a line holds, it is an incident or an error that names the line."""
    outcome = read_or_field(values)

    assert outcome == len(values) or str(outcome).startswith("line ")


def read_or_field(values: list[object]) -> int | str | None:
    """Return how many incidents were read, or the field that was refused."""
    try:
        return len(read_history(enumerate(values, 1), version="v").incidents)
    except InputError as error:
        return error.field


def fine(seen: Alert | PastAlert) -> tuple[str, str]:
    """Return the signal of an alert, percentiles as one."""
    return seen.service, seen.metric.replace("99", "#").replace("50", "#")
