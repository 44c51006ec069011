"""What goes to a language model and what comes back, as values; and the two ways of not getting an answer.

Whoever asks knows nothing of HTTP, and whoever talks HTTP nothing of diagnoses. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from aiops_rca.domain.narrative import Usage

PART = "llm"  # of an answer, in `degraded`
OUR_FAULT = "a fault of the service; see its log"

# why a step failed: the labels of `aiops_llm_failures_total`
TIMEOUT, SERVER, RATE_LIMIT, PARSE_ERROR = "timeout", "5xx", "rate_limit", "parse_error"
AUTH, CIRCUIT_OPEN, CLIENT_ERROR = "auth", "circuit_open", "client_error"
FAILURES = (TIMEOUT, SERVER, RATE_LIMIT, PARSE_ERROR, AUTH, CIRCUIT_OPEN, CLIENT_ERROR)

# why nobody was asked: the labels of `aiops_llm_skips_total`
NO_KEY, FLAG_OFF, CONFIDENT, EMPTY = "no_key", "flag_off", "confident", "empty"
TOO_MANY, LONE, UNCHANGED, RESOLVED = "too_many", "lone_signal", "unchanged", "resolved"
BUSY = "busy"  # too many wait already, or there was no time left
CALLS_MINUTE, CALLS_DAY = "calls_per_minute", "calls_per_day"
TOKENS_MINUTE, TOKENS_DAY = "tokens_per_minute", "tokens_per_day"
BUDGETS = (CALLS_MINUTE, CALLS_DAY, TOKENS_MINUTE, TOKENS_DAY)
SKIPS = (NO_KEY, FLAG_OFF, CONFIDENT, EMPTY, TOO_MANY, LONE, UNCHANGED, RESOLVED, BUSY, *BUDGETS)


_NOTHING: Mapping[str, int] = {}


class Request(NamedTuple):
    """One question. *body* is JSON: the arguments of `messages.create`, everything that decides the answer.

    *key* is the SHA-256 (hex) of ids and body in canonical form: equal questions have equal keys.
    *tokens* is a high guess at what the call will take, input and output together.
    """

    body: Mapping[str, Any]
    key: str
    tokens: int


class Reply(NamedTuple):
    """What the model said. *kinds* are the types of its content blocks, *text* all text blocks as one."""

    stop_reason: str | None
    kinds: tuple[str, ...]
    text: str
    usage: Usage


class StepError(Exception):
    """The step failed: *reason* is one of `FAILURES`, *detail* words that are safe to show and to log.

    *dropped* counts what of an answer did not check out, where that is why.
    """

    def __init__(self, reason: str, detail: str, dropped: Mapping[str, int] = _NOTHING) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.dropped = dropped


class NotAskedError(Exception):
    """Nobody was asked: *reason* is one of `SKIPS`, *detail* says more to a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
