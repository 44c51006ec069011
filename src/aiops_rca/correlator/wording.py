"""What people are told of incidents: plain texts from an incident and its last diagnosis.

Pure. Names and reasons come from alerts, so from anybody: none of it can break a line, mention people,
make a link or turn a text around, and everything is capped.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from aiops_rca.correlator.coalescing import (
    ENDS,
    EXPIRED,
    OPENED,
    OVER,
    REOPENED,
    ROOT_CAUSE,
    SNOOZE_OVER,
    WORSE,
)
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.diagnosis import PROBABLE
from aiops_rca.live.records import RESOLVED, DiagnosisRecord, IncidentRecord
from aiops_rca.report import rfc3339
from aiops_rca.wire.live import DiagnosisOut

_TITLE = 120
_BODY = 1900  # the smallest of the large receivers takes 2,000 characters
_LINE = 240
_NAME = 80
_NAMES = 8
_POINTS = 3
_LISTED = 12
_LISTED_LINE = 120
_PERSON = 30
_DOCUMENT = msgspec.json.Decoder(DiagnosisOut)
_TURN = {
    OPENED: "opened",
    REOPENED: "reopened",
    WORSE: "got worse",
    SNOOZE_OVER: "still open after its snooze",
    ROOT_CAUSE: "root cause changed",
    EXPIRED: "not heard of any more",
    OVER: "resolved",
}
# What chat programs read as a mention, a link or markup, as signs that only look like it.
_HARMLESS = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'", "[": "(", "]": ")", "*": "∗"})  # noqa: RUF001


class Telling(NamedTuple):
    """One incident to tell of, and what has happened to it; *heard_at* is when it was last heard of."""

    occasion: str
    record: IncidentRecord
    diagnosis: DiagnosisRecord | None
    heard_at: int | None = None


class Message(NamedTuple):
    """A message in plain text; *tone* is bad, warning or good."""

    title: str
    body: str
    tone: str


def message(told: Sequence[Telling], *, base_url: str | None) -> Message:
    """One message about *told*, which is not empty: in full about one incident, else a line for each.

    *base_url* is where people reach the service; with it the message ends in a link.
    """
    if len(told) == 1:
        return _alone(told[0], base_url)
    return _digest(sorted(told, key=_weight), base_url)


def plain(text: str, limit: int) -> str:
    """*text* on one line, at most *limit* characters, with nothing in it that a receiver would act on."""
    seen = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text[: 4 * limit])
    words = " ".join(seen.translate(_HARMLESS).replace("://", ": //").split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def _alone(telling: Telling, base_url: str | None) -> Message:
    record, diagnosis = telling.record, telling.diagnosis
    title = f"{record.max_severity.word.upper()}: incident {_turn(telling)}: {_about(telling)}"
    signals = _counted(record.signal_count, "signal")
    lines = [
        *_standing(telling),
        *([_cause(diagnosis)] if diagnosis else ["No diagnosis yet."]),
        *(_reasons(diagnosis) if diagnosis else ()),
        f"Services: {_listing(record.services)}",
        f"Alerts: {record.alert_count} of {signals}, {record.open_alerts} still firing",
        *(["Incomplete: a sender left out alerts."] if record.partial else ()),
        _times(telling),
        _link(record.id, base_url),
    ]
    return Message(plain(title, _TITLE), _fitting(lines), _tone(telling))


def _digest(told: Sequence[Telling], base_url: str | None) -> Message:
    turns = Counter(_TURN[telling.occasion] for telling in told)
    counts = ", ".join(f"{turns[turn]} {turn}" for turn in _TURN.values() if turns[turn])
    lines = [
        *(_line(telling) for telling in told[:_LISTED]),
        *([f"... and {len(told) - _LISTED} more"] if len(told) > _LISTED else ()),
        *([f"{base_url.rstrip('/')}/incidents"] if base_url else ()),
    ]
    tones = [_tone(telling) for telling in told]
    worst = next(tone for tone in ("bad", "warning", "good") if tone in tones)
    return Message(f"{len(told)} incidents: {counts}", _fitting(lines), worst)


def _line(telling: Telling) -> str:
    record = telling.record
    text = (
        f"- {record.max_severity.word}, {_turn(telling)}: {_about(telling)},"
        f" {_counted(record.alert_count, 'alert')} in {_counted(len(record.services), 'service')}"
    )
    return f"{text[:_LISTED_LINE]} ({record.id})"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _turn(telling: Telling) -> str:
    """What has happened, in a few words: since when, or by whom, where that is known."""
    if telling.occasion == EXPIRED and telling.heard_at is not None:
        return f"not heard of since {rfc3339(telling.heard_at)}"
    if telling.occasion == OVER and telling.record.resolved_by:
        return f"resolved by {plain(telling.record.resolved_by, _PERSON)}"
    return _TURN[telling.occasion]


def _standing(telling: Telling) -> list[str]:
    """What the title leaves open about how it stands now."""
    if telling.occasion == WORSE:
        return [f"Severity: now {telling.record.max_severity.word}"]
    if telling.occasion == EXPIRED:
        return ["Nobody has said that it is over: its sender has fallen silent. See whether it still is."]
    return []


def _about(telling: Telling) -> str:
    """The incident in a few words: its probable cause, else where it shows."""
    record, diagnosis = telling.record, telling.diagnosis
    if diagnosis and diagnosis.verdict == PROBABLE:
        return f"{plain(diagnosis.root_cause, _NAME)} is the probable cause"
    first = plain(record.services[0], _NAME) if record.services else "no service"
    others = len(record.services) - 1
    return f"{first} and {others} more" if others > 0 else first


def _cause(diagnosis: DiagnosisRecord) -> str:
    name, share = plain(diagnosis.root_cause, _NAME), f"{round(100 * diagnosis.confidence)} %"
    if diagnosis.verdict == PROBABLE:
        return f"Probable root cause: {name} ({share})"
    return f"Root cause not clear. First suspect: {name} ({share})"


def _reasons(diagnosis: DiagnosisRecord) -> list[str]:
    """Why, how it spread, what to do, and where it was seen; nothing if the document cannot be read."""
    try:
        document = _DOCUMENT.decode(diagnosis.document)
    except msgspec.DecodeError:  # written by another version; the record's own fields were shown
        return []
    cause = document.root_cause
    path = [step.source for step in cause.path] + [step.target for step in cause.path[-1:]]
    return [
        *(f"- {plain(evidence.text, _LINE)}" for evidence in cause.evidence[:_POINTS]),
        *([f"Path: {' > '.join(plain(name, _NAME) for name in path[:_NAMES])}"] if path else ()),
        *(
            f"Next: {plain(action.text, _LINE)} (risk {plain(action.risk, _NAME)})"
            for action in document.recommended_actions[:_POINTS]
        ),
        *(
            f"Seen before: {plain(similar.id, _NAME)}, cause {plain(similar.root_cause, _NAME)},"
            f" fix: {plain(similar.fix, _LINE)}"
            for similar in document.similar_incidents[:1]
        ),
    ]


def _listing(names: Sequence[str]) -> str:
    more = len(names) - _NAMES
    shown = ", ".join(plain(name, _NAME) for name in names[:_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def _times(telling: Telling) -> str:
    record = telling.record
    opened = f"Opened {rfc3339(record.opened_at)}"
    if record.status != RESOLVED or record.resolved_at is None:
        return opened
    if telling.occasion == EXPIRED:
        return f"{opened}, taken to be over since {rfc3339(record.resolved_at)}"
    by = f" by {plain(record.resolved_by, _NAME)}" if record.resolved_by else ""
    return f"{opened}, resolved {rfc3339(record.resolved_at)}{by}"


def _link(incident: str, base_url: str | None) -> str:
    return f"{base_url.rstrip('/')}/incidents/{incident}" if base_url else f"Incident {incident}"


def _tone(telling: Telling) -> str:
    if telling.occasion == EXPIRED:
        return "warning"  # whether it is over nobody knows
    if telling.occasion == OVER or telling.record.status == RESOLVED:
        return "good"
    return "bad" if telling.record.max_severity >= Severity.ERROR else "warning"


def _weight(telling: Telling) -> tuple[bool, int, int, str]:
    """Sorts the open before the over, then the loudest and the oldest first."""
    record = telling.record
    return telling.occasion in ENDS, -record.max_severity, record.opened_at, record.id


def _fitting(lines: Iterable[str]) -> str:
    """*lines* under each other, within the cap; the last one, which leads to the incident, always stays."""
    *body, last = lines
    room = _BODY - len(last) - 1
    kept: list[str] = []
    for line in body:
        if len(line) + 1 > room:
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join([*kept, last])
