"""What can go wrong with one request to the provider, under the names that metrics and answers use.

A fault is told in words of ours: of what the provider says only codes of its own pass, never a message. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from aiops_rca.enrich.asking import AUTH, CLIENT_ERROR, RATE_LIMIT, SERVER, TIMEOUT

_SPENT = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}){0,3}_spend_limit_reached")
_RAMP = "ramp_limit_exceeded"  # more in a short time than an organisation of its size may ask
NO_ANSWER = "no answer in time"
_REFUSED = (401, 402, 403)
_SLOW = (408, 504)
_NO_SUCH_MODEL = 404
_NOT_WORTH_WAITING = float("inf")


class Fault(NamedTuple):
    """Why there is no reply: *reason* is one of `asking.FAILURES`, *detail* is safe to show and to log.

    *again*: another attempt may do better, after *wait* seconds where the provider names them. *lasting*: no
    attempt will do better before somebody changes something. *sent*: the provider may have begun to work,
    and to bill.
    """

    reason: str
    detail: str
    again: bool = False
    wait: float | None = None
    lasting: bool = False
    sent: bool = True


def of_status(status: int, headers: Mapping[str, str], code: object) -> Fault:
    """The fault that an answer with this HTTP *status* stands for; *code* is the provider's `error_code`."""
    again = headers.get("x-should-retry", "").lower() != "false"
    if status == 429:
        return _too_many(headers, code, again=again)
    if status in _REFUSED:
        return Fault(AUTH, str(status), lasting=True, sent=False)
    if status in _SLOW:
        return Fault(TIMEOUT, str(status), again=again, wait=retry_after(headers))
    if status >= 500 or status == 409:
        return Fault(SERVER, str(status), again=again, wait=retry_after(headers), sent=False)
    return Fault(CLIENT_ERROR, str(status), lasting=status == _NO_SUCH_MODEL, sent=False)


def _too_many(headers: Mapping[str, str], code: object, *, again: bool) -> Fault:
    spent = _SPENT.fullmatch(code) if isinstance(code, str) else None
    if spent:  # somebody has to raise it
        return Fault(RATE_LIMIT, f"429 {spent[0]}", lasting=True, sent=False)
    if code == _RAMP:
        return Fault(RATE_LIMIT, f"429 {_RAMP}", sent=False)
    return Fault(RATE_LIMIT, "429", again=again, wait=retry_after(headers), sent=False)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """How many seconds the provider wants to be left alone; None where it does not say.

    What is no number of seconds, such as a date, counts as long: nobody waits for it.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        if name in headers:
            try:
                seconds = float(headers[name]) / unit
            except ValueError:
                return _NOT_WORTH_WAITING
            return seconds if seconds >= 0 else _NOT_WORTH_WAITING
    return None


def of_connection(cause: BaseException | None) -> Fault:
    """The fault of a connection that was not made, or that broke, for the *cause* that the SDK names."""
    kind = type(cause).__name__
    if kind == "PoolTimeout":
        return Fault(TIMEOUT, "no free connection", sent=False)
    if kind == "ConnectTimeout":
        return Fault(TIMEOUT, "no connection in time", again=True, sent=False)
    if kind in ("ReadTimeout", "WriteTimeout"):
        return Fault(TIMEOUT, NO_ANSWER)
    deepest = cause
    while deepest is not None and (below := deepest.__cause__ or deepest.__context__) is not None:
        deepest = below
    named = type(deepest or cause).__name__
    return Fault(SERVER, f"no connection, or it broke ({named})", again=True, sent=kind != "ConnectError")
