"""`/admin/llm` on a real database: who may use it, what it shows, and what it does."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from aiops_rca.adapters.store import Switches, migrate, open_engine, places
from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.narrator.allowance import Allowance
from aiops_rca.settings import Settings
from aiops_rca.web.admin import AdminPages
from livepages import live
from stored import T0
from switching import judged, unwritable

HERE = "http://127.0.0.1:3000"
KEY = "not-a-real-key"
TOLD_BY_PROXIES = (
    *(
        "X-Client-IP",
        "Client-IP",
        "True-Client-IP",
        "X-Cluster-Client-IP",
        "X-ProxyUser-Ip",
        "WL-Proxy-Client-IP",
    ),
    *("CF-Connecting-IP", "CF-Ray", "CDN-Loop", "Fastly-Client-IP", "Fly-Client-IP", "X-Azure-ClientIP"),
    *(
        "X-Original-Forwarded-For",
        "X-Original-Host",
        "X-Original-URL",
        "X-Envoy-External-Address",
        "X-Scheme",
    ),
    *(
        "X_Forwarded_For",
        "X-Amzn-Trace-Id",
        "X-Appengine-User-Ip",
        "Proxy-Connection",
        "Max-Forwards",
        "Referer",
    ),
)
ORIGINS = ("https://page.example", "http://127.0.0.1:3000", "null")


class Beside(ThreadPoolExecutor):
    """One thread, and how often something was left to it."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """As in the class itself, counted."""
        self.given += 1
        return super().submit(*args, **kwargs)


class World:
    """The page as an ASGI application, asked without a socket: so the peer can be anybody."""

    def __init__(self, engine: Engine, **llm: Any) -> None:
        self.engine = engine
        settings = Settings.model_validate({"llm": {"skip_record": 5, "skip_right": 0.5, **llm}})
        self.allowance = Allowance(settings.use_llm, Switches(engine), confident_from=settings.llm.skip_from)
        self.allowance.look()
        self.app = FastAPI()
        self.beside = Beside()
        pages = AdminPages(self.allowance, settings.llm, now=lambda: T0, beside=self.beside, save_sec=0.2)
        pages.add_to(self.app)

    def ask(
        self,
        method: str = "GET",
        body: object = None,
        *,
        peer: str | None = "127.0.0.1",
        url: str = HERE,
        headers: dict[str, str] | None = None,
        path: str = "/admin/llm",
        version: str = "1.1",
    ) -> Any:
        """The answer as JSON; what is refused comes as the error it is raised as."""

        async def asked() -> Any:
            client = None if peer is None else (peer, 40_000)
            app = partial(self._as_sent, path=path, version=version)
            transport = httpx.ASGITransport(app, client=client)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url=url) as made:
                answer = await made.request(method, "/admin/llm", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.json()

        return asyncio.run(asked())

    async def _as_sent(self, scope: Any, receive: Any, send: Any, *, path: str, version: str) -> None:
        await self.app({**scope, "raw_path": path.encode(), "http_version": version}, receive, send)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A migrated SQLite database of incidents."""
    made = open_engine(places(None, tmp_path).incidents_url)
    migrate(made, "incidents")
    yield made
    made.dispose()


def test_it_shows_what_holds_and_why(engine: Engine) -> None:
    """Without a switch, a key or a record."""
    assert World(engine).ask() == {
        "enabled": True,
        "decided_by": "setting",
        "since": None,
        "by": None,
        "setting": True,
        "model": "claude-haiku-4-5",
        "key": False,
        "record": {"right": 0, "told": 0, "at_least": 0.0},
        "skipping": False,
        "degraded": [],
    }


def test_switching_holds_at_once_and_is_shown(engine: Engine) -> None:
    """The answer says who and when; it is what GET shows from then on, and it is in the database."""
    world = World(engine)
    answer = world.ask("PUT", {"enabled": False, "by": " ann "})

    assert not world.allowance.enabled
    assert (answer["enabled"], answer["decided_by"], answer["setting"]) == (False, "switch", True)
    assert (answer["since"], answer["by"]) == ("2025-11-20T00:53:20.000Z", "ann")
    assert world.ask() == answer
    assert Switches(engine).switch("llm").enabled is False


def test_null_gives_it_back_to_the_setting(engine: Engine) -> None:
    """As if nobody had switched it."""
    world = World(engine)
    before = world.ask()
    world.ask("PUT", {"enabled": False})

    assert world.ask("PUT", {"enabled": None}) == before


def test_it_says_whether_there_is_a_key_and_never_which(engine: Engine) -> None:
    """The key itself is in no answer."""
    shown = World(engine, api_key=KEY, model="claude-haiku-5-5").ask()

    assert (shown["key"], shown["model"]) == (True, "claude-haiku-5-5")
    assert KEY not in str(shown)


