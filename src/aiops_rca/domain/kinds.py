"""What an alert measures: its kind, and the family its metric name belongs to.

Read from `labels.kind` where a source says so, else from the first 200 characters of the metric's name.
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
UP = 1
DOWN = -1

_LONGEST_KIND = max(map(len, KINDS))

# What a metric is called stands at its beginning: more of a name is not looked at, so that reading stays
# cheap and the caches stay small whatever is sent.
_READ_LENGTH = 200
_CACHE_SIZE = 8192
_KINDS_CACHED = 32_768  # telling a kind is the dear part, and a storm is read twice: by rank and by recall

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
# Which way is worse. `disk_free` counts what is left, `restarts` counts trouble.
_GROWS_WORSE = frozenset(["latency", "error", "cpu", "memory", "disk"])
_LEFT = re.compile(r"(?<!un)avail|remaining|headroom|success|(?<![a-z])(?:free|idle|left)(?![a-z])")
_TROUBLE = re.compile(
    r"restart|crash|unreach|not_?ready|unavail|unhealth|(?<![a-z])(?:down|absent|missing|missed|age|lag)(?![a-z])"
)
_TABLE = tuple((kind, re.compile("|".join(words))) for kind, words in _WORDS.items())


def kind_of(metric: str, labels: Mapping[str, LabelValue]) -> str:
    """Return what the alert measures, one of `KINDS`.

    A `kind` label outside `KINDS` (Kubernetes writes `Pod` there) does not count, and one that says
    `other` has said nothing: then the metric's name decides.
    """
    given = labels.get("kind") if labels else None
    if (
        given is not None
        and isinstance(given, str)
        and len(given) <= _LONGEST_KIND
        and (word := given.lower()) in _TELLING
    ):
        return word
    return _kind_by_name(metric[:_READ_LENGTH])


def family(metric: str) -> str:
    """Return *metric* with every run of digits in its first 200 characters replaced by `#`.

    So percentiles of one histogram, and templates of one log, count as one thing.
    """
    found = _without_digits(metric[:_READ_LENGTH])
    return found if len(metric) <= _READ_LENGTH else found + metric[_READ_LENGTH:]


def worse_direction(metric: str, labels: Mapping[str, LabelValue]) -> int:
    """Return which way is bad: `UP`, `DOWN` or 0 where neither `labels.direction`, kind nor name tells.

    More latency, errors or use of a resource is worse, unless the name counts what is left (`disk_free`);
    less availability is worse, unless the name counts trouble (`restarts`).
    """
    given = labels.get("direction")
    if given == "up" or given == "down":  # noqa: PLR1714 - a set would have to hash what was sent
        return UP if given == "up" else DOWN
    return _worse_by_name(kind_of(metric, labels), metric[:_READ_LENGTH])


@lru_cache(maxsize=_KINDS_CACHED)
def _kind_by_name(metric: str) -> str:
    words = _words(metric)
    return next((kind for kind, pattern in _TABLE if pattern.search(words)), "other")


@lru_cache(maxsize=_CACHE_SIZE)
def _without_digits(metric: str) -> str:
    return _DIGITS.sub("#", metric)


@lru_cache(maxsize=_CACHE_SIZE)
def _worse_by_name(kind: str, metric: str) -> int:
    if kind == "availability":
        return UP if _TROUBLE.search(_words(metric)) else DOWN
    if kind in _GROWS_WORSE:
        return DOWN if _LEFT.search(_words(metric)) else UP
    return 0


def _words(metric: str) -> str:
    return _HUMP.sub("_", metric).lower()
