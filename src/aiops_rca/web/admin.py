"""`/admin/llm`: whether the language model may be asked, switched at run time, from this machine alone."""

from __future__ import annotations

import asyncio
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
_FROM_ELSEWHERE = ("forwarded", "via", "x-real-ip")  # and whatever begins with x-forwarded-


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
    """`GET` and `PUT /admin/llm`. *save_sec* is how long an answer waits for the database."""

    def __init__(self, allowance: Allowance, settings: Llm, *, now: Now, save_sec: float = _SAVE_SEC) -> None:
        self._allowance, self._settings, self._now, self._save_sec = allowance, settings, now, save_sec
        self._terms = SkipTerms(settings.skip_from, settings.skip_record, settings.skip_right)

    def add_to(self, app: FastAPI) -> None:
        """Add the routes, with what each takes and may answer."""
        shown = {200: shows("SwitchOut", "As it is now"), **refusals(403)}
        turned = {**shown, **refusals(403, 408, 413, 415, 422)}
        body = takes("SwitchIn", required=True)
        app.get("/admin/llm", responses=shown, tags=["admin"])(self.llm)
        app.put("/admin/llm", responses=turned, openapi_extra=body, tags=["admin"])(self.switch_llm)

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
        saving = asyncio.get_running_loop().run_in_executor(None, self._allowance.save)
        await asyncio.wait({saving}, timeout=self._save_sec)
        return reply(self._shown())

    def _shown(self) -> SwitchOut:
        allowance, settings = self._allowance, self._settings
        switch, record, unsaved = allowance.switch, allowance.record, allowance.unsaved
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
            degraded=[DegradedOut("switch", f"holds in this process only: {unsaved}")] if unsaved else [],
        )


def _local_only(request: Request) -> None:
    """Refuse whoever is not on this machine, as far as anybody can tell. Raises RcaError "forbidden".

    A proxy on this machine speaks for others and says so in a header; a page in a browser on this machine
    may have had its own name point here, and then names that as the host.
    """
    headers = request.headers
    hosts = headers.getlist("host")
    passed_on = any(name in _FROM_ELSEWHERE or name.startswith("x-forwarded-") for name in headers)
    here = request.client is not None and _is_loopback(request.client.host)
    if passed_on or not here or len(hosts) != 1 or not _names_loopback(hosts[0]):
        raise RcaError("only from the machine itself, by the name localhost or 127.0.0.1", code="forbidden")


def _names_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
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
