"""A real Alertmanager with the shipped configuration that sends to a served instance; on loopback, alone."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from data.capture_storm import free_port, running
from served import ROOT
from shown import figure

STRANGER = "stranger"  # the receiver whose token is wrong: it gets the alerts of the team of that name
SHIPPED = ROOT / "configs" / "alertmanager" / "alertmanager.yaml"
_AT_ONCE = 500


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
    config.write_text(yaml.safe_dump(_configured(folder, url, token)))
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",  # empty: no gossip on a public port
    ]
    with running(command, folder / "log", port):
        yield Alertmanager(f"http://127.0.0.1:{port}")


def _configured(folder: Path, url: str, token: str) -> dict[str, Any]:
    """What is shipped, sending to *url* without delay in many small groups, and one receiver more."""
    config: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    stranger = copy.deepcopy(config["receivers"][0]) | {"name": STRANGER}
    config["receivers"].append(stranger)
    for receiver, credentials in zip(config["receivers"], (token, f"not {token}"), strict=True):
        (hook,) = receiver["webhook_configs"]
        file = folder / receiver["name"]
        file.write_text(credentials)
        hook["url"] = url + urlsplit(hook["url"]).path
        hook["http_config"]["authorization"]["credentials_file"] = str(file)
    config["route"] |= {
        "group_by": ["service", "shard"],
        "group_wait": "100ms",
        "group_interval": "1s",
        "routes": [{"receiver": STRANGER, "matchers": [f'team="{STRANGER}"']}],
    }
    return config


def labels(service: str, count: int, **more: Any) -> list[dict[str, str]]:
    """The labels of *count* alerts of *service*, each a signal of its own."""
    common = {"alertname": "LatencyHigh", "service": service, "severity": "critical", **more}
    return [{**common, "number": str(number)} for number in range(count)]
