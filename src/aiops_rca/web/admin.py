"""`/admin/llm`: whether the language model may be asked, switched at run time, from this machine alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response

from aiops_rca.domain.errors import RcaError
from aiops_rca.domain.record import TrackRecord
from aiops_rca.domain.switch import Switch
from aiops_rca.enrich.gate import SkipTerms
from aiops_rca.report import rfc3339
from aiops_rca.settings import Llm
from aiops_rca.web.asking import Now, refusals, reply, shows, takes
from aiops_rca.wire import DegradedOut, decode
from aiops_rca.wire.admin import RecordOut, SwitchIn, SwitchOut

_SAVE_SEC = 3.0
_PATH = "/admin/llm"
# What the plain clients of people and scripts send, and a browser whose address line was used. No list could
# hold every header by which some proxy tells for whom it speaks; of these, none is one.
_PLAIN = frozenset(
    "accept accept-charset accept-encoding accept-language authorization cache-control connection"
    " content-length content-type cookie date dnt expect host keep-alive pragma priority sec-gpc te"
    " transfer-encoding upgrade-insecure-requests user-agent traceparent tracestate x-request-id".split()
)
_OF_BROWSERS = ("sec-ch-", "sec-fetch-")
_OWN_SITES = ("none", "same-origin")


class Allowance(Protocol):
    """The switch; see `narrator.allowance.Allowance`."""

    setting: bool

    @property
    def enabled(self) -> bool:
        """Whether the model may be asked."""
        ...

    @property
    def switch(self) -> Switch:
        """As it was turned last."""
        ...

    @property
    def record(self) -> TrackRecord:
        """How often confident diagnoses were right."""
        ...

    @property
    def seen(self) -> bool:
        """Whether it is known how the switch was left."""
        ...

    @property
    def unsaved(self) -> str | None:
        """Why other processes have not heard of the switch."""
        ...

    def put(self, *, enabled: bool | None, at: int, by: str = "") -> None:
        """Turn it in this process, at once."""
        ...

    def save(self) -> None:
        """Tell the others; blocks."""
        ...


class AdminPages:
    """`GET` and `PUT /admin/llm`. *save_sec* is how long an answer waits for the database.

    *beside* is the one thread that waits for it: however often the switch is turned while the database hangs,
    nothing else is held up.
    """

    def __init__(
        self,
        allowance: Allowance,
        settings: Llm,
        *,
        now: Now,
        beside: Executor,
        save_sec: float = _SAVE_SEC,
    ) -> None:
        self._allowance, self._settings, self._now, self._save_sec = allowance, settings, now, save_sec
        self._beside = beside
        self._saving: Future[None] | None = None  # the last one, begun or not
        self._terms = SkipTerms(settings.skip_from, settings.skip_record, settings.skip_right)

    def add_to(self, app: FastAPI) -> None:
        """Add the routes, with what each takes and may answer."""
        shown = {200: shows("SwitchOut", "As it is now"), **refusals(403)}
        turned = {**shown, **refusals(403, 408, 413, 415, 422)}
        body = takes("SwitchIn", required=True)
        app.get(_PATH, responses=shown, tags=["admin"])(self.llm)
        app.put(_PATH, responses=turned, openapi_extra=body, tags=["admin"])(self.switch_llm)

    async def llm(self, request: Request) -> Response:
        """Whether the language model may be asked, and who says so."""
        _local_only(request)
        return reply(self._shown())

    async def switch_llm(self, request: Request) -> Response:
        """Turn the language model on or off, from the next request on; other processes follow in seconds."""
        _local_only(request)
        body = decode(await request.body(), SwitchIn)
        self._allowance.put(enabled=body.enabled, at=self._now(), by=body.by.strip())
        # A database that hangs must not: the switch holds already, and saving goes on.
        await self._wait_for(self._saved())
        return reply(self._shown())

    def _saved(self) -> Future[None]:
        """A saving that begins after now; all who come until it does share it."""
        saving = self._saving
        if saving is None or saving.running() or saving.done():
            saving = self._saving = self._beside.submit(self._allowance.save)
        return saving

    async def _wait_for(self, saving: Future[None]) -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop may have ended since
                loop.call_soon_threadsafe(done.set)

        saving.add_done_callback(tell)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._save_sec):
                await done.wait()
        if saving.done():
            saving.result()

    def _shown(self) -> SwitchOut:
        allowance, settings = self._allowance, self._settings
        switch, record = allowance.switch, allowance.record
        switched = switch.enabled is not None
        return SwitchOut(
            enabled=allowance.enabled,
            decided_by="switch" if switched else "setting",
            since=rfc3339(switch.at) if switched else None,
            by=switch.by if switched and switch.by else None,
            setting=allowance.setting,
            model=settings.model,
            key=settings.api_key is not None,
            record=RecordOut(record.right, record.told, round(record.at_least, 3)),
            skipping=self._terms.trusts(record),
            degraded=list(self._degraded()),
        )

    def _degraded(self) -> Iterator[DegradedOut]:
        if (unsaved := self._allowance.unsaved) is not None:
            yield DegradedOut("switch", f"holds in this process only: {unsaved}")
        if not self._allowance.seen:
            yield DegradedOut("switch", "could not be read yet, and nobody is asked before it is")


def _local_only(request: Request) -> None:
    """Refuse whoever is not on this machine, as far as anybody can tell. Raises RcaError "forbidden".

    A proxy on this machine speaks for others and says so in some header, or speaks HTTP/1.0, as nginx does
    by default. A page in a browser on this machine names its origin, or its own name that it has had point
    here as the host. A proxy that hides itself cannot be told apart: it must not pass this path on.
    """
    headers, scope = request.headers, request.scope
    hosts = headers.getlist("host")
    here = request.client is not None and _is_loopback(request.client.host)
    if not here or len(hosts) != 1 or not _names_loopback(hosts[0]):
        raise RcaError("only from the machine itself, by the name localhost or 127.0.0.1", code="forbidden")
    if scope["http_version"] in ("0.9", "1.0") or scope.get("raw_path") != _PATH.encode():
        raise RcaError(f"only by HTTP/1.1, and as {_PATH}: no proxy may pass it on", code="forbidden")
    if foreign := next((name for name in headers if not _is_plain(name, headers[name])), None):
        raise RcaError(f"not with the header {foreign[:64]}: no proxy and no page may ask", code="forbidden")


def _is_plain(name: str, value: str) -> bool:
    if name == "sec-fetch-site":
        return value in _OWN_SITES
    return name in _PLAIN or name.startswith(_OF_BROWSERS)


def _names_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname if "@" not in host else None
    except ValueError:
        return False
    return name == "localhost" or (name is not None and _is_loopback(name))


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback
