"""The identity of a signal: the same for every re-sent copy of an alert, on any day.

Hash of service, metric and labels; not of id, time, value, threshold, severity or measuring labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from aiops_rca.domain.alert import LabelValue


class Ignored:
    """A set of label names and prefixes (`baseline_*`)."""

    __slots__ = ("_known", "_prefixes", "names")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._prefixes = tuple(n[:-1] for n in self.names if n.endswith("*"))
        self._known = {n: True for n in self.names if not n.endswith("*")}

    def __contains__(self, label: str) -> bool:
        return label in self._known or bool(self._prefixes and label.startswith(self._prefixes))


MEASURING_LABELS = Ignored("z peak peak_z baseline_* onset status".split())


def fingerprint(
    service: str,
    metric: str,
    labels: Mapping[str, LabelValue],
    *,
    ignore: Ignored = MEASURING_LABELS,
) -> str:
    """Return 16 hex digits that name the signal (*service*, *metric*, *labels* without *ignore*).

    Fields are joined by control characters no sane name holds; a name that does hold one is
    still hashed, it can only collide with a name built to collide.
    """
    parts = [f"{key}\x1f{labels[key]!r}" for key in sorted(labels) if key not in ignore]
    text = "\x1e".join((service, metric, *parts))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
