"""From labels to a service of the graph.

The first label, in the configured order, whose value names a node wins. A value may be an alias, a node in
other letters, a pod, an address with a port, `namespace/name` or a full domain name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

UNKNOWN = "unknown"
_LONGEST = 1024
_CACHED = 16_384
# Of a domain name or path as many parts are tried, of a name as long as a domain name may be.
_DEEPEST = 8
_LONGEST_NAME = 253

_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
_SCHEME = re.compile(r"\A[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PORT_AND_PATH = re.compile(r":[0-9]{1,5}(?:/.*)?\Z", re.DOTALL)
_IPV4 = re.compile(r"[0-9.]+")
_IPV6 = re.compile(r"\[?[0-9a-fA-F:.]+\]?")
_MACHINE = re.compile(r"pod|instance|host|node|task|container|server|machine|target")
# What an orchestrator hangs on the name of a workload: a replica set and a pod, a pod, a number.
_REPLICA = re.compile(r"-(?=[a-z0-9]*[0-9])[a-z0-9]{5,10}-[a-z0-9]{5}\Z")
_POD = re.compile(r"-(?:[bcdfghjklmnpqrstvwxz2456789]{5}|(?=[a-z0-9]*[0-9])[a-z0-9]{5})\Z")
_ORDINAL = re.compile(r"-[0-9]{1,10}\Z")


class Place(NamedTuple):
    """Where an alert belongs. *mapped* is False when the graph knows no such service."""

    service: str
    mapped: bool


class Places:
    """The nodes of one graph, and every spelling under which a sender may mean one of them."""

    def __init__(
        self, nodes: Collection[str], *, labels: Sequence[str], aliases: Mapping[str, str] | None = None
    ) -> None:
        self._nodes = frozenset(nodes)
        self._labels = tuple(labels)
        self._plain_labels = tuple((name, _plain(name)) for name in self._labels)
        self._aliases = dict(aliases or {})
        self._folded_aliases = {key.lower(): value for key, value in sorted(self._aliases.items())}
        self._folded = _unambiguous(self._nodes, str.lower)
        self._squeezed = _unambiguous(self._nodes, _squeeze)
        self._node_of = lru_cache(maxsize=_CACHED)(self._look_up)

    def find(
        self, labels: Mapping[str, object], *, first: Sequence[str] = (), last: Sequence[str] = ()
    ) -> Place:
        """The service *labels* speak of.

        *first* are names the sender gives outside its labels, *last* ones to fall back on. Where none names
        a node, the first of all is the service, unmapped; without any it is `unknown`.
        """
        fallback = ""
        for name, value in self._said(labels, first, last):
            node = self._node_of(value, machine=_is_machine(name))
            if node:
                return Place(node, mapped=True)
            fallback = fallback or self._aliased(value) or _workload(value, pod="pod" in name)
        return Place(fallback or UNKNOWN, mapped=False)

    def _said(
        self, labels: Mapping[str, object], first: Sequence[str], last: Sequence[str]
    ) -> Iterator[tuple[str, str]]:
        """(label, value) of everything that may name a service, the most trusted first."""
        for value in filter(None, map(_text, first)):
            yield "service", value
        for name in self._labels:
            if name in labels and (text := _text(labels[name])):
                yield name, text
        others = {_plain(name): name for name in sorted(labels, reverse=True) if name not in self._labels}
        for name, plain in self._plain_labels:
            if plain in others and (text := _text(labels[others[plain]])):
                yield name, text
        for value in filter(None, map(_text, last)):
            yield "instance", value

    def _aliased(self, value: str) -> str:
        if not self._aliases:
            return ""
        return self._aliases.get(value) or self._folded_aliases.get(value.lower(), "")

    def _look_up(self, value: str, *, machine: bool) -> str:
        for spelling in _spellings(value, machine=machine):
            name = self._aliased(spelling) or spelling
            if name in self._nodes:
                return name
            node = self._folded.get(name.lower()) or self._squeezed.get(_squeeze(name))
            if node:
                return node
        return ""


def _spellings(value: str, *, machine: bool) -> Iterator[str]:
    """*value* itself, then ever shorter readings of it."""
    yield value
    bare = _bare(value)
    if _is_address(bare) or len(bare) > _LONGEST_NAME:
        yield bare
        return
    parts = [part for part in bare.split("/") if part]
    for name in dict.fromkeys([bare, *parts[: -_DEEPEST - 1 : -1]]):
        labels = name.split(".")[:_DEEPEST] if "." in name else [name]
        for short in dict.fromkeys([name, *(".".join(labels[:n]) for n in range(len(labels), 0, -1))]):
            yield short
            if machine:
                yield from _workloads(short)


def _workloads(pod: str) -> Iterator[str]:
    """What *pod* may be a copy of, the longest name first."""
    for pattern in (_ORDINAL, _POD, _REPLICA):
        if (short := pattern.sub("", pod)) != pod:
            yield short


def _workload(value: str, *, pod: bool) -> str:
    """The name to use for *value* when the graph does not know it: copies of one workload are one service."""
    bare = _bare(value) or value
    return (_REPLICA.sub("", bare) or bare) if pod else bare


def _is_address(name: str) -> bool:
    return bool(_IPV4.fullmatch(name) or (name.count(":") > 1 and _IPV6.fullmatch(name)))


def _bare(value: str) -> str:
    """*value* without what an address has around the name."""
    if ":" not in value:
        return value
    rest = _SCHEME.sub("", value)
    return rest if _is_address(rest) else _PORT_AND_PATH.sub("", rest)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()[:_LONGEST]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


@lru_cache(maxsize=1024)
def _is_machine(label: str) -> bool:
    return _MACHINE.search(label) is not None


@lru_cache(maxsize=4096)
def _plain(label: str) -> str:
    """`app.kubernetes.io/name`, `App_Kubernetes_IO_Name`: one label in the notation of several tools."""
    return _NOT_A_NAME.sub("_", label.lower()).strip("_")


def _squeeze(name: str) -> str:
    return _NOT_A_NAME.sub("", name.lower())


def _unambiguous(nodes: Collection[str], fold: Callable[[str], str]) -> dict[str, str]:
    """Folded name -> node, where only one node has it."""
    found: dict[str, list[str]] = {}
    for node in sorted(nodes):
        found.setdefault(fold(node), []).append(node)
    return {key: names[0] for key, names in found.items() if key and len(names) == 1}
