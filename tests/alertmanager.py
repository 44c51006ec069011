"""A real Alertmanager that sends to a served instance; on loopback, without a cluster."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from data.capture_storm import free_port, running
from shown import figure

STRANGER = "stranger"  # the receiver whose token is wrong: it gets the alerts of the team of that name
_AT_ONCE = 500
_CONFIG = """
route:
  receiver: rca
  group_by: [service, shard]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 4h
  routes:
    - {{receiver: stranger, matchers: ['team="stranger"']}}
receivers:
  - name: rca
    webhook_configs:
      - url: "{url}/webhooks/alertmanager"
        http_config: {{authorization: {{type: Bearer, credentials: "{token}"}}}}
  - name: stranger
    webhook_configs:
      - url: "{url}/webhooks/alertmanager"
        http_config: {{authorization: {{type: Bearer, credentials: "not {token}"}}}}
"""


@dataclass(frozen=True)
class Alertmanager:
    """A running Alertmanager."""

    url: str

    def tell(self, alerts: Iterable[Mapping[str, str]], *, since: float, until: float | None = None) -> None:
        """Tell it what Prometheus would: the labels of *alerts*, firing *since* and over *until*.

        Both are epoch seconds; without *until* they fire for an hour.
        """
        ends = rfc3339(time.time() + 3600 if until is None else until)
        told = [{"labels": dict(labels), "startsAt": rfc3339(since), "endsAt": ends} for labels in alerts]
        for first in range(0, len(told), _AT_ONCE):
            part = told[first : first + _AT_ONCE]
            httpx.post(f"{self.url}/api/v2/alerts", json=part, timeout=30).raise_for_status()

    def failed(self) -> float:
        """How many of its requests to webhooks failed; it does not tell receivers apart."""
        sample = 'alertmanager_notification_requests_failed_total{integration="webhook"}'
        return figure(f"{self.url}/metrics", sample)


def rfc3339(seconds: float) -> str:
    """Epoch seconds to the millisecond."""
    whole, part = divmod(round(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{part:03d}Z"


@contextmanager
def alertmanager(folder: Path, url: str, *, token: str) -> Iterator[Alertmanager]:
    """Run one that sends to the service at *url* with *token*; skips where the program is absent."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("no Alertmanager on PATH; on Debian: apt-get install prometheus-alertmanager")
    folder.mkdir(parents=True, exist_ok=True)
    config, port = folder / "alertmanager.yaml", free_port()
    config.write_text(_CONFIG.format(url=url, token=token))
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",  # empty: no gossip on a public port
    ]
    with running(command, folder / "log", port):
        yield Alertmanager(f"http://127.0.0.1:{port}")


def labels(service: str, count: int, **more: Any) -> list[dict[str, str]]:
    """The labels of *count* alerts of *service*, each a signal of its own."""
    common = {"alertname": "LatencyHigh", "service": service, "severity": "critical", **more}
    return [{**common, "number": str(number)} for number in range(count)]
