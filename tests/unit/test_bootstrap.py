"""Where state is kept, what the settings make of the stream, and that a mere import leaves no trace."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from aiops_rca.adapters.artifacts import bento_tag, bentoml_home, load_as_packed
from aiops_rca.bootstrap.correlator import show_metrics
from aiops_rca.bootstrap.places import state_folder
from aiops_rca.bootstrap.rules import rules_of
from aiops_rca.domain.errors import InputError
from aiops_rca.settings import Live, Settings, Source
from builders import alert, release
from stream import chain

ROOT = Path(__file__).resolve().parents[2]
CORRELATOR = """
from prometheus_client import CollectorRegistry
from aiops_rca.adapters.llm_metrics import LlmMetrics
from aiops_rca.bootstrap.correlator import count_on
count_on()
metrics = LlmMetrics(CollectorRegistry(), "correlator")
metrics.failed("timeout")
metrics.took(2.5)
"""


def test_state_lies_in_the_project() -> None:
    """A relative folder is one of the project, wherever the process was started."""
    folder = state_folder(Path("/srv/project"), Settings(), packed=False)

    assert folder == Path("/srv/project/.aiops/state")


def test_the_state_of_a_bento_lies_under_its_home() -> None:
    """What is packed is never written to."""
    assert state_folder(Path("/srv/bento/src"), Settings(), packed=True) == bentoml_home() / ".aiops/state"


@pytest.mark.parametrize("packed", [True, False])
def test_a_whole_path_is_taken_as_it_is(packed: bool) -> None:  # noqa: FBT001 - a table
    """Also in a bento: that is how a container names its volume."""
    settings = Settings(state_dir="/var/lib/rca")

    assert state_folder(Path("/srv/project"), settings, packed=packed) == Path("/var/lib/rca")


def test_the_rules_are_those_of_the_settings() -> None:
    """Times become milliseconds, a sender may have a lease of its own, alerts link as in a batch."""
    sources = {"pagerduty": Source(lease_sec=60), "grafana": Source()}
    rules = rules_of(Settings(gap_sec=30, max_hop=1, sources=sources), release(chain()))

    assert (rules.reach_ms, rules.hold_ms) == (30_000, 600_000)
    assert [rules.lease_of(name) for name in ("pagerduty", "grafana", "other")] == [60_000, *[15_000_000] * 2]
    alerts = [alert("a"), alert("b", at=29), alert("c", at=60), alert("a", "errors", at=61)]
    groups = [[one.id for one in group] for group in rules.link(alerts)]
    assert groups == [["a/latency_p99@0", "b/latency_p99@29"], ["c/latency_p99@60"], ["a/errors@61"]]
    because = rules.because(alerts[1], {"a": alerts[:1]})
    assert because == "1 hop from a, 29 s after latency_p99 (a/latency_p99@0)"


def test_a_correlator_apart_shows_its_metrics() -> None:
    """Where the settings name a port, at the address of the server; elsewhere nothing listens."""
    assert show_metrics(Settings()) is None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(live=Live(metrics_port=port))
        with pytest.raises(InputError, match="cannot listen there") as refused:
            show_metrics(settings)
    server = show_metrics(settings)
    assert server is not None
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        shown = answer.read().decode()
    server.shutdown()
    server.server_close()

    assert refused.value.field == "live.metrics_port"
    assert shown.startswith("# HELP")


def test_a_correlator_that_is_started_again_counts_on(tmp_path: Path) -> None:
    """It goes on in the files of the one before: none are added, and no count is lost."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def files_after_a_run() -> set[str]:
        subprocess.run([sys.executable, "-c", CORRELATOR], env=environment, check=True, timeout=30)
        return {file.name for file in tmp_path.iterdir()}

    first, second = files_after_a_run(), files_after_a_run()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))  # type: ignore[no-untyped-call]

    assert first == second
    assert first == {
        f"{kind}_correlator-{os.getpid()}.db" for kind in ("counter", "histogram", "gauge_mostrecent")
    }
    assert registry.get_sample_value("aiops_llm_failures_total", {"reason": "timeout"}) == 2
    assert registry.get_sample_value("aiops_llm_latency_seconds_count") == 2
    assert registry.get_sample_value("aiops_llm_breaker_state", {"process": "correlator"}) == 0


def test_a_source_tree_pins_nothing() -> None:
    """Outside a bento there is no descriptor to follow."""
    load_as_packed(ROOT)

    assert bento_tag(ROOT) is None


def test_importing_the_service_makes_no_state(tmp_path: Path) -> None:
    """`bentoml build` and the parent of a worker import it too: only a worker opens databases."""
    done = subprocess.run(
        [sys.executable, "-c", "import service"],
        cwd=ROOT,
        env={"PATH": "", "BENTOML_HOME": str(tmp_path / "home"), "AIOPS_STATE_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "state").exists()
