"""Write fitted weights as the ranker file a release reads, with what each feature means."""

from __future__ import annotations

from pathlib import Path

from aiops_rca.domain.release import RankerWeights

_MEANING = {
    "alerting": "1 if the service alerts at all",
    "lg_flow": "blame that stays here when it starts where users feel it",
    "lg_flow_all": "blame that stays here when it starts at every symptom",
    "res_top": "share of the resource metrics (cpu, memory, disk) on which it is the strongest",
    "lg_res": "its share of the strength of the resource alerts",
    "lg_loc": "the same over all local alerts: resources, network, logs and the rest",
    "passive": "-1 for external services, load balancers and gateways: they pass faults on",
    "lg_silflow": "blame credited to a service without an alert by its callers",
}
_HEADER = """\
# Weights of the ranking method `logit`: score = sum of weight * feature, one term each in every answer.
# lg_ features are shares in [0, 1] on a logarithmic scale. Weights are >= 0.
# Fitted on labelled cases by `aiops-rca evaluate --cases FILE... --graphs DIR --save-weights FILE`.

# Softmax temperature: confidence = 0.95 * softmax(score / temperature) + 0.05 / candidates.
"""


def write_ranker(path: Path, ranker: RankerWeights) -> None:
    """Write *ranker* to *path* as YAML, weights to three decimals."""
    path.write_text(document(ranker), encoding="utf-8")


def document(ranker: RankerWeights) -> str:
    """Return the file's text."""
    weights = "".join(
        f"  {name + ':':<13}{weight:.3f}  # {_MEANING[name]}\n" for name, weight in ranker.weights.items()
    )
    return f"{_HEADER}temperature: {ranker.temperature:g}\n\nweights:\n{weights}"
