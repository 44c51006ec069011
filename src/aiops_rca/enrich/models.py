"""What is known of language models: how to ask each for a short answer without long thought, and its price.

A model that is not in the table is asked with nothing special and has no price: better none than a wrong one.
Source: the vendor's model pages of November 2026 (platform.claude.com/docs/en/models).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiops_rca.domain.narrative import Usage

_ANSWER_TOKENS = 1500  # the longest answer that is asked for takes about 1000
_SMALL_TOKENS = 2000  # the same in the tokens of Claude 4.7 and later, which are a quarter smaller
_THOUGHT_TOKENS = 4096  # where thinking cannot be switched off it counts as output
_CACHE_WRITE, _CACHE_READ = 1.25, 0.1  # prices relative to input; entries that live five minutes
_MTOK = 1_000_000

# gateways and clouds put things around the name; neither they nor a snapshot's date change what it can do
_AROUND = re.compile(
    r"\A(?:(?:[a-z]+\.)?anthropic[./])?(?P<name>claude-[a-z]+-\d(?:-\d)?)(?:[-@]20\d{6})?(?:-v\d+:\d+)?\Z"
)


class Model(NamedTuple):
    """How to ask a model. *extra* are arguments of `messages.create` besides the usual ones.

    Prices are in US dollars per million tokens; None where unknown.
    """

    max_tokens: int
    extra: Mapping[str, Any]
    usd_in: float | None
    usd_out: float | None


def model_of(name: str) -> Model:
    """What is known of the model *name*; of a stranger, that it may think and has no price."""
    found = _AROUND.match(name)
    return _MODELS.get(found["name"], _STRANGER) if found else _STRANGER


def cost_usd(model: Model, usage: Usage) -> float | None:
    """What a call with *usage* costs in US dollars; None where the price of *model* is unknown."""
    if model.usd_in is None or model.usd_out is None:
        return None
    read = usage.input + usage.cache_write * _CACHE_WRITE + usage.cache_read * _CACHE_READ
    return (read * model.usd_in + usage.output * model.usd_out) / _MTOK


def _plain(usd_in: float, usd_out: float, *, max_tokens: int = _ANSWER_TOKENS) -> Model:
    """Does not think unless asked to."""
    return Model(max_tokens, {}, usd_in, usd_out)


def _quiet(usd_in: float, usd_out: float, *, thinking: str = "disabled") -> Model:
    """Thinks unless told not to."""
    extra = {"thinking": {"type": thinking}, "output_config": {"effort": "low"}}
    return Model(_SMALL_TOKENS, extra, usd_in, usd_out)


def _thinking(usd_in: float, usd_out: float) -> Model:
    """Always thinks; the best that can be had is little of it."""
    return Model(_THOUGHT_TOKENS, {"output_config": {"effort": "low"}}, usd_in, usd_out)


_STRANGER = Model(_THOUGHT_TOKENS, {}, None, None)
_MODELS: Mapping[str, Model] = {
    "claude-haiku-5-5": _quiet(0.10, 0.50),  # prompts up to 100,000 tokens: ours always are
    "claude-haiku-4-5": _plain(1.0, 5.0),
    "claude-sonnet-5-5": _quiet(2.0, 10.0, thinking="between_tools"),  # answers 400 to `disabled`
    "claude-sonnet-5": _quiet(2.0, 10.0),
    "claude-sonnet-4-6": _plain(3.0, 15.0),
    "claude-sonnet-4-5": _plain(3.0, 15.0),
    "claude-opus-5-5": _thinking(4.0, 20.0),
    "claude-opus-5": _quiet(5.0, 25.0),
    "claude-opus-4-8": _plain(5.0, 25.0, max_tokens=_SMALL_TOKENS),
    "claude-opus-4-7": _plain(5.0, 25.0, max_tokens=_SMALL_TOKENS),
    "claude-opus-4-6": _plain(5.0, 25.0),
    "claude-opus-4-5": _plain(5.0, 25.0),
    "claude-fable-5-2": _thinking(8.0, 40.0),
    "claude-fable-5-1": _thinking(10.0, 50.0),
}
