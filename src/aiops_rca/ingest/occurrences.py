"""What a CloudEvent of no known sender says: whether it tells of an alert, which one, and its state.

Most CloudEvents are news (an order was placed, a file was written) and no alert. One tells of an alert when
its type or its data speaks of an alert, a state or a severity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiops_rca.ingest.states import fires

_BEGAN = frozenset(
    "firing fired triggered opened open raised started active activated alerting down unhealthy failed "
    "failing reopened acknowledged".split()
)
# What happens to anything, an alert or not; of these words alone nothing begins.
_NEWS = frozenset(
    "new created started start active activated in_progress true unprocessed suppressed".split()
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ALARMING = frozenset(
    "incident problem outage anomaly failure failed failing fault error warning critical degraded unhealthy "
    "violation violated breach breached crash crashed exceeded threshold down".split()
)
_ALERTS = ("alert", "alarm")  # and whatever begins with them
_OF_AN_ALERT = frozenset(
    "severity priority urgency criticality level threshold metric metricname incident incidentid".split()
)
_NAMING = frozenset(
    "id name key uid identity fingerprint dedupkey alert alertname alertid alarm alarmname rule rulename "
    "ruleid monitor monitorid check checkid checkname policy condition incidentid metric metricname resource "
    "resourceid resourcename entity component service servicename application app host hostname instance "
    "node pod container namespace cluster device region zone environment env job target".split()
)
_CHANGING = frozenset("severity priority level urgency status state value".split())
_LONGEST_TYPE = 1024


def stem_of(kind: str) -> tuple[str, bool | None]:
    """An event's type without its last word where that is a state, and whether that word means firing."""
    stem, _, last = kind.rpartition(".")
    word = last.lower()
    firing = True if word in _BEGAN else fires(last)
    return (stem, firing) if stem and (firing is False or word in _BEGAN) else (kind, firing)


def is_alert(kind: str, data: object) -> bool:
    """Whether the type *kind* or *data* speaks of an alert, a state or a severity."""
    last = kind.rpartition(".")[2].lower()
    if (last in _BEGAN or fires(last) is not None) and last not in _NEWS:
        return True
    words = {word.lower() for word in _WORD.findall(kind[:_LONGEST_TYPE])}
    return not _ALARMING.isdisjoint(words) or any(map(_is_alarm, words)) or _tells(data)


def naming(data: Mapping[str, Any], besides: str) -> Iterator[str]:
    """What of *data* says which alert it is: the same when it begins and when it ends.

    *besides* is the event's own id, which may be repeated there and says nothing.
    """
    labels = data.get("labels")
    for name, value in sorted(labels.items()) if isinstance(labels, dict) else ():
        if name.lower() not in _CHANGING and (word := _word(value)):
            yield f"labels.{name}={word}"
    for name, value in sorted(data.items()):
        if _squeezed(name) in _NAMING and (word := _word(value)) and word != besides:
            yield f"{name}={word}"


def _tells(data: object) -> bool:
    if not isinstance(data, dict):
        return False
    if fires(data.get("status")) is not None or fires(data.get("state")) is not None:
        return True
    labels = data.get("labels")
    names = [*data.items(), *(labels.items() if isinstance(labels, dict) else ())]
    told = (_squeezed(name) for name, value in names if value is not None and value != "")
    return any(name in _OF_AN_ALERT or _is_alarm(name) for name in told)


def _is_alarm(word: str) -> bool:
    return word.startswith(_ALERTS)


def _squeezed(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _word(said: object) -> str:
    """Text or a whole number; of an object its name."""
    word = said.get("id") or said.get("name") if isinstance(said, dict) else said
    return str(word)[:_LONGEST_TYPE] if isinstance(word, str | int) and not isinstance(word, bool) else ""
