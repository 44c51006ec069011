"""What leaves, and what is said about it: no environment changes either; key and question are not told."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import generate_latest

from aiops_rca.enrich.asking import StepError
from asked import PROMPT, Desk, desk, inherited, question
from provider import BABBLE, KEY, Provider, Step, err, html, malformed, ok, raw, refusal

SECRETS = (KEY, PROMPT, BABBLE, "SAID BY THE MODEL")
HEADERS = {
    "accept",
    "accept-encoding",
    "anthropic-version",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "user-agent",
    "x-stainless-raw-response",
}
STEPS = {
    "answered": ok("SAID BY THE MODEL"),
    "an error that repeats the key": err(400, body=f'{{"error": {{"message": "{KEY}"}}}}'.encode()),
    "a code that is the key": err(429, {"retry-after": "9"}, code=KEY),
    "the server's fault": err(500, {"x-should-retry": "false"}),
    "HTML": html(),
    "malformed": malformed(),
    "a field of the wrong type": raw(json.dumps({"type": "message", "content": KEY}).encode()),
    "refused": refusal("SAID BY THE MODEL"),
}
# A process of the service's kind that traces itself, and all of whose log goes to standard error.
PROCESS = """
import asyncio, logging, os, sys
logging.basicConfig(level=logging.DEBUG)
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from asked import Desk, desk, settings

async def run():
    for url in sys.argv[1:]:
        async with desk(url, timeout_s=1.0) as at:
            print(await at.ask(), flush=True)
            logging.getLogger().setLevel(logging.DEBUG)
            print(await at.ask("another storm"), flush=True)

spans = TracerProvider()
spans.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr)))
trace.set_tracer_provider(spans)
with trace.get_tracer("service").start_as_current_span("incident"):
    asyncio.run(run())
os.environ["ALL_PROXY"] = "gopher://user:hunter2@proxy:70"
Desk(settings("https://model.invalid"))
"""


def spoken(error: BaseException) -> str:
    """All that an exception and its causes say."""
    below = (error.__cause__, error.__context__)
    own = [str(error), repr(error), *traceback.format_exception(error)]
    return "\n".join([*own, *(spoken(cause) for cause in below if cause is not None)])


@pytest.mark.parametrize("name", STEPS)
def test_neither_key_nor_question_nor_answer_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Log, exceptions with their causes, representations and metrics are free of all of them."""
    caplog.set_level(logging.DEBUG)

    async def run(url: str) -> tuple[str, Desk]:
        async with desk(url, timeout_s=0.5) as at:
            try:
                await at.reply(name)
            except StepError as error:
                return spoken(error), at
            return "", at

    with Provider() as fake:
        fake.script(STEPS[name])
        said, at = asyncio.run(run(fake.url))
    parts = (at.asker, at.asker._client, at.asker._client._anthropic, at.llm, at.metrics)
    told = "\n".join(
        [
            said,
            caplog.text,
            *(str(record.__dict__) for record in caplog.records),
            *(repr(part) for part in parts),
            generate_latest(at.registry).decode(),
        ]
    )

    assert len(fake.requests) == 1
    assert [secret for secret in SECRETS if secret in told] == []


def test_only_what_the_api_needs_goes_out() -> None:
    """Known headers, the key where it belongs, no trace of any tracing, and the body as it was given."""

    async def run(url: str) -> None:
        async with desk(url) as at:
            await at.ask()

    with Provider() as fake:
        asyncio.run(run(fake.url))
    sent = fake.requests[0]

    assert set(sent.headers) == HEADERS
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.json == question().body


@contextmanager
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that lets nobody through, and what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65_536))
                    connection.sendall(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_the_environment_changes_nothing() -> None:
    """Addresses, headers, log levels and tracing in it change neither what leaves nor what is logged.

    A proxy for https is used, and hears where to, no more; one for http is not. One that cannot be used is
    said to be so, without its address, which may hold a password.
    """
    with Provider() as fake, Provider() as elsewhere, proxy() as (way, heard):
        fake.script(ok("SAID BY THE MODEL"), err(400))
        environment = {
            "ANTHROPIC_API_KEY": "sk-ant-from-the-environment",
            "ANTHROPIC_AUTH_TOKEN": "token-from-the-environment",
            "ANTHROPIC_BASE_URL": elsewhere.url,
            "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer another\nX-Extra: from-the-environment",
            "ANTHROPIC_LOG": "debug",
            "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content",
            "HTTP_PROXY": way,
            "HTTPS_PROXY": way,
            "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
        done = subprocess.run(
            [sys.executable, "-c", PROCESS, fake.url, "https://model.invalid"],
            env={**inherited(), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.stdout.split() == ["answered", "client_error", "5xx", "5xx"], done.stderr
    assert elsewhere.requests == []
    assert [asked.json for asked in fake.requests] == [question().body, question("another storm").body]
    for asked in fake.requests:
        assert set(asked.headers) == HEADERS
        assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert "refused a request" in done.stderr  # the log is on
    assert '"name": "incident"' in done.stderr  # and so are the traces
    assert "the proxy in the environment cannot be used" in done.stderr
    assert [secret for secret in (*SECRETS, "from-the-environment", "hunter2") if secret in done.stderr] == []
    assert {line.split(b"\r\n")[0] for line in heard} == {b"CONNECT model.invalid:443 HTTP/1.1"}
    assert not [line for line in heard if b"authorization" in line.lower() or KEY.encode() in line]


@pytest.mark.parametrize("step", [ok("SAID BY THE MODEL"), err(529, {"x-should-retry": "false"})])
def test_no_log_level_opens_the_log_of_the_client(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    """Of the libraries below nothing is logged at all, however much the log asks for."""
    caplog.set_level(1)

    async def run(url: str) -> None:
        async with desk(url) as at:
            await at.ask()

    with Provider() as fake:
        fake.script(step)
        asyncio.run(run(fake.url))

    assert {record.name.split(".")[0] for record in caplog.records} <= {"aiops_rca", "asyncio"}
