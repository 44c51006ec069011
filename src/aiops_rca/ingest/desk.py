"""What a sender said of one alert, to an alert event: service, metric, severity, identity, times.

Everything that depends on the settings and the graph stands here, so that an adapter only knows its sender.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from aiops_rca.domain.alert import LabelValue, Severity
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import SEVERITY_UNKNOWN, UNMAPPED, AlertEvent
from aiops_rca.domain.fingerprint import Ignored, fingerprint
from aiops_rca.ingest.body import Body
from aiops_rca.ingest.moment import span
from aiops_rca.ingest.places import UNKNOWN, Places
from aiops_rca.ingest.severity import Severities
from aiops_rca.settings import Settings

_LABELS = 64
_LABEL_LENGTH = 1024
_UNKNOWN_LENGTH = 200
_SUMMARY_LENGTH = 500
_LINK_LENGTH = 2048
_INT64 = 2**63
_METRIC_LABELS = ("metric", "alertname", "alert_name", "rulename", "__name__")
_SEVERITY_LABELS = ("severity", "priority", "level")
_UNNAMED = "alert"

# The labels of an alert are the same in every body that tells of it, so they are read once. Bounded in
# number and size, because anybody may send.
_CACHED = 8192
_CACHED_BYTES = 2048

_TEXT_LABELS = msgspec.json.Decoder(dict[str, str])  # what Alertmanager sends
_ANY_LABELS = msgspec.json.Decoder(dict[str, Any])
_NUL = b"\\u0000"
_SHORT_BYTES = 1024  # labels of which none can be too long


class Said(NamedTuple):
    """What a sender says of one alert, in its own words; nothing of it is checked.

    *services* are names given outside the labels, *places* weaker hints (a host). *metric* counts where no
    label names one. *severity* is a value of `Severity` or any word, None to look in the labels.
    *identity* is the sender's own lasting name of the alert; without one its labels are. *flags* are added.
    """

    labels: Mapping[str, object]
    resolved: bool
    metric: str = ""
    services: Sequence[str] = ()
    places: Sequence[str] = ()
    severity: object = None
    identity: str = ""
    starts_at: object = None
    ends_at: object = None
    value: object = None
    threshold: object = None
    summary: object = ""
    link: object = ""
    flags: tuple[str, ...] = ()


_OF_LABELS = Said({}, resolved=False)


class Named(NamedTuple):
    """What the labels of an alert say, which stays while its times and values change."""

    service: str
    metric: str
    severity: Severity
    labels: Mapping[str, LabelValue]
    fingerprint: str
    flags: tuple[str, ...]


class Desk:
    """Reads what adapters take from bodies, for one graph: *nodes* are the names of its services."""

    def __init__(self, settings: Settings, nodes: Collection[str]) -> None:
        self._places = Places(
            nodes, labels=settings.ingest.service_labels, aliases=settings.ingest.service_aliases
        )
        self.severities = Severities(settings.severities)
        self._ignore = Ignored(settings.measuring_labels)
        self._skew_ms = settings.ingest.skew_tolerance_sec * 1000
        self._known = lru_cache(maxsize=_CACHED)(self._from_json)

    def named(self, raw: bytes) -> Named:
        """Read the labels in the JSON object *raw*; raises msgspec.DecodeError or InputError."""
        return self._known(raw) if len(raw) <= _CACHED_BYTES else self._from_json(raw)

    def event(self, body: Body, said: Said) -> AlertEvent:
        """The event of *said*, an alert of *body*."""
        return self.stamped(
            body,
            self._name(said, scalars(said.labels), body.source),
            resolved=said.resolved,
            starts=said.starts_at,
            ends=said.ends_at,
            value=number(said.value),
            threshold=number(said.threshold),
            summary=said.summary,
            link=said.link,
            flags=said.flags,
        )

    def stamped(
        self,
        body: Body,
        named: Named,
        *,
        resolved: bool,
        starts: object,
        ends: object,
        value: float | None,
        threshold: float | None,
        summary: object,
        link: object,
        flags: tuple[str, ...] = (),
    ) -> AlertEvent:
        """The event of an alert whose labels are read already."""
        lasted = span(starts, ends, resolved=resolved, latest=body.received_at + self._skew_ms)
        more = (*lasted.flags, *flags)
        return AlertEvent(
            body.source,
            named.fingerprint,
            named.service,
            named.metric,
            named.severity,
            resolved,
            lasted.starts_at,
            lasted.ends_at,
            value,
            threshold,
            named.labels,
            tuple(sorted({*named.flags, *more})) if more else named.flags,
            text(summary, _SUMMARY_LENGTH),
            _web_link(link),
        )

    def _from_json(self, raw: bytes) -> Named:
        try:
            labels: Mapping[str, LabelValue] = _TEXT_LABELS.decode(raw)
            sound = _NUL not in raw
        except msgspec.ValidationError:
            labels, sound = _ANY_LABELS.decode(raw), False
        if not labels:
            raise InputError("no labels", field="labels")
        return self._name(_OF_LABELS, labels if sound else scalars(labels), short=len(raw) <= _SHORT_BYTES)

    def _name(
        self, said: Said, labels: Mapping[str, LabelValue], source: str = "", *, short: bool = False
    ) -> Named:
        place = self._places.find(labels, first=said.services, last=said.places)
        metric = _metric(labels, said.metric)
        severity_label, severity, known = self._severity(labels, said.severity)
        service = text(place.service, _LABEL_LENGTH) or UNKNOWN
        if service == UNKNOWN and not place.mapped:  # of its own for each rule: they have nothing in common
            service = f"{UNKNOWN}/{metric}"[:_UNKNOWN_LENGTH]
        own = {"service": service, "metric": metric}
        kept = {k: v for k, v in labels.items() if k != severity_label and (k not in own or v != own[k])}
        identity = (
            fingerprint("", "", {"source": source, "identity": said.identity})
            if said.identity
            else fingerprint(service, metric, kept, ignore=self._ignore)
        )
        flags: tuple[str, ...] = () if place.mapped else (UNMAPPED,)
        if not known:
            flags = (SEVERITY_UNKNOWN, *flags)
        within = kept if short and len(kept) <= _LABELS else _capped(kept)
        return Named(service, metric, severity, within, identity, flags)

    def _severity(self, labels: Mapping[str, LabelValue], said: object) -> tuple[str, Severity, bool]:
        """(the label it was read from, what it says, whether the word is known)."""
        if isinstance(said, Severity):
            return "severity", said, True
        if said is not None and (found := self.severities.read(said)) is not None:
            return "severity", found, True
        for label in _SEVERITY_LABELS:
            read = self.severities.read_priority if label == "priority" else self.severities.read
            if label in labels and (found := read(labels[label])) is not None:
                return label, found, True
        said_nothing = said in (None, "") and labels.get("severity") in (None, "")
        return "severity", Severity.WARNING, said_nothing


def scalars(labels: Mapping[str, object]) -> dict[str, LabelValue]:
    """What of *labels* an event can hold: text without NUL, finite numbers of 64 bits, truth values."""
    found: dict[str, LabelValue] = {}
    for key, value in labels.items():
        if isinstance(value, str):
            found[_sound(key)] = _sound(value)
        elif isinstance(value, bool):
            found[_sound(key)] = value
        elif isinstance(value, int):
            found[_sound(key)] = value if -_INT64 <= value < _INT64 else str(value)[:_LABEL_LENGTH]
        elif isinstance(value, float) and math.isfinite(value):
            found[_sound(key)] = value
    return found


def number(said: object) -> float | None:
    """*said* as a finite number; None when it is none."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    try:
        value = float(said)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def text(said: object, limit: int) -> str:
    """*said* as text of at most *limit* characters, fit for any store; nothing but text counts."""
    return _sound(said[:limit]) if isinstance(said, str) else ""


