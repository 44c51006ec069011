"""The BentoML service: hands batches of incident requests to the application.

The only file that knows the project root. Validation, error shape and answers live behind
`Application`; this file says how BentoML is to run it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bentoml
from _bentoml_sdk import Service
from _bentoml_sdk import service as bento_service
from starlette.requests import Request
from starlette.responses import Response

from aiops_rca.bootstrap.service import ALONE, BATCHED, TASK, Application, Task

APPLICATION = Application(Path(__file__).resolve().parent)
SETTINGS = APPLICATION.settings


class TaskIn(bentoml.IODescriptor):
    """One HTTP request = one item of the batch: the task the edge validated."""

    tasks: list[Any]

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> TaskIn:  # noqa: ARG003 - BentoML's signature
        """Take the task off the request; its body was read once, by the edge."""
        return cls.model_construct(tasks=[request.scope["state"][TASK]])


class TaskOut(bentoml.IODescriptor):
    """The task went through; its outcome is in the task itself."""

    tasks: list[Any]

    @classmethod
    async def to_http_response(cls, obj: Any, serde: Any) -> Response:  # noqa: ARG003 - BentoML's signature
        """Tell the edge that the batch is done."""
        return Response(status_code=200)


class EdgeService(Service[Any]):
    """A service with the edge around all of it, BentoML's own layers included."""

    def to_asgi(self, is_main: bool = True) -> Any:  # noqa: FBT001, FBT002 - BentoML's signature
        """The service's ASGI application, wrapped."""
        return APPLICATION.edge(super().to_asgi(is_main))


OPTIONS: dict[str, Any] = {
    "name": "aiops_rca",
    "service_class": EdgeService,
    "workers": 1,
    "threads": 4,
    "http": {"host": SETTINGS.server.host, "port": SETTINGS.server.port},
    "traffic": {
        "timeout": SETTINGS.limits.request_timeout_sec,
        # the edge sheds first; this is only there in case it ever does not
        "max_concurrency": SETTINGS.limits.max_in_flight + 32,
    },
    "logging": {"access": {"enabled": False}},
    "tracing": {"excluded_urls": ".*"},
    "metrics": {"duration": {"buckets": [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]}},
}


@bento_service(**OPTIONS)
class AiopsRca:
    """Alert correlation and root-cause diagnosis."""

    def __init__(self) -> None:
        APPLICATION.load()

    @bentoml.on_startup
    async def start(self) -> None:
        """Begin to serve, once everything is loaded."""
        APPLICATION.start()

    @bentoml.on_shutdown
    async def close(self) -> None:
        """Keep what was promised, and end what was started."""
        await APPLICATION.close()

    @bentoml.api(
        route=BATCHED,
        batchable=True,
        max_batch_size=SETTINGS.batching.max_size,
        max_latency_ms=SETTINGS.batching.max_latency_ms,
        input_spec=TaskIn,
        output_spec=TaskOut,
    )
    async def incident(self, tasks: list[Task]) -> list[Task]:
        """Diagnose the requests that met."""
        return await APPLICATION.diagnose(tasks)

    @bentoml.api(route=ALONE, input_spec=TaskIn, output_spec=TaskOut)
    async def incident_alone(self, tasks: list[Task]) -> list[Task]:
        """Diagnose a request that met no other."""
        return await APPLICATION.diagnose(tasks)
