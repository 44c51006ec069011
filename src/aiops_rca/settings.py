"""Configuration file plus environment to one frozen `Settings`; the only reader of `os.environ`.

The key `a.b` is overridden by `AIOPS_A_B`. An unknown key or a bad value raises InputError naming itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from aiops_rca.documents import parse
from aiops_rca.domain.alert import Severity
from aiops_rca.domain.errors import InputError
from aiops_rca.domain.fingerprint import MEASURING_LABELS
from aiops_rca.domain.release import Parameters

PREFIX = "AIOPS_"
CONFIG_VARIABLE = "AIOPS_CONFIG"
_OUTSIDE = (CONFIG_VARIABLE, "AIOPS_BENTOML_HOME")  # read by the loader here and by run.py
# Kubernetes adds these for every service it knows; one called aiops-rca must not stop ours
_SERVICE_LINK = re.compile(
    r"(?P<service>AIOPS\w*?)_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
_LINK_URL = re.compile(r"(tcp|udp|sctp)://.+")
NAME_PATTERN = r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?"  # of an artifact, and of its version
_TAG = f"^{NAME_PATTERN}:{NAME_PATTERN}$"
SeverityWord = Literal["info", "warning", "error", "critical"]
_ALIASES: dict[str, SeverityWord] = {
    "warn": "warning",
    "err": "error",
    "crit": "critical",
    "fatal": "critical",
    "page": "critical",
    "information": "info",
    "informational": "info",
}


class Section(BaseModel):
    """A group of settings: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_number(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field is not None and field.annotation in (int, float):
            raise ValueError("must be a number, not true or false")
        return value


class Limits(Section):
    """What one request may cost."""

    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    max_alerts: int = Field(default=100_000, ge=1)
    max_in_flight: int = Field(default=256, ge=1)
    max_bytes_in_flight: int = Field(default=256 * 1024 * 1024, ge=1024)
    request_timeout_sec: float = Field(default=30.0, gt=0, le=86_400)
    inline_alerts: int = Field(default=2000, ge=0)


class Batching(Section):
    """How requests that meet are handed to the pipeline together."""

    max_size: int = Field(default=32, ge=1, le=1024)
    max_latency_ms: int = Field(default=10_000, ge=100)


class Server(Section):
    """Where `aiops-rca serve` listens."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=3000, ge=1, le=65535)

    @field_validator("host")
    @classmethod
    def _address(cls, host: str) -> str:
        if host == "localhost":
            return "127.0.0.1"
        try:
            return str(ip_address(host))
        except ValueError:
            raise ValueError("must be an IP address or localhost: BentoML takes no names") from None


class Log(Section):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """Every setting; each is explained in `configs/aiops_rca.yaml`."""

    gap_sec: int = Field(default=120, ge=1, le=86_400)
    max_hop: int = Field(default=2, ge=0, le=4)
    rca_method: Literal["logit", "pagerank"] = "logit"
    probable_from: float = Field(default=0.5, ge=0, le=1)
    similar_limit: int = Field(default=3, ge=0, le=50)
    action_limit: int = Field(default=6, ge=0, le=50)
    use_llm: bool = True
    state_dir: str = Field(default=".aiops/state", min_length=1)
    graph_tag: str | None = Field(default=None, pattern=_TAG)
    history_tag: str | None = Field(default=None, pattern=_TAG)
    severity_aliases: dict[str, SeverityWord] = Field(default_factory=lambda: dict(_ALIASES))
    measuring_labels: tuple[str, ...] = MEASURING_LABELS.names
    limits: Limits = Limits()
    batching: Batching = Batching()
    server: Server = Server()
    log: Log = Log()
    overrides: dict[str, str] = Field(default_factory=dict, exclude=True)

    @property
    def parameters(self) -> Parameters:
        """The part that decides an answer."""
        return Parameters(
            gap_sec=self.gap_sec,
            max_hop=self.max_hop,
            rca_method=self.rca_method,
            probable_from=self.probable_from,
            similar_limit=self.similar_limit,
            action_limit=self.action_limit,
        )

    @property
    def severities(self) -> dict[str, Severity]:
        """Every word a sender may use for a severity, in lower case."""
        own = {severity.word: severity for severity in Severity}
        return {k.lower(): own[v] for k, v in self.severity_aliases.items()} | own


def load_settings(default_file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read *default_file* (or the file `AIOPS_CONFIG` names), then the environment on top."""
    path = Path(environ.get(CONFIG_VARIABLE) or default_file)
    values = _read_yaml(path)
    if "overrides" in values:
        raise InputError("unknown key", field=f"{path.name}: overrides")
    sources = {key: path.name for key, _ in _leaves(values)}
    for variable, key in _variables(environ).items():
        _put(values, key, _parse(environ[variable], key, variable))
        sources[".".join(key)] = variable
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _named(error, sources, path) from error
    changed = dict(_leaves(settings.model_dump()))
    default = dict(_leaves(Settings().model_dump()))
    overrides = {k: s for k, s in sources.items() if changed.get(k) != default.get(k)}
    return settings.model_copy(update={"overrides": overrides})


def effective(settings: Settings) -> dict[str, Any]:
    """Every setting as `a.b: value`, fit for JSON. There are no secrets yet."""
    return dict(_leaves(settings.model_dump(mode="json")))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", field=str(path)) from error
    document = parse(data, name=path.name).content
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError("must be a mapping of settings", field=path.name)
    return document


def _is_section(name: str) -> bool:
    field = Settings.model_fields.get(name)
    kind = field.annotation if field else None
    return isinstance(kind, type) and issubclass(kind, Section)


def _leaves(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(dotted key, value) of every setting in *values*; maps that are one setting stay whole."""
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and _is_section(key):
            found.extend((f"{key}.{k}", v) for k, v in value.items())
        else:
            found.append((str(key), value))
    return found


def _known_variables() -> dict[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for name, field in Settings.model_fields.items():
        if _is_section(name):
            section: Any = field.annotation
            for inner in section.model_fields:
                known[f"{PREFIX}{name}_{inner}".upper()] = (name, inner)
        elif name != "overrides":
            known[f"{PREFIX}{name}".upper()] = (name,)
    return known


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The AIOPS_ variables that are set, and the key each one overrides."""
    known = _known_variables()
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
    if key[0] in ("severity_aliases", "measuring_labels"):
        try:
            return parse(text.encode("utf-8", "surrogateescape"), name=variable).content
        except InputError as error:
            raise InputError(error.message, field=variable) from error
    return text if text or not key[0].endswith("_tag") else None


def _put(values: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    if len(key) == 1:
        values[key[0]] = value
    else:
        section = values.get(key[0])
        values[key[0]] = {**(section if isinstance(section, dict) else {}), key[1]: value}


def _named(error: ValidationError, sources: Mapping[str, str], path: Path) -> InputError:
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    source = sources.get(key) or sources.get(key.rsplit(".", 1)[0]) or path.name
    field = source if source.startswith(PREFIX) else f"{source}: {key}"
    reason = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
    return InputError(reason.removeprefix("Value error, "), field=field)
