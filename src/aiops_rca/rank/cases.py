"""The case for each of the best candidates, as strong as it can be made: what a second opinion weighs.

`rank` explains its first candidate; here each is explained as if it were the first. Pure.
"""

from __future__ import annotations

from aiops_rca.domain.candidate import Candidate, Case, Ranking
from aiops_rca.domain.cluster import Cluster
from aiops_rca.domain.release import Release
from aiops_rca.rank.explain import Outlook, explain
from aiops_rca.rank.flow import blame
from aiops_rca.rank.path import find_path
from aiops_rca.rank.prior import NO_LOOK_ALIKES, prior_of
from aiops_rca.rank.strength import measure


def cases(
    cluster: Cluster, ranking: Ranking, release: Release, *, target: str | None = None, count: int = 5
) -> tuple[Case, ...]:
    """Return the cases for the first *count* candidates of *ranking*, in its order.

    The first one is the ranking's own. *target* is what the ranking was made with.
    """
    if not ranking.candidates:
        return ()
    first, *rivals = ranking.candidates[:count]
    prior = prior_of(release.history)
    signals = measure(cluster.alerts, prior.rarity)
    flow = blame(signals, release.graph, target)
    past = release.parameters.rca_method == "logit"  # PageRank does not look at it
    alike = prior.look_alikes(cluster.alerts) if past else NO_LOOK_ALIKES

    def case(rival: Candidate) -> Case:
        path = find_path(rival.service, release.graph, signals, flow)
        outlook = Outlook((rival,), path, flow.links)
        return Case(rival, path, explain(cluster, release, signals, outlook, alike, target))

    return (Case(first, ranking.path, ranking.evidence), *map(case, rivals))