def _sound(said: str) -> str:
    return said.replace("\x00", "\ufffd") if "\x00" in said else said


def _metric(labels: Mapping[str, LabelValue], given: str) -> str:
    """The label `metric`, else the sender's word for it, else the first label that names a rule."""
    for name in (_METRIC_LABELS[0], "", *_METRIC_LABELS[1:]):
        said = labels.get(name) if name else given
        if isinstance(said, str) and said:
            return text(said, _LABEL_LENGTH)
    return _UNNAMED


def _capped(labels: dict[str, LabelValue]) -> dict[str, LabelValue]:
    """*labels* within what an event may hold; which ones stay does not depend on their order."""
    longest = max(map(_length, chain(labels, labels.values())), default=0)
    if len(labels) <= _LABELS and longest <= _LABEL_LENGTH:
        return labels
    kept = sorted(labels)[:_LABELS]
    return {
        key[:_LABEL_LENGTH]: value[:_LABEL_LENGTH] if isinstance(value := labels[key], str) else value
        for key in kept
    }


def _length(value: LabelValue) -> int:
    return len(value) if isinstance(value, str) else 0


def _web_link(said: object) -> str:
    """*said* where it is an address of the web: it will be shown to people, who may follow it."""
    if isinstance(said, str) and said[:8].lower().startswith(("http://", "https://")):
        return text(said, _LINK_LENGTH)
    return ""
