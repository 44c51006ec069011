"""Which group an alert's kind belongs to: a symptom layer, or evidence local to its service. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from aiops_rca.domain.alert import Alert
from aiops_rca.domain.kinds import kind_of

LATENCY = "lat"
ERRORS = "err"
RESOURCE = "res"
NETWORK = "net"
TRAFFIC = "traf"
LOG = "log"
OTHER = "oth"
LAYERS = (ERRORS, LATENCY)
LOCAL = frozenset((RESOURCE, OTHER, LOG, NETWORK))

_GROUP_OF_KIND: Mapping[str, str] = {
    "latency": LATENCY,
    "error": ERRORS,
    "availability": ERRORS,
    "cpu": RESOURCE,
    "memory": RESOURCE,
    "disk": RESOURCE,
    "network": NETWORK,
    "traffic": TRAFFIC,
    "log": LOG,
    "other": OTHER,
}


def group_of(alert: Alert) -> str:
    """Return the group of the alert's kind."""
    return _GROUP_OF_KIND[kind_of(alert.metric, alert.labels)]
