"""The documents say what is there: routes, settings, metrics, errors, commands, and examples that work."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click import Command, Context, Group
from prometheus_client import CollectorRegistry

from aiops_rca import load_release, read_alerts
from aiops_rca.adapters.live_metrics import LiveMetrics
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.adapters.metrics import Metrics
from aiops_rca.cli import commands
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.diagnosis import METHODS
from aiops_rca.domain.narrative import Usage
from aiops_rca.domain.record import NO_RECORD
from aiops_rca.enrich.answer import DROPS
from aiops_rca.enrich.asking import FAILURES, SKIPS, Reply, Request
from aiops_rca.enrich.models import model_of
from aiops_rca.ingest.reader import Reader, Reading
from aiops_rca.ingest.registry import ADAPTERS
from aiops_rca.narrator.step import Narrator
from aiops_rca.pipeline import diagnose
from aiops_rca.report import narrative_out
from aiops_rca.settings import Llm, Settings
from aiops_rca.settings.sections import Ingest, Live, Notify, Section, Source
from aiops_rca.wire import STATUS
from livepages import live

NOW = 1_795_224_389_000  # a second after the checks of the example began


@pytest.fixture(scope="module")
def guide(project_root: Path) -> str:
    """The operators' guide."""
    return (project_root / "docs" / "guide.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def live_guide(project_root: Path) -> str:
    """The page about webhooks and incidents."""
    return (project_root / "docs" / "live.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def llm_guide(project_root: Path) -> str:
    """The page about the language model."""
    return (project_root / "docs" / "llm.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme(project_root: Path) -> str:
    """The README."""
    return (project_root / "README.md").read_text(encoding="utf-8")


def test_every_error_code_is_documented(guide: str) -> None:
    """Each code stands in the guide with its status."""
    for code, status in STATUS.items():
        assert f"| {status} | `{code}` |" in guide


def test_every_metric_is_documented(guide: str) -> None:
    """Each metric of the service is named in the guide."""
    registry = CollectorRegistry()
    Metrics(registry)
    LiveMetrics(registry, ())
    for family in registry.collect():
        assert f"`{family.name}" in guide, family.name


def test_every_metric_of_the_language_model_is_documented(llm_guide: str) -> None:
    """Each has its line on the page about it."""
    registry = CollectorRegistry()
    LlmMetrics(registry, "worker")
    for family in registry.collect():
        assert f"| `{family.name}" in llm_guide, family.name


def test_every_setting_of_the_language_model_is_documented(llm_guide: str) -> None:
    """Each key of its section has its place in a table; the provider's key has a variable of its own."""
    keys = [f"llm.{key}" for key in Llm.model_fields if key != "api_key"]
    tables = "".join(line for line in llm_guide.split("\n") if line.startswith("|"))
    for key in ["use_llm", *keys]:
        assert f"`{key}`" in tables, key
    assert "`ANTHROPIC_API_KEY`" in llm_guide


@pytest.mark.parametrize(
    "words", [METHODS, FAILURES, SKIPS, DROPS], ids=["method", "failure", "skip", "drop"]
)
def test_every_word_of_an_outcome_is_explained(llm_guide: str, words: tuple[str, ...]) -> None:
    """Each method, reason and label stands in the first column of a table."""
    first = " ".join(line.split("|")[1] for line in llm_guide.split("\n") if line.startswith("|"))
    for word in words:
        assert f"`{word}`" in first, word


def test_the_prices_shown_are_those_that_count(llm_guide: str) -> None:
    """Each model of the table costs what the metric says."""
    rows = re.findall(r"^\| `(claude-\S+)` \| (\S+) \| (\S+) \|$", llm_guide, re.MULTILINE)

    assert len(rows) > 5
    for name, usd_in, usd_out in rows:
        assert (model_of(name).usd_in, model_of(name).usd_out) == (float(usd_in), float(usd_out)), name


class _Shown:
    """A provider that answers as the page shows; and the switch, on, without a record."""

    enabled, record = True, NO_RECORD

    def __init__(self, said: str, usage: Usage) -> None:
        self._reply = Reply("end_turn", ("text",), said, usage)
        self.document = ""

    def closed(self) -> None:
        """Never."""

    async def ask(self, request: Request, check: Callable[[Reply], object], *, deadline: float) -> Reply:  # noqa: ARG002 - it answers at once
        """The answer of the page, once it has been checked."""
        self.document = request.body["messages"][0]["content"]
        check(self._reply)
        return self._reply


def test_the_narrative_shown_comes_of_the_alerts_shown(llm_guide: str, project_root: Path) -> None:
    """What leaves, what comes back and what becomes of it: all as on the page, one sentence being dropped."""
    graph, history = project_root / "graphs", project_root / "history"
    release = load_release(graph / "online-boutique.yaml", history=history / "online-boutique.jsonl")
    (diagnosis,) = diagnose(read_alerts(json.loads(_block(llm_guide, "llm-alerts"))["alerts"]), release)
    shown = json.loads(_block(llm_guide, "llm-narrative"))
    model = _Shown(_block(llm_guide, "llm-reply"), Usage(*shown["usage"].values()))
    registry = CollectorRegistry()
    narrator = Narrator(model, model, LlmMetrics(registry, "worker"), Llm())
    found, trouble = asyncio.run(narrator.narrate(diagnosis, release))

    assert json.loads(model.document) == json.loads(_block(llm_guide, "llm-request"))
    assert found.narrative is not None
    narrative = narrative_out(found.narrative, found.ranking.evidence)
    assert (msgspec.to_builtins(narrative), trouble) == (shown, None)
    assert registry.get_sample_value("aiops_llm_dropped_total", {"what": "noun"}) == 1


def test_every_route_is_documented(guide: str, tmp_path: Path) -> None:
    """Each method and path of the API document stands in the guide."""
    with live(tmp_path, folding=False) as running:
        paths: dict[str, Any] = running.client.get("/docs.json").json()["paths"]
    for path, operations in paths.items():
        for method in {"get", "post", "put", "patch", "delete"} & operations.keys():
            assert f"`{method.upper()} {path}`" in guide, (method, path)


def test_every_setting_of_live_incidents_is_in_the_guide(guide: str) -> None:
    """Each key of the sections that the stream reads is named there, too."""
    sections: dict[str, type[Section]] = {"ingest": Ingest, "live": Live, "notify": Notify}
    keys = [f"`{name}.{key}`" for name, section in sections.items() for key in section.model_fields]
    for key in [*keys, *(f".{field}`" for field in Source.model_fields)]:
        assert key in guide, key


def test_every_command_is_documented(guide: str, live_guide: str, readme: str) -> None:
    """Each command of `aiops-rca`, and each below it, appears in the README or a guide."""
    for name in _commands(commands):
        assert f"aiops-rca {name}" in guide + live_guide + readme, name


def _commands(group: Group) -> Iterator[str]:
    context = Context(group)
    for name in group.list_commands(context):
        command: Command | None = group.get_command(context, name)
        yield name
        if isinstance(command, Group):
            yield from (f"{name} {inner}" for inner in _commands(command))


def test_every_sender_is_documented(live_guide: str) -> None:
    """Each adapter has its line in the table of senders."""
    for name in ADAPTERS:
        assert f"| `{name}` |" in live_guide, name


def test_the_mapping_shown_reads_the_body_shown(live_guide: str) -> None:
    """Two of the three checks become events about services of the graph, the third one a fault."""
    found = _read("nightwatch", _block(live_guide, "mapping-body"), _block(live_guide, "mapping"))

    assert [(e.service, e.severity, e.starts_at, e.value, e.flags) for e in found.events] == [
        ("cartservice", Severity.CRITICAL, NOW - 1000, 0.97, ()),
        ("frontend", Severity.ERROR, NOW - 1000, 0.2, ()),
    ]
    assert [fault.field for fault in found.faults] == ["alerts[2].status"]


def test_the_datadog_payload_shown_tells_trigger_and_recovery(live_guide: str) -> None:
    """Filled in by Datadog, the payload tells of one signal that fires, and then does not."""
    payload = _block(live_guide, "datadog").replace("$ALERT_SCOPE", "service:cartservice")
    for variable, value in {"$ALERT_PRIORITY": "P2", "$DATE": str(NOW), "$AGGREG_KEY": "9bd4"}.items():
        payload = payload.replace(variable, value)
    (fired,) = _read("datadog", payload.replace("$ALERT_TRANSITION", "Triggered")).events
    (ended,) = _read("datadog", payload.replace("$ALERT_TRANSITION", "Recovered")).events

    assert (fired.service, fired.severity, fired.resolved) == ("cartservice", Severity.ERROR, False)
    assert (ended.fingerprint, ended.resolved) == (fired.fingerprint, True)


def _read(source: str, body: str, settings: str = "{}") -> Reading:
    reader = Reader(Settings.model_validate(yaml.safe_load(settings)), lambda: ("cartservice", "frontend"))
    return reader.read(source, body.encode(), {}, NOW)[1]


def _block(document: str, name: str) -> str:
    """The code between the marks of *name*."""
    found = re.search(rf"<!-- {name}: begin -->\s+```\w+\n(.*?)```", document, re.DOTALL)
    assert found, name
    return found[1]


def test_the_alertmanager_example_is_one(project_root: Path) -> None:
    """`amtool` takes the shipped receiver, whose alerts repeat before their lease is over."""
    program = shutil.which("amtool")
    if program is None:
        pytest.skip("no amtool on PATH; on Debian: apt-get install prometheus-alertmanager")
    file = project_root / "configs" / "alertmanager" / "alertmanager.yaml"
    command = [program, "check-config", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    (webhook,) = config["receivers"][0]["webhook_configs"]
    assert webhook["url"].endswith("/webhooks/alertmanager")
    assert webhook["http_config"]["authorization"]["credentials_file"]
    assert int(config["route"]["repeat_interval"].removesuffix("h")) * 3600 < Live().lease_sec


def test_the_readme_code_runs(
    readme: str, project_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library example does what it says from the project's folder."""
    monkeypatch.chdir(project_root)
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own document

    assert capsys.readouterr().out.startswith("redis-cart ")


def test_the_webhook_shown_is_answered_as_shown(readme: str, tmp_path: Path) -> None:
    """The service takes the webhook of the README with the counts that stand below it."""
    (body, answer) = re.findall(r"/webhooks/generic -d '(.*?)'\n\n    (.*?)\n", readme, re.DOTALL)[0]
    with live(tmp_path, folding=False) as running:
        told = running.client.post("/webhooks/generic", content=body)

    assert (told.status_code, told.text) == (202, answer)


def test_links_lead_somewhere(project_root: Path) -> None:
    """Every relative link in a document points at a file that exists."""
    documents = [*project_root.glob("*.md"), *project_root.glob("docs/**/*.md")]
    for document in documents:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), (document.name, link)


def test_the_answer_shown_is_the_answer_given(
    readme: str, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer in the README is what `aiops-rca analyze` prints for the shipped storm."""
    from click.testing import CliRunner  # noqa: PLC0415 - only this test prints

    monkeypatch.chdir(project_root)
    files = ["--graph", "graphs/online-boutique.yaml", "--history", "history/online-boutique.jsonl"]
    result = CliRunner().invoke(commands, ["analyze", *files, "--alerts", "tests/data/storm.json"])
    shown = readme.split("<!-- answer: begin -->")[1].split("<!-- answer: end -->", maxsplit=1)[0]

    assert [line.strip() for line in shown.split("\n") if line.strip()] == [
        line.strip() for line in result.output.split("\n") if line.strip()
    ]