@pytest.mark.parametrize(("right", "skipping"), [(True, True), (False, False)])
def test_it_shows_the_record_and_what_it_allows(engine: Engine, right: bool, skipping: bool) -> None:  # noqa: FBT001
    """Five of five right support a share of .57 at least, and the settings here ask for .5."""
    judged(engine, right=right, confidence=0.95, count=5)
    world = World(engine)
    world.allowance.look()
    shown = world.ask()

    assert shown["record"] == {"right": 5 * right, "told": 5, "at_least": 0.566 * right}
    assert shown["skipping"] is skipping


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "enabled"),
        ({"enable": False}, "enable"),
        ({"enabled": False, "until": "noon"}, "until"),
        ({"enabled": "no"}, "enabled"),
        ([], "body"),
    ],
    ids=str,
)
def test_what_it_cannot_read_changes_nothing(engine: Engine, body: object, field: str) -> None:
    """The field is named, a key that nobody knows too."""
    world = World(engine)
    with pytest.raises(InputError) as caught:
        world.ask("PUT", body)

    assert (caught.value.field, world.ask()["decided_by"]) == (field, "setting")


@pytest.mark.parametrize(
    ("peer", "url"),
    [
        ("127.0.0.1", HERE),
        ("127.0.0.1", "http://LOCALHOST:3000"),
        ("127.8.8.8", "http://127.0.0.1"),
        ("::1", "http://[::1]:3000"),
        ("::ffff:127.0.0.1", "http://localhost"),
    ],
)
def test_this_machine_may_use_it(engine: Engine, peer: str, url: str) -> None:
    """By any of its own addresses."""
    assert World(engine).ask("PUT", {"enabled": True}, peer=peer, url=url)["decided_by"] == "switch"


@pytest.mark.parametrize(
    ("peer", "url", "headers"),
    [
        pytest.param("192.0.2.7", HERE, {}, id="another machine"),
        pytest.param("::ffff:192.0.2.7", HERE, {}, id="another machine, mapped"),
        pytest.param(None, HERE, {}, id="nobody knows who"),
        pytest.param("unix", HERE, {}, id="no address"),
        pytest.param("127.0.0.1", "http://rebound.example:3000", {}, id="a name that points here"),
        pytest.param("127.0.0.1", "http://127.0.0.1.example:3000", {}, id="a name that looks like it"),
        pytest.param("127.0.0.1", "http://192.0.2.2:3000", {}, id="by its address for others"),
        pytest.param("127.0.0.1", HERE, {"host": ""}, id="no host"),
        pytest.param("127.0.0.1", HERE, {"host": "[::1"}, id="a broken host"),
        pytest.param("127.0.0.1", HERE, {"host": "rebound.example@localhost"}, id="a user and a host"),
        pytest.param("127.0.0.1", HERE, {"X-Forwarded-For": "127.0.0.1"}, id="through a proxy"),
        pytest.param("127.0.0.1", HERE, {"X-Forwarded-Proto": "https"}, id="through another proxy"),
        pytest.param("127.0.0.1", HERE, {"Forwarded": "for=127.0.0.1"}, id="through a modern proxy"),
        pytest.param("127.0.0.1", HERE, {"X-Real-IP": "127.0.0.1"}, id="through nginx"),
        pytest.param("127.0.0.1", HERE, {"Via": "1.1 proxy"}, id="through a cache"),
        pytest.param("127.0.0.1", HERE, {"Sec-Fetch-Site": "same-site"}, id="a page of this machine"),
        *(pytest.param("127.0.0.1", HERE, {name: "127.0.0.1"}, id=name) for name in TOLD_BY_PROXIES),
        *(pytest.param("127.0.0.1", HERE, {"Origin": origin}, id=origin) for origin in ORIGINS),
    ],
)
def test_nobody_else_may(engine: Engine, peer: str | None, url: str, headers: dict[str, str]) -> None:
    """Neither look nor switch, whatever the body says."""
    world = World(engine)
    with pytest.raises(RcaError) as looked:
        world.ask("GET", peer=peer, url=url, headers=headers)
    with pytest.raises(RcaError) as turned:
        world.ask("PUT", {"enabled": False}, peer=peer, url=url, headers=headers)

    assert (looked.value.code, turned.value.code) == ("forbidden", "forbidden")
    assert world.allowance.enabled


