"""What an alert measures: its kind, and the family its metric name belongs to.

Read from `labels.kind` where a source says so, else from the metric's name. Linear in the name's length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from aiops_rca.domain.alert import LabelValue

KINDS = frozenset(
    ["latency", "error", "availability", "cpu", "memory", "disk", "network", "traffic", "log", "other"]
)
_TELLING = KINDS - {"other"}

# A name longer than this is read anew each time, so that the caches stay small whatever is sent.
_CACHED_LENGTH = 200
_CACHE_SIZE = 8192

_DIGITS = re.compile(r"[0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# The first row that matches wins. Resources stand before symptoms: `disk_read_latency`
# speaks of the disk. Plain alternatives, no nested repetition: linear in the name.
# `(?<![a-z])` and `(?![a-z])` bound short words.
_WORDS: dict[str, tuple[str, ...]] = {
    "log": (
        r"(?<![a-z])(?:logs?|log_?template)(?![a-z])",
        r"log_(?:line|message|error|count|entries)",
    ),
    "cpu": (
        r"cpu|throttl(?:ed|ing)_(?:period|second|time)",
        r"(?<![a-z])load_?(?:avg|average|1|5|15)(?![a-z0-9])",
    ),
    "memory": (
        r"memory|working_set",
        r"(?<![a-z])(?:mem|oom|heap|rss|swap|gc)(?![a-z])",
        r"(?<![a-z])oom_?kill(?:s|ed|er|ing)?(?![a-z])",
    ),
    "disk": (
        r"disk|filesystem|inode|volume|iops|storage_(?:space|used|free)",
        r"(?<![a-z])(?:fs|io_?wait|io_?util|iostat|blkio|system[._]io)(?![a-z])",
    ),
    "network": (
        r"network|packet|bandwidth|retransmi|conntrack",
        r"(?<![a-z])(?:net|tcp|udp|dns|nic|eth[0-9]*)(?![a-z])",
        r"(?:receive|received|transmit|transmitted|sent)_?bytes",
        r"bytes_?(?:received|sent|in|out)(?![a-z])",
    ),
    "error": (
        r"error|fail|exception|fault|timeout|reject|refused|panic|budget_?burn",
        r"(?<![a-z])errs?(?![a-z])|[45]xx",
        r"(?:http|status|code)[_.-]?[45][0-9][0-9](?![0-9])",
    ),
    "latency": (
        r"latency|duration|response_?time|elapsed|slow|delay|round_?trip",
        r"(?<![a-z])(?:rtt|mrt|ttfb|p[5-9][0-9]+)(?![a-z0-9])",
    ),
    "availability": (
        r"availab|uptime|restart|crash_?loop|unreachable|not_?ready",
        r"health|success|probe|heartbeat",
        r"(?<![a-z])(?:up|down|sr|absent|missing)(?![a-z])",
    ),
    "traffic": (
        r"request|throughput|workload|traffic",
        r"(?<![a-z])(?:rps|qps|tps|rpm|hits|calls|invocations)(?![a-z])",
    ),
}
_TABLE = tuple((kind, re.compile("|".join(words))) for kind, words in _WORDS.items())


def kind_of(metric: str, labels: Mapping[str, LabelValue]) -> str:
    """Return what the alert measures, one of `KINDS`.

    A `kind` label outside `KINDS` (Kubernetes writes `Pod` there) does not count, and one that says
    `other` has said nothing: then the metric's name decides.
    """
    given = labels.get("kind")
    if isinstance(given, str) and (word := given.lower()) in _TELLING:
        return word
    return _cached_kind(metric) if len(metric) <= _CACHED_LENGTH else _kind_by_name(metric)


def family(metric: str) -> str:
    """Return *metric* with every run of digits replaced by `#`.

    So percentiles of one histogram, and templates of one log, count as one thing.
    """
    return _cached_family(metric) if len(metric) <= _CACHED_LENGTH else _DIGITS.sub("#", metric)


def _kind_by_name(metric: str) -> str:
    words = _HUMP.sub("_", metric).lower()
    return next((kind for kind, pattern in _TABLE if pattern.search(words)), "other")


@lru_cache(maxsize=_CACHE_SIZE)
def _cached_kind(metric: str) -> str:
    return _kind_by_name(metric)


@lru_cache(maxsize=_CACHE_SIZE)
def _cached_family(metric: str) -> str:
    return _DIGITS.sub("#", metric)
