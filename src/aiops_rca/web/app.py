"""The information pages: readiness, version, configuration, and the API page from packaged files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.responses import RedirectResponse
from starlette.routing import Match

from aiops_rca.domain.errors import InputError
from aiops_rca.settings import Settings, effective
from aiops_rca.web.live import LivePages
from aiops_rca.web.openapi import describe
from aiops_rca.web.serving import Serving

_TITLE = "aiops_rca"


class CheckOut(BaseModel):
    """One readiness check."""

    ok: bool
    detail: str


class ReadyOut(BaseModel):
    """Whether the service can answer, check by check."""

    status: str
    checks: dict[str, CheckOut]


class OverrideOut(BaseModel):
    """A setting that differs from its default, and the file or variable that says so."""

    key: str
    value: Any
    source: str


class PipelineConfigOut(BaseModel):
    """What decides an answer besides the artifacts."""

    gap_sec: int
    max_hop: int
    rca_method: str
    llm_model: str | None
    overrides: list[OverrideOut]


class VersionOut(BaseModel):
    """What is running: program, bento, artifacts, parameters."""

    app: str
    bento_tag: str | None
    graph_version: str | None
    graph_loaded_at: str | None
    graph_source: str | None
    graph_node_count: int
    graph_edge_count: int
    history_version: str | None
    ranker_version: str | None
    pipeline_config: PipelineConfigOut


def build_app(
    settings: Settings,
    serving: Callable[[], Serving],
    live: LivePages,
    *,
    version: str,
    bento_tag: str | None,
) -> FastAPI:
    """The FastAPI application of every page but `/incident`, webhooks, `/healthz` and `/metrics`.

    What it refuses leaves it as an RcaError, for whoever wraps it to answer in the one error shape.
    """
    app = FastAPIOffline(
        docs_url="/docs", redoc_url=None, title=_TITLE, version=version, openapi_url="/docs.json"
    )

    @app.get("/", include_in_schema=False)
    async def start() -> RedirectResponse:
        """The API page is what a browser wants to see."""
        return RedirectResponse("/docs")

    @app.get("/readyz", responses={503: {"model": ReadyOut}}, tags=["service"])
    async def readyz(response: Response) -> ReadyOut:
        """Whether the service can answer, check by check."""
        now = serving()
        found = {**now.checks, **await live.pulse.checks()}
        ready = now.ready and all(check.ok or not check.needed for check in found.values())
        response.status_code = 200 if ready else 503
        checks = {n: CheckOut(ok=c.ok, detail=c.detail) for n, c in found.items()}
        return ReadyOut(status="ready" if ready else "not ready", checks=checks)

    @app.get("/version", tags=["service"])
    async def running_version() -> VersionOut:
        """What is running: program, bento, artifacts, parameters."""
        return _version(serving(), settings, version, bento_tag)

    @app.get("/config", tags=["service"])
    async def config() -> dict[str, Any]:
        """Every setting in force. Secrets are not settings of this file and never shown."""
        return {"settings": effective(settings), "overrides": settings.overrides}

    app.add_exception_handler(RequestValidationError, _name_the_field)
    live.add_to(app)
    describe(app, settings.severities)
    return app


def methods_of(app: FastAPI) -> Callable[[dict[str, Any]], frozenset[str]]:
    """A function that gives the methods *app* answers on a scope's path; empty when there is none."""

    def methods(scope: dict[str, Any]) -> frozenset[str]:
        found: set[str] = set()
        for route in app.router.routes:
            match, _ = route.matches(scope)
            if match is not Match.NONE:
                found |= getattr(route, "methods", None) or {"GET", "HEAD"}
        return frozenset(found)

    return methods


async def _name_the_field(_: Request, error: Exception) -> Response:
    """Raise what FastAPI found wrong with a path, query or header value as one of our errors."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    raise InputError(first["msg"], field=str(first["loc"][-1])) from error


def _version(now: Serving, settings: Settings, version: str, bento_tag: str | None) -> VersionOut:
    graph = now.release.graph if now.release else None
    values = effective(settings)
    return VersionOut(
        app=version,
        bento_tag=bento_tag,
        graph_version=now.versions.get("graph"),
        graph_loaded_at=now.graph_loaded_at.isoformat() if now.graph_loaded_at else None,
        graph_source=graph.source if graph else None,
        graph_node_count=len(graph.nodes) if graph else 0,
        graph_edge_count=len(graph.edges) if graph else 0,
        history_version=now.versions.get("history"),
        ranker_version=now.versions.get("ranker"),
        pipeline_config=PipelineConfigOut(
            gap_sec=settings.gap_sec,
            max_hop=settings.max_hop,
            rca_method=settings.rca_method,
            llm_model=settings.llm.model if settings.llm.api_key else None,
            overrides=[
                OverrideOut(key=key, value=values.get(key), source=source)
                for key, source in sorted(settings.overrides.items())
            ],
        ),
    )
