"""The bytes of a JSON or YAML file to plain values, and a path in them back to a line of the file.

Stricter than the parsers it uses: UTF-8 only, no key twice, no bottomless nesting. Every error is an
InputError whose field names the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from aiops_rca.domain.errors import InputError

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # a PyYAML without libyaml: slower, else the same
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

_DEPTH = 100  # levels; the C parser of YAML crashes on 100,000 of them
_DIGITS = re.compile(r"\d{4301}")  # from here on Python refuses to read an integer
_SPACE = re.compile(r"[ \t\n\r]*")
_STEP = re.compile(r"[^.\[\]]+")
_TOO_DEEP = "nested too deeply"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Document:
    """What a file called *name* holds, and the line where a path of keys and positions leads."""

    name: str
    content: Any
    line_of: Callable[[Sequence[str]], int]

    def located(self, error: InputError) -> InputError:
        """*error*, whose field is a path inside the document, with file and line."""
        line = self.line_of(_STEP.findall(str(error.field)))
        return InputError(error.message, field=f"{self.name} line {line}: {error.field}")


def parse(data: bytes, *, name: str) -> Document:
    """Read the bytes of a file called *name*: JSON if it ends in .json, else YAML, where dates are text."""
    try:
        text = _decoded(data)
        if name.endswith(".json"):
            return Document(name, _json(text), lambda path: _line(text, _place(text, path)))
        root = _composed(text)
        content = None if root is None else _Loader("").construct_document(root)
        return Document(name, content, lambda path: _node_line(root, path))
    except InputError as error:
        raise InputError(error.message, field=f"{name} {error.field}") from error
    except yaml.YAMLError as error:
        raise _not_yaml(error, name, text) from error


def json_lines(data: bytes) -> Iterator[tuple[int, Any]]:
    """Read JSON Lines: (line number, content) of each line that is not blank."""
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                yield number, _json(_decoded(line))
            except InputError as error:
                raise InputError(error.message, field=f"line {number}") from error


class _KeyTwiceError(ValueError):
    """A JSON object holds one key twice."""


class _Loader(_SafeLoader):
    """Safe YAML without dates; a value that its tag cannot hold is an error of YAML, with its line."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's way of setting it
        first: [(tag, form) for tag, form in forms if not tag.endswith(":timestamp")]
        for first, forms in _SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's signature
        """PyYAML's own, with whatever its constructors throw as one error."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            reason = f"not a value of its type: {error}"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark) from error


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"not UTF-8: {error.reason}", field=f"line {line}") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", field=f"line {error.lineno}") from error
    except RecursionError as error:
        raise InputError(_TOO_DEEP, field="line 1") from error
    except _KeyTwiceError as error:
        raise InputError(str(error), field=f"line {_line(text, _second(text))}") from error
    except ValueError as error:
        found = _DIGITS.search(text)
        line = _line(text, found.start() if found else 0)
        raise InputError("a number of too many digits", field=f"line {line}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) < len(pairs):
        names = [name for name, _ in pairs]
        raise _KeyTwiceError(f"key {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return held


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _place(text: str, path: Sequence[str]) -> int:
    """Where in valid JSON the value at *path* begins, or the last one on the way that is there."""
    at = _skip(text, 0)
    for step in path:
        value = next((value for key, _, value in _entries(text, at) if key == step), None)
        if value is None:
            break
        at = value
    return at


def _second(text: str) -> int:
    """Where in JSON a key stands that its object had before."""
    containers = [_skip(text, 0)]
    while containers:
        seen: set[str] = set()
        for key, begin, value in _entries(text, containers.pop()):
            if key in seen:
                return begin
            seen.add(key)
            containers.append(value)
    return 0


def _entries(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """(key or position, where the entry begins, where its value does) in the container at *start*, if any."""
    if text[start] not in "[{":
        return
    at, position = _skip(text, start + 1), 0
    while text[at] not in "]}":
        key, begin = str(position), at
        if text[start] == "{":
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        yield key, begin, at
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        at = _skip(text, at + 1) if text[at] == "," else at
        position += 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _composed(text: str) -> yaml.Node | None:
    """The nodes of YAML; by events first, because composing goes down by recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise InputError(_TOO_DEEP, field=_on(event))
    root = yaml.compose(text, Loader=_Loader)
    _refuse_twice(root)
    return root


def _refuse_twice(root: yaml.Node | None) -> None:
    nodes, known = [root], set()
    while nodes:
        node = nodes.pop()
        if id(node) in known:  # met before, through an alias
            continue
        known.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            names = set()
            for key, value in node.value:
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key)
                if name in names:
                    raise InputError(f"key {key.value!r} stands twice", field=_on(key))
                names.add(name)
                nodes.append(value)


def _on(marked: Any) -> str:
    return f"line {marked.start_mark.line + 1}"


def _node_line(root: yaml.Node | None, path: Sequence[str]) -> int:
    """The line of the value at *path*, or of the last one on the way that is there."""
    node, line = root, 1
    for step in path:
        node = _child(node, step)
        if node is None:
            break
        line = node.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        child: yaml.Node = node.value[int(step)]
        return child
    return None


def _not_yaml(error: yaml.YAMLError, name: str, text: str) -> InputError:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else _line(text, getattr(error, "position", 0))
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return InputError(f"not YAML: {reason}", field=f"{name} line {line}")
