"""The model's reply, checked against the dossier it was asked about: what does not check out is dropped.

A reply of the wrong shape, or one of which nothing is left, is a `parse_error`. No detail of an error holds
a word of the model's. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from aiops_rca.domain.candidate import Evidence
from aiops_rca.domain.narrative import Sentence
from aiops_rca.enrich.asking import PARSE_ERROR, Reply, StepError
from aiops_rca.enrich.claims import Ground
from aiops_rca.enrich.cleaning import clean
from aiops_rca.enrich.dossier import HISTORY, SYMPTOM, Cited, Dossier
from aiops_rca.enrich.grounding import REASONS, unfit, ungrounded
from aiops_rca.enrich.prompt import CONTRADICTS, NONE, NOVEL, SUPPORTS

T = TypeVar("T")

# what is dropped, besides sentences and proposals for one of the `grounding.REASONS`
UNKNOWN_ID, UNCITED, SURPLUS, REPEATED = "unknown_id", "uncited", "surplus", "repeated"
UNTRUSTED = "untrusted"  # an action or proposal, where somebody seems to talk to the model
DROPS = (*REASONS, UNKNOWN_ID, UNCITED, SURPLUS, REPEATED, UNTRUSTED)

_SENTENCES, _CITED, _FIRST_ACTIONS, _PROPOSALS = 5, 6, 3, 2
_LONGEST_REPLY = 40_000  # characters
_TEXT_LIMIT = 1000  # of one sentence, before it is judged too long
_LOOKED_AT = 20  # sentences, and as many steps: nobody sends more in earnest
_THOUGHT = frozenset({"thinking", "redacted_thinking"})
_STOPS: Mapping[str | None, str] = {
    "max_tokens": "the answer was cut off",
    "refusal": "the model refused",
    "tool_use": "the model asked for a tool",
    "model_context_window_exceeded": "the question was too long",
}
_OWN_CITATION = re.compile(r"\s*[\[(]\s*E\d{1,2}(?:\s*(?:,|and|&|-)\s*E\d{1,2})*\s*[\])]")


class _Weighed(msgspec.Struct, forbid_unknown_fields=True):
    evidence_id: str
    candidate: str
    effect: Literal["supports", "contradicts", "neutral"]


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    evidence: list[str]


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    action_id: str
    text: str


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    evidence: list[_Weighed]
    root_cause: str
    sentences: list[_Said]
    actions: list[_Step]
    suspicious_input: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What is left of a reply. *choice* is the place of the candidate voted for; None: the model names none.

    *supports* are genuine pieces about the chosen one itself, *contradicts* all that speak against it.
    *suspicious*: the model takes some text for an instruction to it. *dropped* counts by `DROPS`.
    """

    sentences: tuple[Sentence, ...]
    first_actions: tuple[str, ...]
    proposals: tuple[str, ...]
    choice: int | None
    supports: tuple[Evidence, ...]
    contradicts: tuple[Evidence, ...]
    suspicious: bool
    dropped: Mapping[str, int]


def read(reply: Reply, dossier: Dossier) -> Reading:
    """Check *reply* to the question about *dossier*.

    Raises StepError (`parse_error`, with what was dropped) where it is cut off, refused, not of the
    agreed shape, votes for a candidate that is not there, or has no sentence that checks out.
    """
    try:
        answer = _parsed(reply)
        dropped: Counter[str] = Counter()
        choice = _choice(answer.root_cause, dossier)
        sentences = tuple(_sentences(answer.sentences, dossier, dropped))
    except ValueError as error:
        raise StepError(PARSE_ERROR, str(error)) from None
    if not sentences:
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(dropped.items()))
        raise StepError(PARSE_ERROR, f"no sentence checks out ({why or 'none given'})", dropped)
    supports, contradicts = _weighed(answer.evidence, choice, dossier, dropped)
    trusted = not (answer.suspicious_input or dossier.tampering)
    return Reading(
        sentences=sentences,
        first_actions=tuple(_first_actions(answer.actions, dossier, dropped, trusted=trusted)),
        proposals=tuple(_proposals(answer.actions, dossier, dropped, trusted=trusted)),
        choice=choice,
        supports=supports,
        contradicts=contradicts,
        suspicious=answer.suspicious_input,
        dropped=dict(sorted(dropped.items())),
    )


def _parsed(reply: Reply) -> _Answer:
    """The answer in *reply*; ValueError, in words fit to be shown, where there is none."""
    if reply.stop_reason != "end_turn":
        raise ValueError(_STOPS.get(reply.stop_reason, "the model stopped for another reason"))
    kinds = set(reply.kinds) - _THOUGHT
    if kinds != {"text"}:
        raise ValueError("the answer holds other things than text" if kinds else "the answer is empty")
    if len(reply.text) > _LONGEST_REPLY:
        raise ValueError("the answer is far too long")
    try:
        return msgspec.json.decode(reply.text.encode("utf-8", "replace"), type=_Answer)
    except msgspec.ValidationError:
        raise ValueError("the answer is not of the agreed shape") from None
    except msgspec.DecodeError:
        raise ValueError("the answer is not JSON") from None