@pytest.mark.parametrize(
    "changed",
    [
        {"version": "1.0"},
        {"version": "0.9"},
        {"path": "/admin%2fllm"},
        {"path": "/%61dmin/llm"},
        {"path": "http://127.0.0.1:3000/admin/llm"},
    ],
    ids=str,
)
def test_as_only_proxies_ask_nobody_may(engine: Engine, changed: dict[str, Any]) -> None:
    """By HTTP/1.0, as nginx asks by default, or for a path that a filter before it would not know."""
    world = World(engine)
    with pytest.raises(RcaError) as caught:
        world.ask("PUT", {"enabled": False}, **changed)

    assert caught.value.code == "forbidden"
    assert world.allowance.enabled


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": "curl/8.5.0", "accept": "*/*", "expect": "100-continue"},
        {"connection": "close", "user-agent": "Python-urllib/3.11", "accept-encoding": "identity"},
        {
            "sec-fetch-site": "none",
            "sec-fetch-mode": "navigate",
            "sec-ch-ua": "x",
            "cookie": "a=b",
            "dnt": "1",
        },
    ],
    ids=["curl", "urllib", "a browser's address line"],
)
def test_plain_clients_may(engine: Engine, headers: dict[str, str]) -> None:
    """What they send of their own is no sign of a proxy."""
    assert not World(engine).ask("PUT", {"enabled": False}, headers=headers)["enabled"]


def test_it_tells_while_the_switch_could_not_be_read(engine: Engine) -> None:
    """Nobody is asked then, and the answer says why."""
    world = World(engine)
    world.allowance = Allowance(True, Switches(engine), confident_from=0.9)  # noqa: FBT003 - the setting
    world.app = FastAPI()
    AdminPages(world.allowance, Settings().llm, now=lambda: T0, beside=world.beside).add_to(world.app)
    shown = world.ask()

    assert (shown["enabled"], shown["setting"]) == (False, True)
    assert "could not be read yet" in shown["degraded"][0]["reason"]


def test_a_switch_that_cannot_be_saved_is_told(engine: Engine) -> None:
    """It holds in this process all the same; what degrades it stands in this answer and the next."""
    world = World(engine)
    unwritable(engine)
    answer = world.ask("PUT", {"enabled": False})

    assert not answer["enabled"]
    assert [part["part"] for part in answer["degraded"]] == ["switch"]
    assert "this process only" in answer["degraded"][0]["reason"]
    assert world.ask() == answer


def test_a_database_that_hangs_does_not_hold_the_answer_up(engine: Engine) -> None:
    """Whoever switches in an emergency gets an answer; saving goes on behind it."""
    world = World(engine)
    with closing(sqlite3.connect(str(engine.url.database), check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        answer = asyncio.run(_while_locked(world, other))
        seconds = time.monotonic() - started

    assert not answer["enabled"]
    assert "still being saved" in answer["degraded"][0]["reason"]
    assert seconds < 5
    assert (Switches(engine).switch("llm").enabled, world.allowance.unsaved) == (False, None)


async def _while_locked(world: World, other: sqlite3.Connection) -> Any:
    transport = httpx.ASGITransport(world.app)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        answer = await client.put("/admin/llm", json={"enabled": False})
    other.rollback()
    world.beside.shutdown()  # waits for the thread that saves
    return answer.json()


def test_turning_it_often_while_the_database_hangs_takes_one_thread(engine: Engine) -> None:
    """Thirty at once are answered, and all that waits behind them is one saving of the last."""
    world = World(engine)

    async def often(other: sqlite3.Connection) -> list[Any]:
        transport = httpx.ASGITransport(world.app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            first = await client.put("/admin/llm", json={"enabled": False})
            puts = [client.put("/admin/llm", json={"enabled": True, "by": str(n)}) for n in range(30)]
            answers = [first, *await asyncio.gather(*puts)]
        other.rollback()
        world.beside.shutdown()
        return [answer.json() for answer in answers]

    with closing(sqlite3.connect(str(engine.url.database), check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        answers = asyncio.run(often(other))

    assert [answer["enabled"] for answer in answers] == [False] + 30 * [True]
    assert world.beside.given == 2
    assert (Switches(engine).switch("llm").enabled, world.allowance.unsaved) == (True, None)


def test_the_pages_name_the_model_where_there_is_a_key(tmp_path: Path) -> None:
    """The version names it, the configuration holds it; the key is in neither."""
    with live(tmp_path, settings={"llm": {"api_key": KEY}}, folding=False) as world:
        shown = world.client.get("/admin/llm").json()
        version = world.client.get("/version").json()["pipeline_config"]
        config = world.client.get("/config")

    assert shown["key"]
    assert (version["llm_model"], config.json()["settings"]["llm.model"]) == 2 * ("claude-haiku-4-5",)
    assert KEY not in config.text
