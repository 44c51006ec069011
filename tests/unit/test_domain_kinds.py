"""What an alert measures, read from its label or its metric's name."""

from __future__ import annotations

import tracemalloc

import pytest

from aiops_rca.domain.kinds import DOWN, KINDS, UP, family, kind_of, worse_direction

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


def test_a_name_is_read_by_its_beginning() -> None:
    """What stands behind 200 characters tells no kind, and keeps names apart."""
    assert kind_of("latency_" + "x" * 500, {}) == "latency"
    assert kind_of("x" * 200 + "_latency", {}) == "other"
    assert family("cpu1_" + "x" * 500 + "12") == "cpu#_" + "x" * 500 + "12"


def test_nothing_long_is_remembered() -> None:
    """Names and labels of a megabyte leave no trace in memory."""
    tracemalloc.start()
    for i in range(20):
        long = f"{i}" + "x" * 1_000_000
        kind_of(long, {"kind": long})
        family(long)
        worse_direction(long, {"kind": "cpu", "direction": long})
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 1_500_000


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ("latency_p99 http_5xx cpu_usage redis_memory_used_bytes disk_used", UP),
        ("disk_free_bytes node_memory_MemAvailable_bytes cpu_idle heap_remaining", DOWN),
        ("availability success_ratio up probe_success uptime_seconds", DOWN),
        ("restart_count KubePodCrashLooping TargetDown unavailable_replicas pod_not_ready", UP),
        ("requests network_receive_bytes queue_depth", 0),
    ],
)
def test_which_way_is_worse(metrics: str, expected: int) -> None:
    """More load is worse, less of what is left or available is, and of the rest nobody knows."""
    found = {metric: worse_direction(metric, {}) for metric in metrics.split()}

    assert found == dict.fromkeys(found, expected)


def test_the_direction_label_decides() -> None:
    """Where a source says which way is bad, that counts."""
    assert worse_direction("latency", {"direction": "down"}) == DOWN
    assert worse_direction("availability", {"direction": "up"}) == UP
    assert worse_direction("latency", {"direction": "sideways"}) == UP
