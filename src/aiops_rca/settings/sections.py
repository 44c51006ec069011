"""Every setting as a frozen pydantic model; each is explained in `configs/aiops_rca.yaml`."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from aiops_rca.domain.alert import Severity
from aiops_rca.domain.fingerprint import MEASURING_LABELS
from aiops_rca.domain.release import Parameters

NAME_PATTERN = r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?"  # of an artifact, and of its version
_TAG = f"^{NAME_PATTERN}:{NAME_PATTERN}$"
_SOURCE = r"^[a-z0-9][a-z0-9_-]{0,62}$"  # of a sender: it stands in a URL, in metrics and in variables
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

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

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


def _several(value: object) -> object:
    """One text stands for a list of one."""
    return (value,) if isinstance(value, str) else value


Secret = Annotated[SecretStr, Field(min_length=1)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_several)]
SourceName = Annotated[str, Field(pattern=_SOURCE)]
Names = Annotated[tuple[str, ...], BeforeValidator(_several)]


class Ingest(Section):
    """How what senders write becomes alerts about services of the graph."""

    service_labels: Names = (
        "service",
        "service_name",
        "app_kubernetes_io_name",
        "app",
        "component",
        "deployment",
        "statefulset",
        "daemonset",
        "workload",
        "container",
        "pod",
        "host",
        "hostname",
        "node",
        "instance",
        "job",
    )
    service_aliases: dict[str, str] = {}
    skew_tolerance_sec: int = Field(default=60, ge=0, le=86_400)


class Source(Section):
    """One sender: what it must present, and how long an alert of its lives without being heard of."""

    adapter: str | None = None
    tokens: Secrets = ()
    secrets: Secrets = ()
    lease_sec: int | None = Field(default=None, ge=1)
    mapping: dict[str, str] = {}


class Live(Section):
    """The stream of webhooks and the incidents it is folded into."""

    database_url: SecretStr | None = Field(default=None, min_length=1)
    correlator: Literal["auto", "beside", "apart"] = "auto"
    hold_sec: int = Field(default=600, ge=1, le=86_400)
    lease_sec: int = Field(default=15_000, ge=1)
    rediagnose_growth: float = Field(default=0.25, gt=0)
    poll_ms: int = Field(default=100, ge=5, le=60_000)
    max_pending_alerts: int = Field(default=100_000, ge=1)
    journal_max_bytes: int | None = Field(default=None, ge=65_536)
    keep_days: int = Field(default=90, ge=1)
    max_streams: int = Field(default=64, ge=0)
    metrics_port: int | None = Field(default=None, ge=1, le=65535)


Occasion = Literal["opened", "reopened", "severity", "snooze_over", "root_cause", "resolved", "expired"]
_TOLD: tuple[Occasion, ...] = ("opened", "reopened", "severity", "snooze_over", "resolved", "expired")


class Notify(Section):
    """Who is told about incidents, and how often."""

    urls: Secrets = ()
    occasions: Annotated[tuple[Occasion, ...], BeforeValidator(_several)] = _TOLD
    settle_sec: float = Field(default=5.0, ge=0, le=3600)
    per_minute: int = Field(default=20, ge=1)
    timeout_sec: float = Field(default=10.0, gt=0, le=300)
    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")


class Llm(Section):
    """The language model that puts diagnoses into words: which one, how long, how often.

    *api_key* comes from the variable ANTHROPIC_API_KEY alone, never from a file.
    """

    model: str = Field(default="claude-haiku-4-5", pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$")
    base_url: str = Field(default="https://api.anthropic.com", pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")
    timeout_s: float = Field(default=8.0, gt=0, le=120)
    max_in_flight: int = Field(default=4, ge=1, le=256)
    max_clusters: int = Field(default=3, ge=0, le=100)
    skip_from: float = Field(default=0.9, ge=0, le=1)
    skip_record: int = Field(default=20, ge=1)
    skip_right: float = Field(default=0.8, gt=0, le=1)
    settle_sec: float = Field(default=30.0, ge=0, le=3600)
    quiet_sec: float = Field(default=120.0, ge=0, le=86_400)
    growth: float = Field(default=1.0, gt=0)
    calls_per_minute: int = Field(default=20, ge=0)
    calls_per_day: int = Field(default=2000, ge=0)
    tokens_per_minute: int = Field(default=100_000, ge=0)
    tokens_per_day: int = Field(default=5_000_000, ge=0)
    cache_sec: int = Field(default=3600, ge=0, le=86_400)
    cache_entries: int = Field(default=1000, ge=0, le=100_000)
    usd_per_mtok_in: float | None = Field(default=None, ge=0)
    usd_per_mtok_out: float | None = Field(default=None, ge=0)
    api_key: SecretStr | None = Field(default=None, min_length=1)

    @field_validator("base_url")
    @classmethod
    def _can_be_asked(cls, url: str) -> str:
        try:
            parts = AnyHttpUrl(url)
        except ValueError:
            parts = None
        if parts is None or not parts.port:
            raise ValueError("must name a host, and a port of 1 to 65535 if any")
        if (parts.path or "").rstrip("/").endswith(("/v1", "/v1/messages")):
            raise ValueError("must end before /v1/messages, which is added")
        return url

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        text = key.get_secret_value() if key else ""
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("must be printable ASCII without spaces")
        return key


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
    ingest: Ingest = Ingest()
    sources: dict[SourceName, Source] = {}
    live: Live = Live()
    notify: Notify = Notify()
    llm: Llm = Llm()
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
