"""Configuration file plus environment to one frozen `Settings`; the only reader of `os.environ`.

The key `a.b` is overridden by `AIOPS_A_B`. An unknown key or a bad value raises InputError naming itself;
no error, nor what it was raised from, shows a value of the file or of a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from aiops_rca.documents import parse
from aiops_rca.domain.errors import InputError
from aiops_rca.settings.sections import Section, Settings, Source

PREFIX = "AIOPS_"
KEY_VARIABLE = "ANTHROPIC_API_KEY"  # the name every tool for this provider reads
CONFIG_VARIABLE = "AIOPS_CONFIG"
_OUTSIDE = (CONFIG_VARIABLE, "AIOPS_BENTOML_HOME")  # read by the loader here and by run.py
# Kubernetes adds these for every service it knows; one called aiops-rca must not stop ours
_SERVICE_LINK = re.compile(
    r"(?P<service>AIOPS\w*?)_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
_LINK_URL = re.compile(r"(tcp|udp|sctp)://.+")
_OF_SOURCE = re.compile(
    rf"AIOPS_SOURCES_(?P<name>[A-Z0-9][A-Z0-9_]*)_(?P<field>{'|'.join(map(str.upper, Source.model_fields))})"
)
_SCALARS = (str, int, float, bool, NoneType, SecretStr)


def load_settings(default_file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read *default_file* (or the file `AIOPS_CONFIG` names), then the environment on top."""
    path = Path(environ.get(CONFIG_VARIABLE) or default_file)
    values = _read_yaml(path)
    if "overrides" in values:
        raise InputError("unknown key", field=f"{path.name}: overrides")
    sources = {key: path.name for key, _ in _leaves(values)}
    for variable, key in _variables(environ, _source_names(values)).items():
        _put(values, key, _parse(environ[variable], key, variable))
        sources[".".join(key)] = variable
    _put_key(values, sources, environ)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _named(error, sources, path) from None
    changed = dict(_leaves(settings.model_dump()))
    default = dict(_leaves(Settings().model_dump()))
    overrides = {k: s for k, s in sources.items() if k in changed and changed[k] != default.get(k)}
    return settings.model_copy(update={"overrides": overrides})


def _put_key(values: dict[str, Any], sources: dict[str, str], environ: Mapping[str, str]) -> None:
    """Take the provider's key from its own variable; a file is no place for it."""
    if "llm.api_key" in sources:
        raise InputError(f"a key belongs into the variable {KEY_VARIABLE}", field=sources["llm.api_key"])
    key = environ.get(KEY_VARIABLE, "").strip()
    if key:
        _put(values, ("llm", "api_key"), key)
        sources["llm.api_key"] = KEY_VARIABLE


def effective(settings: Settings) -> dict[str, Any]:
    """Every setting as `a.b: value`, fit for JSON; a secret shows as asterisks."""
    return dict(_leaves(settings.model_dump(mode="json")))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", field=str(path)) from error
    try:
        document = parse(data, name=path.name).content
    except InputError as error:
        raise InputError(error.message, field=error.field or path.name) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError("must be a mapping of settings", field=path.name)
    return document


def _source_names(values: Mapping[str, Any]) -> dict[str, str]:
    """The senders that the file names, by what a variable calls them."""
    sources = values.get("sources")
    names = map(str, sources) if isinstance(sources, dict) else ()
    return {name.replace("-", "_").upper(): name for name in names}


def _is_section(name: str) -> bool:
    field = Settings.model_fields.get(name)
    kind = field.annotation if field else None
    return isinstance(kind, type) and issubclass(kind, Section)


