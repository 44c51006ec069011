"""Every way in which a provider fails, over real HTTP: the right reason, in time, in few requests."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any, NamedTuple

import pytest

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.narrative import Usage
from aiops_rca.enrich.asking import (
    AUTH,
    BUSY,
    CLIENT_ERROR,
    PARSE_ERROR,
    RATE_LIMIT,
    SERVER,
    TIMEOUT,
    Reply,
    StepError,
)
from aiops_rca.settings import Llm
from asked import Desk, desk, inherited, question, settings
from provider import (
    Provider,
    Step,
    cut,
    drip,
    empty,
    endless,
    err,
    gzip_bomb,
    hang,
    html,
    malformed,
    ok,
    raw,
    refusal,
    spend_limit,
    tool_use,
    truncated,
)

SHORT = 0.25  # seconds for questions that get no answer
SLACK = 0.75


class Case(NamedTuple):
    """What the provider does, and what becomes of the question."""

    steps: tuple[Step, ...]
    reason: str
    detail: str
    requests: int
    seconds: float = 2.0


MOVED = err(302, {"location": "/elsewhere"})
SOON = {"retry-after-ms": "10"}
CASES = {
    "hanging": Case((hang(),), TIMEOUT, "no answer in time", 1, SHORT),
    "dripping": Case((drip(0.02),), TIMEOUT, "no answer in time", 1, SHORT),
    "429, come back tomorrow": Case((err(429, {"retry-after": "100000"}),), RATE_LIMIT, "429", 1),
    "429, come back on a date": Case(
        (err(429, {"retry-after": "Sun, 22 Nov 2026 00:00:00 GMT"}),), RATE_LIMIT, "429", 1
    ),
    "429 twice": Case((err(429, {"retry-after": "0"}),) * 2, RATE_LIMIT, "429", 2),
    "429, spend limit": Case((spend_limit(),), RATE_LIMIT, "429 enforced_spend_limit_reached", 1),
    "429, ramp limit": Case(
        (err(429, code="ramp_limit_exceeded"),), RATE_LIMIT, "429 ramp_limit_exceeded", 1
    ),
    "429, another code": Case((err(429, SOON, code="sk-ant"),) * 2, RATE_LIMIT, "429", 2),
    "500 twice": Case((err(500, SOON),) * 2, SERVER, "500", 2),
    "500, do not retry": Case((err(500, {"x-should-retry": "false"}),), SERVER, "500", 1),
    "503 for ten seconds": Case((err(503, {"retry-after": "10"}),), SERVER, "503", 1),
    "529 twice": Case((err(529, SOON),) * 2, SERVER, "529", 2),
    "529, page of a gateway": Case((err(529, SOON, b"<html>overloaded"),) * 2, SERVER, "529", 2),
    "408 twice": Case((err(408, SOON),) * 2, TIMEOUT, "408", 2),
    "504 twice": Case((err(504, SOON),) * 2, TIMEOUT, "504", 2),
    "409 twice": Case((err(409, SOON),) * 2, SERVER, "409", 2),
    "401": Case((err(401),), AUTH, "401", 1),
    "402": Case((err(402),), AUTH, "402", 1),
    "403": Case((err(403),), AUTH, "403", 1),
    "404, no such model": Case((err(404),), CLIENT_ERROR, "404", 1),
    "400": Case((err(400),), CLIENT_ERROR, "400", 1),
    "413": Case((err(413),), CLIENT_ERROR, "413", 1),
    "302": Case((MOVED,), CLIENT_ERROR, "302", 1),
    "malformed JSON": Case((malformed(),), PARSE_ERROR, "the answer is no message of the API", 1),
    "empty body": Case((empty(),), PARSE_ERROR, "the answer is no message of the API", 1),
    "HTML with 200": Case((html(),), PARSE_ERROR, "the answer is no message of the API", 1),
    "another object": Case((raw(b'{"foo": 1}'),), PARSE_ERROR, "the answer is no message of the API", 1),
    "deep JSON": Case(
        (raw(b'{"type": "message", "x": ' + b"[" * 100_000),),
        PARSE_ERROR,
        "the answer is no message of the API",
        1,
    ),
    "truncated": Case((truncated(),), PARSE_ERROR, "not ended", 1),
    "refusal": Case((refusal(),), PARSE_ERROR, "not ended", 1),
    "tool use": Case((tool_use(),), PARSE_ERROR, "not ended", 1),
    "a body without an end": Case((endless(),), PARSE_ERROR, "the answer is too long", 1),
    "503 without an end": Case((endless(503),) * 2, SERVER, "503", 2),
    "a gzip bomb": Case((gzip_bomb(),), PARSE_ERROR, "the answer is compressed, which was not asked for", 1),
    "400 with a gzip bomb": Case((gzip_bomb(1, status=400),), CLIENT_ERROR, "400", 1),
    "closed half way": Case((cut(), cut()), SERVER, "no connection, or it broke (RemoteProtocolError)", 2),
}


def failure(url: str, llm: dict[str, Any]) -> tuple[StepError, float, Desk]:
    """Ask one question; how it failed, and after how many seconds."""

    async def run() -> tuple[StepError, float, Desk]:
        async with desk(url, **llm) as at:
            began = time.monotonic()
            with pytest.raises(StepError) as caught:
                await at.reply()
            return caught.value, time.monotonic() - began, at

    return asyncio.run(run())


def answer(fake: Provider, **llm: Any) -> Reply:
    """Ask one question and get an answer."""

    async def run() -> Reply:
        async with desk(fake.url, **llm) as at:
            return await at.reply()

    return asyncio.run(run())


@pytest.mark.parametrize("name", CASES)
def test_each_failure_has_its_reason(name: str) -> None:
    """Reason and detail are those of the failure, in time, after as many requests as may help."""
    case = CASES[name]
    with Provider() as fake:
        fake.script(*case.steps)
        error, seconds, at = failure(fake.url, {"timeout_s": case.seconds})
        requests = len(fake.requests)

    assert (error.reason, error.detail, requests) == (case.reason, case.detail, case.requests)
    assert fake.refused == []
    assert seconds < at.llm.timeout_s + SLACK
    assert at.figure("requests_total") == case.requests
    assert at.figure("latency_seconds_count") == case.requests


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("refused", "no connection, or it broke (ConnectionRefusedError)"),
        ("no such host", "no connection, or it broke (gaierror)"),
        ("no TLS", "no connection, or it broke (SSLError)"),
    ],
)
def test_a_provider_out_of_reach_is_a_failure_of_the_server(name: str, detail: str) -> None:
    """A closed port, a name that nobody knows and a port without TLS count as 5xx, at once."""
    with Provider() as fake:
        urls = {"no such host": f"http://{'a' * 64}.invalid", "no TLS": f"https://127.0.0.1:{fake.port}"}
        if name == "refused":
            fake.close()
        error, seconds, _ = failure(urls.get(name, fake.url), {})

    assert (error.reason, error.detail) == (SERVER, detail)
    assert seconds < 1.0


def test_the_wrong_key_is_refused() -> None:
    """A key that the provider does not know counts as auth."""
    with Provider(key="another") as fake:
        error, _, _ = failure(fake.url, {})

    assert (error.reason, fake.refused) == (AUTH, ["authentication"])


@pytest.mark.parametrize(
    "first",
    [err(529), err(500, SOON), err(429, SOON), err(429, {"retry-after": "0"}), err(408, SOON), cut()],
    ids=["529", "500", "429", "429, at once", "408", "cut"],
)
def test_a_second_attempt_may_answer(first: Step) -> None:
    """What passes is tried a second time."""
    with Provider() as fake:
        fake.script(first)
        reply = answer(fake)

    assert reply.stop_reason == "end_turn"
    assert len(fake.requests) == 2


def test_no_second_attempt_begins_too_late() -> None:
    """With less time left than an answer takes, the first failure is the last."""
    with Provider() as fake:
        fake.script(hang(0.3, then=err(529, SOON)))
        error, seconds, _ = failure(fake.url, {"timeout_s": 0.4})

    assert (error.reason, len(fake.requests)) == (SERVER, 1)
    assert seconds < 1.0


def test_nobody_waits_long_for_a_second_attempt() -> None:
    """A provider that wants three seconds of peace is left alone, although there would be time."""
    with Provider() as fake:
        fake.script(err(429, {"retry-after": "3"}))
        error, seconds, _ = failure(fake.url, {"timeout_s": 10.0})

    assert (error.reason, len(fake.requests)) == (RATE_LIMIT, 1)
    assert seconds < 1.0


def test_a_slow_answer_is_an_answer() -> None:
    """One that comes within the time is taken; text, kinds and usage are the provider's."""
    with Provider() as fake:
        fake.script(hang(0.2, then=ok("slow but sure")))
        reply = answer(fake)

    sent = fake.requests[0]
    assert reply == Reply(
        "end_turn", ("text",), "slow but sure", Usage(-(-len(json.dumps(sent.json)) // 4), 4)
    )


def test_the_body_goes_out_as_it_was_given() -> None:
    """What leaves is the question's body, and nothing beside it."""
    with Provider() as fake:
        answer(fake)

    assert fake.requests[0].json == question().body


def test_a_question_without_time_is_not_sent() -> None:
    """A deadline that is too near for any answer ends it at once, at no cost; nobody is blamed."""

    async def run(url: str) -> list[str]:
        async with desk(url, calls_per_minute=1) as at:
            return [await at.ask(seconds=0.1), await at.ask(seconds=-1.0), await at.ask()]

    with Provider() as fake:
        reasons = asyncio.run(run(fake.url))

    assert reasons == [BUSY, BUSY, "answered"]
    assert len(fake.requests) == 1


def test_an_address_that_cannot_be_used_is_named() -> None:
    """Half an address, which no settings let pass, is still an error of the settings."""
    with pytest.raises(InputError) as caught:
        Desk(settings("http://a").model_copy(update={"base_url": "http://[::1"}))

    assert caught.value.field == "llm.base_url"


def test_there_is_no_asker_without_a_key() -> None:
    """Settings without a key are refused by name."""
    with pytest.raises(InputError) as caught:
        Desk(Llm())

    assert caught.value.field == "ANTHROPIC_API_KEY"


UNUSABLE = """
import os, sys
from aiops_rca.domain.errors import InputError
from asked import Desk, settings
for name, value in zip(sys.argv[1::2], sys.argv[2::2]):
    os.environ[name] = value
    try:
        Desk(settings("https://model.invalid"))
    except InputError as error:
        print(error)
    del os.environ[name]
"""


def test_an_environment_that_cannot_be_used_is_told_as_one() -> None:
    """Certificates or a proxy that will not do end in the one error of settings, without their names."""
    given = ("SSL_CERT_FILE", "/nowhere", "SSL_CERT_FILE", __file__, "HTTPS_PROXY", "socks5://127.0.0.1:1")
    done = subprocess.run(
        [sys.executable, "-c", UNUSABLE, *given],
        env=inherited(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    certificates, proxy = (
        f"the {what} in the environment cannot be used" for what in ("certificates", "proxy")
    )
    assert done.stdout.splitlines() == [f"llm.base_url: {says}" for says in (*2 * [certificates], proxy)]
    assert done.stderr == ""
