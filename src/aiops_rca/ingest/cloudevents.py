"""CloudEvents 1.0 over HTTP: structured, binary (attributes in `ce-` headers) and batch.

What they carry may be the body of any other sender, or an alert in plain words. Of another event that
speaks of an alert the type is the signal, the source the place; what says nothing of alerts is taken as read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.event import RESTATED, AlertEvent
from aiops_rca.ingest.body import Body, Fault, fragment, json_object
from aiops_rca.ingest.desk import Desk, Said
from aiops_rca.ingest.generic import Generic
from aiops_rca.ingest.occurrences import is_alert, naming, stem_of

_REQUIRED = ("specversion", "id", "source", "type")
_OF_AN_EVENT = frozenset(
    "specversion id source type subject time datacontenttype dataschema data data_base64".split()
)
_OF_AN_ALERT = (
    "service metric severity status state value threshold summary message labels "
    "starts_at startsAt ends_at endsAt"
).split()
_HEADER = "ce-"
_LABEL_LENGTH = 200


class Inner(Protocol):
    """An adapter whose bodies an event may carry."""

    name: str

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:
        """Tell whether *document* is one of its bodies."""

    def read(self, body: Body, desk: Desk) -> Iterable[AlertEvent | Fault]:
        """The alerts of a body; raises InputError when it is of another kind."""


class CloudEvents:
    """Reads CloudEvents, and with the *inner* adapters what they carry."""

    name = "cloudevents"

    def __init__(self, inner: Sequence[Inner]) -> None:
        self._inner = tuple(inner)
        self._plain = Generic()

    def recognise(self, document: Any, headers: Mapping[str, str]) -> bool:
        """Tell whether the headers or the document name a version of CloudEvents."""
        if _is_binary(headers):
            return True
        events = document if isinstance(document, list) else [document]
        return any(isinstance(event, dict) and "specversion" in event for event in events)

    def read(self, body: Body, desk: Desk) -> Iterator[AlertEvent | Fault]:
        """The events of *body*; raises InputError when it is of another kind."""
        if _is_binary(body.headers):
            return self._each([_binary(body)], body, desk)
        document = body.document()
        if document != [] and not self.recognise(document, {}):  # a batch may be empty
            raise InputError("not a CloudEvent: no specversion", field="specversion")
        return self._each(document if isinstance(document, list) else [document], body, desk)

    def _each(self, events: list[Any], body: Body, desk: Desk) -> Iterator[AlertEvent | Fault]:
        for position, event in enumerate(events):
            where = f"[{position}]." if len(events) > 1 else ""
            try:
                yield from self._carried(json_object(event, "event"), body, desk)
            except InputError as error:
                alone = body.raw if _is_binary(body.headers) else fragment(event)
                yield Fault(f"{where}{error.field}", error.message, alone)

    def _carried(self, event: dict[str, Any], body: Body, desk: Desk) -> Iterator[AlertEvent | Fault]:
        for name in _REQUIRED:
            if not isinstance(event.get(name), str) or not event[name]:
                raise InputError("a CloudEvent needs it, as text", field=name)
        data = _data(event)
        for adapter in self._inner:
            if adapter.recognise(data, {}):
                raw = msgspec.json.encode(data)
                inside = adapter.read(Body(body.source, raw, {}, body.received_at), desk)
                yield from inside if _is_binary(body.headers) else _wrapped(inside, event)
                return
        if is_alert(event["type"], data):
            yield desk.event(body, self._said(event, data, body.received_at))

    def _said(self, event: Mapping[str, Any], data: object, received_at: int) -> Said:
        """An alert in plain words with what the event adds to it, else the event itself."""
        stem, firing = stem_of(event["type"])
        plain = isinstance(data, dict) and self._plain.recognise(data, {})
        row: dict[str, Any] = data if isinstance(data, dict) else {}
        if not plain:
            row = {"labels": {**_scalars(row), **_scalars(event, besides=_OF_AN_EVENT)}, **_alert_words(row)}
        row = {"status": None if firing is None else _WORDS[firing], **row}
        if not plain:
            row.setdefault("metric", stem)
            row["service"] = row.get("service") or _place(event)
        said = self._plain.said(row, received_at)
        identity = said.identity
        if subject := event.get("subject"):
            identity = "\x1f".join((event["source"], str(subject), said.metric if plain else stem))
        elif not plain:
            known = naming(data if isinstance(data, dict) else {}, event["id"])
            identity = "\x1f".join((event["source"], stem, *known))
        return _timed(said, event)._replace(identity=identity)


def _is_binary(headers: Mapping[str, str]) -> bool:
    return f"{_HEADER}specversion" in headers or f"{_HEADER}type" in headers


def _wrapped(told: Iterable[AlertEvent | Fault], event: Mapping[str, Any]) -> Iterator[AlertEvent | Fault]:
    """*told*, its faults put back into *event*, so that they can be read again."""
    attributes = {key: value for key, value in event.items() if key not in {"data", "data_base64"}}
    for one in told:
        if isinstance(one, Fault):
            yield one._replace(fragment=fragment({**attributes, "data": msgspec.Raw(one.fragment)}))
        else:
            yield one


_WORDS = {True: "firing", False: "resolved"}


def _timed(said: Said, event: Mapping[str, Any]) -> Said:
    """*said* with the time of *event* where the data has none."""
    if said.resolved:
        return said._replace(ends_at=said.ends_at or event.get("time"))
    if said.starts_at is None:
        return said._replace(starts_at=event.get("time"), flags=(RESTATED,))
    return said


def _place(event: Mapping[str, Any]) -> str:
    """The last name in the event's source: `/clusters/eu/cart` or `urn:shop:cart`."""
    source: str = event["source"].rstrip("/")
    return source.rpartition("/")[2] or source


def _alert_words(data: Mapping[str, Any]) -> dict[str, Any]:
    """What of *data* an alert would call by the same name."""
    return {word: data[word] for word in _OF_AN_ALERT if data.get(word) is not None}


def _scalars(row: Mapping[str, Any], *, besides: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {
        key: value
        for key, value in row.items()
        if key not in besides and isinstance(value, str | int | float) and len(str(value)) <= _LABEL_LENGTH
    }


def _data(event: Mapping[str, Any]) -> Any:
    """The data of *event* as JSON where it is JSON, whichever way it is packed."""
    data = event.get("data")
    packed = event.get("data_base64")
    if data is None and isinstance(packed, str):
        try:
            data = base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            return None
    if isinstance(data, str | bytes) and data[:1] in ("{", "[", b"{", b"["):
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return None
    return data if not isinstance(data, bytes) else None


def _binary(body: Body) -> dict[str, Any]:
    """The event whose attributes are headers and whose data is the body."""
    event: dict[str, Any] = {
        name.removeprefix(_HEADER): value for name, value in body.headers.items() if name.startswith(_HEADER)
    }
    event.setdefault("specversion", "1.0")
    try:
        event["data"] = body.document() if body.raw.strip() else None
    except InputError:
        if "json" in body.headers.get("content-type", "json"):
            raise
    return event
