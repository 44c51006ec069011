"""What answers: graph, history, ranker and runbook, loaded and checked as one release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aiops_rca import __version__
from aiops_rca.adapters import artifacts
from aiops_rca.adapters.files import load_ranker, load_runbook
from aiops_rca.domain.errors import ArtifactError, RcaError
from aiops_rca.domain.release import Release
from aiops_rca.enrich.prompt import PROMPT_ID, SCHEMA_ID
from aiops_rca.ingest.batch import read_alerts
from aiops_rca.pipeline import diagnose
from aiops_rca.settings import Settings
from aiops_rca.web.serving import Check, Serving


class Tags(NamedTuple):
    """The artifacts of a release by name; None where nothing was loaded."""

    graph: str | None
    history: str | None


NO_TAGS = Tags(None, None)


def assemble(root: Path, settings: Settings, bento_tag: str | None) -> tuple[Serving, Tags]:
    """Load graph, history, ranker and runbook; each failure becomes a failed check."""
    checks: dict[str, Check] = {}
    packed = bento_tag is not None
    graph = _checked(
        checks, "graph", lambda: artifacts.load_graph("graph", settings.graph_tag, packed=packed)
    )
    history = _checked(
        checks, "history", lambda: artifacts.load_history("history", settings.history_tag, packed=packed)
    )
    configs = root / "configs"
    ranker: Any = _checked(checks, "ranker", lambda: load_ranker(configs / "ranker.yaml"))
    runbook = _checked(checks, "runbook", lambda: load_runbook(configs / "runbook.yaml"))
    if not all(check.ok for check in checks.values()):
        return Serving(None, checks, {}, None), NO_TAGS
    narration = f"{PROMPT_ID} {SCHEMA_ID} {settings.llm.model}" if settings.llm.api_key else ""
    release = Release(graph.value, history.value, ranker, runbook, settings.parameters, narration)
    versions = versions_of(release, bento_tag, settings.llm.model)
    return Serving(release, checks, versions, graph.loaded_at), Tags(graph.tag, history.tag)


def versions_of(release: Release, bento_tag: str | None, model: str) -> dict[str, str]:
    """What an answer by *release*, put into words by *model* if at all, says of where it came from."""
    return {
        "app": __version__,
        "bento": bento_tag or "unpacked",
        "graph": release.graph.version,
        "history": release.history.version,
        "ranker": release.ranker.version,
        "prompt": PROMPT_ID,
        "schema": SCHEMA_ID,
        "llm_model": model,
        "release": release.id,
    }


def required(root: Path, settings: Settings, bento_tag: str | None) -> tuple[Release, Mapping[str, str]]:
    """The release and its versions for a process that is of no use without; raises ArtifactError."""
    serving, _ = assemble(root, settings, bento_tag)
    if serving.release is None:
        name, check = next((name, check) for name, check in serving.checks.items() if not check.ok)
        raise ArtifactError(check.detail, field=name)
    return serving.release, serving.versions


def warm_up(release: Release) -> None:
    """Build the indexes derived from *release*, so that no request pays for them."""
    nodes = list(release.graph.nodes)[:2]
    rows = [{"id": name, "ts": 1, "service": name, "metric": "latency", "severity": "info"} for name in nodes]
    diagnose(read_alerts(rows), release)


def _checked(checks: dict[str, Check], name: str, load: Callable[[], Any]) -> Any:
    try:
        loaded = load()
    except RcaError as error:
        checks[name] = Check(ok=False, detail=f"{error.field}: {error.message}")
        return None
    checks[name] = Check(ok=True, detail=getattr(loaded, "tag", None) or "loaded")
    return loaded