def _leaves(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(dotted key, value) of every setting in *values*; maps that are one setting stay whole."""
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        if key == "sources" and isinstance(value, Mapping) and value:
            found.extend(leaf for name, source in value.items() for leaf in _of_source(name, source))
        elif isinstance(value, Mapping) and _is_section(key):
            found.extend((f"{key}.{k}", v) for k, v in value.items())
        else:
            found.append((str(key), value))
    return found


def _of_source(name: object, source: object) -> list[tuple[str, Any]]:
    if isinstance(source, Mapping):
        return [(f"sources.{name}.{key}", value) for key, value in source.items()]
    return [(f"sources.{name}", source)]


def _known_variables(environ: Mapping[str, str], senders: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for name, field in Settings.model_fields.items():
        if _is_section(name):
            section: Any = field.annotation
            for inner in section.model_fields:
                known[f"{PREFIX}{name}_{inner}".upper()] = (name, inner)
        elif name != "overrides":
            known[f"{PREFIX}{name}".upper()] = (name,)
    for found in filter(None, map(_OF_SOURCE.fullmatch, environ)):
        name = senders.get(found["name"]) or found["name"].lower()
        known[found[0]] = ("sources", name, found["field"].lower())
    return known


def _variables(environ: Mapping[str, str], senders: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The AIOPS_ variables that are set, and the key each one overrides."""
    known = _known_variables(environ, senders)
    for variable in environ:
        if not variable.startswith(PREFIX) or variable in known or variable in _OUTSIDE:
            continue
        if not _is_service_link(variable, environ):
            raise InputError("unknown setting", field=variable)
    return {variable: key for variable, key in known.items() if variable in environ}


def _is_service_link(variable: str, environ: Mapping[str, str]) -> bool:
    """Tell whether Kubernetes made it: by its value, or by the host of the same service beside it."""
    link = _SERVICE_LINK.fullmatch(variable)
    if link is None:
        return False
    return bool(_LINK_URL.fullmatch(environ[variable])) or f"{link['service']}_SERVICE_HOST" in environ


def _parse(text: str, key: tuple[str, ...], variable: str) -> Any:
    """Text stays text, pydantic reads numbers from it; lists and maps are YAML; empty is unset."""
    field = _field(key)
    if _are_secrets(field.annotation):
        return _secrets(text, variable)
    if not text and _may_be(field.annotation, NoneType):
        return None
    if all(kind in _SCALARS for kind in _kinds(field.annotation)):
        return text
    try:
        return parse(text.encode("utf-8", "surrogateescape"), name=variable).content
    except InputError as error:
        raise InputError(error.message, field=variable) from error


def _secrets(text: str, variable: str) -> tuple[str, ...]:
    """Secrets are taken as they stand, white space parts them; one that holds some needs a YAML list."""
    if not text.startswith("["):
        return tuple(text.split())
    try:
        found = parse(text.encode("utf-8", "surrogateescape"), name=variable).content
    except InputError:
        found = None
    if not isinstance(found, list):
        raise InputError("begins with [ but is no list", field=variable)
    return tuple(found)


def _field(key: tuple[str, ...]) -> FieldInfo:
    if len(key) == 1:
        return Settings.model_fields[key[0]]
    section: Any = Source if key[0] == "sources" else Settings.model_fields[key[0]].annotation
    found: FieldInfo = section.model_fields[key[-1]]
    return found


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The types a setting may have; a literal counts as text."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return tuple(kind for part in get_args(annotation) for kind in _kinds(part))
    return (str,) if origin is Literal else (annotation,)


def _are_secrets(annotation: Any) -> bool:
    return get_origin(annotation) is tuple and SecretStr in _origins(get_args(annotation))


def _origins(kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """*kinds* without what is annotated to them."""
    return tuple(getattr(kind, "__origin__", kind) for kind in kinds)


def _may_be(annotation: Any, kind: type) -> bool:
    return kind in _kinds(annotation)


def _put(values: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    if len(key) == 1:
        values[key[0]] = value
        return
    section = values.get(key[0])
    values[key[0]] = inner = {**(section if isinstance(section, dict) else {})}
    _put(inner, key[1:], value)


def _named(error: ValidationError, sources: Mapping[str, str], path: Path) -> InputError:
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    source = sources.get(key) or sources.get(key.rsplit(".", 1)[0]) or path.name
    field = source if source.startswith(PREFIX) else f"{source}: {key}"
    reason = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
    return InputError(reason.removeprefix("Value error, "), field=field)
