"""What an alert measures, read from its label or its metric's name."""

from __future__ import annotations

import pytest

from aiops_rca.domain.kinds import KINDS, family, kind_of

NAMES = {
    "latency": "http_request_duration_seconds PodServerLatencyP99 checkout.p95 slow_query_rate grpc-mrt",
    "error": "HTTPErrorRate http_500 http_5xx_rate ErrorBudgetBurn request_timeouts db_err_total",
    "availability": "up TargetDown KubePodCrashLooping restart_count KubePodNotReady probe_success",
    "cpu": "CpuUsageRate node_load1 container_cpu_cfs_throttled_seconds_total system.cpu.pct_usage",
    "memory": "redis_memory_used_bytes OOMKilled jvm_gc_pause system.mem.used container_working_set",
    "disk": "NodeFilesystemAlmostOutOfSpace disk_read_latency system.io.w_s container_fs_reads./dev/vda",
    "network": "NetworkReceiveBytes tcp_retransmits dns_lookups packet_loss bytes_sent",
    "traffic": "requests http_qps PodWorkload throughput",
    "log": "log_template_17 log_error_count app.logs",
    "other": "queue_depth catalog_size login_attempts saturation_pct x",
}


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_the_name_of_a_metric_tells_its_kind(kind: str) -> None:
    """Common names of each kind are read as that kind."""
    read = {name: kind_of(name, {}) for name in NAMES[kind].split()}

    assert read == dict.fromkeys(read, kind)


def test_every_kind_has_names() -> None:
    """The table above speaks of every kind there is."""
    assert set(NAMES) == KINDS


@pytest.mark.parametrize("label", ["disk", "Disk", "DISK"])
def test_the_kind_label_decides(label: str) -> None:
    """A label that names a kind, in any case, outranks the metric's name."""
    assert kind_of("latency_p99", {"kind": label}) == "disk"


@pytest.mark.parametrize("label", ["Pod", "", "other", None, 3, True])
def test_a_kind_label_that_says_nothing_leaves_it_to_the_name(label: str | float | None) -> None:
    """What Kubernetes or a careless source writes into the label does not count."""
    assert kind_of("latency_p99", {"kind": label}) == "latency"


def test_a_family_joins_what_differs_in_digits_only() -> None:
    """Percentiles and log templates are one family each."""
    assert family("latency_p50") == family("latency_p999") == "latency_p#"
    assert family("log_template_12_of_7") == "log_template_#_of_#"
    assert family("requests") == "requests"


def test_names_of_any_length_are_read() -> None:
    """A name too long to be remembered is read like any other."""
    assert kind_of("x" * 500 + "_latency", {}) == "latency"
    assert family("x" * 500 + "12") == "x" * 500 + "#"
