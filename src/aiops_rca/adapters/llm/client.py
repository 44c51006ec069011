"""One HTTP request to the Anthropic API through its SDK: a reply, or a named fault as a value.

Nothing but the settings decides what leaves and where to: no telemetry, no headers or address from the
environment, no redirects. A fault holds no word of the provider's, and no exception of the SDK gets out.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import Any

import httpx2

from aiops_rca.adapters.llm.bounds import PLAIN, UnreadableError, bound
from aiops_rca.adapters.llm.faults import NO_ANSWER, Fault, of_connection, of_status
from aiops_rca.adapters.llm.reading import read
from aiops_rca.domain.errors import InputError
from aiops_rca.enrich.asking import PARSE_ERROR, TIMEOUT, Reply
from aiops_rca.settings import Llm

CONNECT_SEC = 1.5
POOL_SEC = 0.5
_OWN_HEADER = "x-stainless-raw-response"  # how the SDK knows that it was asked for the answer as it came


class Client:
    """A pool of connections to one provider; one instance per event loop.

    Raises InputError, and nothing else, where `llm.base_url`, or a proxy or certificates that the environment
    names, cannot be used.
    """

    def __init__(self, settings: Llm) -> None:
        import anthropic  # noqa: PLC0415 - a second and 75 MB that nobody pays who has no key

        _hush()
        self._errors = anthropic
        self._anthropic = anthropic.AsyncAnthropic(
            api_key=_key(settings),
            base_url=settings.base_url,
            max_retries=0,  # retries are the caller's: the SDK would sleep for as long as `retry-after` says
            open_telemetry={"traces": {"enabled": False}, "propagation": False},
            http_client=_connections(settings),
        )
        # ANTHROPIC_CUSTOM_HEADERS would go out with each request, and even replace the key
        self._anthropic._custom_headers = {}  # noqa: SLF001

    async def send(self, body: Mapping[str, Any], seconds: float) -> Reply | Fault:
        """Send one request and wait at most *seconds* for all of the answer."""
        try:
            async with asyncio.timeout(seconds):  # the SDK's own limit starts anew with each byte
                answer = await self._anthropic.messages.with_raw_response.create(
                    **body, timeout=_limits(seconds)
                )
        except TimeoutError:
            return Fault(TIMEOUT, NO_ANSWER)
        except self._errors.APIStatusError as error:
            return of_status(error.status_code, error.response.headers, error.error_code)
        except self._errors.APIConnectionError as error:
            cause = error.__cause__
            unread = isinstance(cause, UnreadableError)
            return Fault(PARSE_ERROR, str(cause)) if unread else of_connection(cause)
        return read(answer.status_code, answer.http_response.content)

    async def close(self) -> None:
        """Close all connections."""
        await self._anthropic.close()


def _key(settings: Llm) -> str:
    if settings.api_key is None:
        raise InputError("is needed to ask a language model", field="ANTHROPIC_API_KEY")
    return settings.api_key.get_secret_value()


async def _keep_to_ourselves(request: httpx2.Request) -> None:
    """Take out what the SDK tells of this machine: system, processor, versions. One it reads itself."""
    told = [name for name in request.headers if name.startswith("x-stainless-") and name != _OWN_HEADER]
    for name in told:
        del request.headers[name]


def _connections(settings: Llm) -> httpx2.AsyncClient:
    """The HTTP client below the SDK.

    Proxies of the environment (HTTPS_PROXY, NO_PROXY) hold for https alone: there a proxy passes on what it
    cannot read, and often is the only way out. With http it would be handed the key and the question.
    """
    secure = settings.base_url.startswith("https:")
    try:
        return httpx2.AsyncClient(
            base_url=settings.base_url,
            follow_redirects=False,
            trust_env=secure,
            verify=True if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # no certificates to load
            limits=httpx2.Limits(max_connections=settings.max_in_flight + 1),  # 1: the probe
            headers={"accept-encoding": PLAIN},
            event_hooks={"request": [_keep_to_ourselves], "response": [bound]},
        )
    except httpx2.InvalidURL:
        fault = InputError("is no URL", field="llm.base_url")
    except OSError:  # of ssl too
        fault = InputError("the certificates in the environment cannot be used", field="llm.base_url")
    except (ImportError, ValueError):
        fault = InputError("the proxy in the environment cannot be used", field="llm.base_url")
    raise fault


def _limits(seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(seconds, connect=min(CONNECT_SEC, seconds), pool=min(POOL_SEC, seconds))


def _hush() -> None:
    """Keep questions, answers and headers out of the log, whatever level it or ANTHROPIC_LOG asks for."""
    for name in ("anthropic", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