def _choice(word: str, dossier: Dossier) -> int | None:
    if word == NONE:
        return None
    place = _place(word, "C", dossier.candidates)
    if place is None:
        raise ValueError("the answer names a candidate that is not there")
    return place


def _place(word: str, letter: str, known: Sequence[object]) -> int | None:
    """The place in *known* that an id such as `E7` stands for."""
    number = word[1:]
    if word[:1] != letter or not number.isascii() or not number.isdigit() or number[0] == "0":
        return None
    place = int(number[:4]) - 1
    return place if place < len(known) else None


def _known(words: Iterable[str], dossier: Dossier, dropped: Counter[str]) -> list[Cited]:
    """The evidence that ids in *words* stand for, each once."""
    found: dict[int, Cited] = {}
    for word in words:
        place = _place(word, "E", dossier.evidence)
        if place is None:
            dropped[UNKNOWN_ID] += 1
        else:
            found[place] = dossier.evidence[place]
    return [*found.values()][:_CITED]


def _sentences(given: Sequence[_Said], dossier: Dossier, dropped: Counter[str]) -> Iterator[Sentence]:
    texts: set[str] = set()
    for said in _first(given, dropped):
        cited = _known(said.evidence, dossier, dropped)
        text = _OWN_CITATION.sub("", clean(said.text, _TEXT_LIMIT, names=dossier.others)).strip()
        reason = UNCITED if not cited else ungrounded(text, ground_of(cited, dossier))
        if reason is None and text.casefold() in texts:
            reason = REPEATED
        if reason is None and len(texts) >= _SENTENCES:
            reason = SURPLUS
        if reason is None:
            texts.add(text.casefold())
            yield Sentence(text, tuple(piece.piece for piece in cited))
        else:
            dropped[reason] += 1


def _first(given: Sequence[T], dropped: Counter[str]) -> Sequence[T]:
    """The first of *given*; checking takes time, and an answer may hold thousands."""
    if len(given) > _LOOKED_AT:
        dropped[SURPLUS] += len(given) - _LOOKED_AT
    return given[:_LOOKED_AT]


def ground_of(cited: Iterable[Cited], dossier: Dossier, *, also: tuple[str, ...] = ()) -> Ground:
    """What a sentence may speak of that cites *cited* of *dossier*; *also* are texts besides."""
    pieces = [*cited]
    return Ground(
        texts=(*(piece.text for piece in pieces), *also),
        quoted=tuple(quote for piece in pieces for quote in piece.quoted),
        services=frozenset(dossier.names[piece.piece.service] for piece in pieces),
        names=frozenset(dossier.names.values()),
        others=dossier.others,
        past="\n".join(quote for piece in pieces if piece.piece.kind == HISTORY for quote in piece.quoted),
    )


def _titles(dossier: Dossier) -> tuple[str, ...]:
    """What else a proposal may speak of: known actions, and all services."""
    return (*(clean(action.text) for action in dossier.actions), *sorted(dossier.names.values()))


def _weighed(
    given: Iterable[_Weighed], choice: int | None, dossier: Dossier, dropped: Counter[str]
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """What speaks for the chosen candidate, and what against it; one piece never does both."""
    found: dict[str, dict[int, Evidence]] = {SUPPORTS: {}, CONTRADICTS: {}}
    for row in given:
        place = _place(row.evidence_id, "E", dossier.evidence)
        candidate = _place(row.candidate, "C", dossier.candidates)
        if place is None or candidate is None:
            dropped[UNKNOWN_ID] += 1
        elif candidate == choice and row.effect in found:
            found[row.effect][place] = dossier.evidence[place].piece
    against = found[CONTRADICTS]
    chosen = dossier.candidates[choice].candidate.service if choice is not None else None
    own = (
        piece
        for place, piece in sorted(found[SUPPORTS].items())
        if place not in against and piece.service == chosen and piece.kind != SYMPTOM
    )
    return tuple(own), tuple(piece for _, piece in sorted(against.items()))


def _first_actions(
    given: Iterable[_Step], dossier: Dossier, dropped: Counter[str], *, trusted: bool
) -> list[str]:
    found: dict[str, None] = {}
    for step in given:
        if step.action_id == NOVEL:
            continue
        place = _place(step.action_id, "A", dossier.actions)
        if place is None or not trusted:
            dropped[UNKNOWN_ID if place is None else UNTRUSTED] += 1
        else:
            found[dossier.actions[place].id] = None
    return [*found][:_FIRST_ACTIONS]


def _proposals(
    given: Iterable[_Step], dossier: Dossier, dropped: Counter[str], *, trusted: bool
) -> Iterator[str]:
    """New steps that hold nothing the dossier does not; none at all where somebody talks to the model."""
    texts: set[str] = set()
    ground = ground_of(dossier.evidence, dossier, also=_titles(dossier))
    for step in _first([step for step in given if step.action_id == NOVEL], dropped):
        text = clean(step.text, _TEXT_LIMIT, names=dossier.others)
        reason = unfit(text, ground) if trusted else UNTRUSTED
        if reason is None and (text.casefold() in texts or len(texts) >= _PROPOSALS):
            reason = SURPLUS
        if reason is None:
            texts.add(text.casefold())
            yield text
        else:
            dropped[reason] += 1
