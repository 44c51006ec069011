"""Settings: one file, one environment, one frozen value; whatever is wrong names itself."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
import yaml

from aiops_rca.domain.errors import InputError
from aiops_rca.settings import Settings, effective, load_settings

SHIPPED = Path(__file__).parents[2] / "configs" / "aiops_rca.yaml"


def test_the_shipped_file_holds_exactly_the_defaults() -> None:
    """The commented file and the defaults in the code never drift apart."""
    assert load_settings(SHIPPED, {}) == Settings()


def test_the_shipped_file_shows_every_setting() -> None:
    """No setting exists that the commented file does not explain."""
    written = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    keys = {f"{a}.{b}" for a, v in written.items() if isinstance(v, dict) for b in v} | set(written)

    for key in effective(Settings()):
        assert key in keys or key.split(".")[0] == "severity_aliases" or key == "llm.api_key", key


def test_every_setting_has_a_comment_above_it() -> None:
    """Each block of keys in the shipped file stands under words that explain it."""
    sections = tuple(f"{name}:\n" for name in yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))
    for block in SHIPPED.read_text(encoding="utf-8").split("\n\n"):
        first, _, rest = block.partition("\n")
        assert block.startswith("#") or (f"{first}\n" in sections and rest.startswith("  #")), block


@pytest.mark.parametrize(
    ("variable", "text", "key", "expected"),
    [
        ("AIOPS_GAP_SEC", "300", "gap_sec", 300),
        ("AIOPS_MAX_HOP", "1", "max_hop", 1),
        ("AIOPS_RCA_METHOD", "pagerank", "rca_method", "pagerank"),
        ("AIOPS_USE_LLM", "false", "use_llm", False),
        ("AIOPS_STATE_DIR", "/var/x", "state_dir", "/var/x"),
        ("AIOPS_LIMITS_MAX_ALERTS", "7", "limits.max_alerts", 7),
        ("AIOPS_SEVERITY_ALIASES", "{p1: critical}", "severity_aliases", {"p1": "critical"}),
        ("AIOPS_GRAPH_TAG", "service_graph:v1", "graph_tag", "service_graph:v1"),
        ("AIOPS_HISTORY_TAG", "incident_history:0a1", "history_tag", "incident_history:0a1"),
        ("AIOPS_SERVER_HOST", "::1", "server.host", "::1"),
        ("AIOPS_INGEST_SERVICE_LABELS", "[app, job]", "ingest.service_labels", ["app", "job"]),
        ("AIOPS_INGEST_SERVICE_LABELS", "app", "ingest.service_labels", ["app"]),
        ("AIOPS_INGEST_SERVICE_ALIASES", "{cart-api: cart}", "ingest.service_aliases", {"cart-api": "cart"}),
        ("AIOPS_LIVE_CORRELATOR", "apart", "live.correlator", "apart"),
        ("AIOPS_LIVE_JOURNAL_MAX_BYTES", "65536", "live.journal_max_bytes", 65_536),
        ("AIOPS_NOTIFY_OCCASIONS", "[root_cause]", "notify.occasions", ["root_cause"]),
        ("AIOPS_SOURCES_GRAFANA_ADAPTER", "alertmanager", "sources.grafana.adapter", "alertmanager"),
        ("AIOPS_SOURCES_MY_PAGER_LEASE_SEC", "60", "sources.my_pager.lease_sec", 60),
        ("AIOPS_SOURCES_GENERIC_MAPPING", "{service: app}", "sources.generic.mapping", {"service": "app"}),
    ],
)
def test_the_environment_overrides_and_is_named(variable: str, text: str, key: str, expected: object) -> None:
    """AIOPS_A_B sets a.b, and the override list says so."""
    settings = load_settings(SHIPPED, {variable: text})

    assert effective(settings)[key] == expected
    assert settings.overrides == {key: variable}


@pytest.mark.parametrize(
    ("environ", "field"),
    [
        ({"AIOPS_GAP_SEC": "soon"}, "AIOPS_GAP_SEC"),
        ({"AIOPS_GAP_SEC": "-1"}, "AIOPS_GAP_SEC"),
        ({"AIOPS_RCA_METHOD": "guess"}, "AIOPS_RCA_METHOD"),
        ({"AIOPS_GAP_SECS": "1"}, "AIOPS_GAP_SECS"),
        ({"AIOPS_LIMITS_MAX_ALERT": "1"}, "AIOPS_LIMITS_MAX_ALERT"),
        ({"AIOPS_GRAPH_TAG": "Bad Tag"}, "AIOPS_GRAPH_TAG"),
        ({"AIOPS_SEVERITY_ALIASES": "{p1: loud}"}, "AIOPS_SEVERITY_ALIASES"),
        ({"AIOPS_CONFIG": "/nowhere.yaml"}, "/nowhere.yaml"),
        ({"AIOPS_GRAPH_TAG": "service_graph:a-"}, "AIOPS_GRAPH_TAG"),
        ({"AIOPS_SEVERITY_ALIASES": "{"}, "AIOPS_SEVERITY_ALIASES"),
        ({"AIOPS_MEASURING_LABELS": "[" * 100_000}, "AIOPS_MEASURING_LABELS"),
        ({"AIOPS_LIMITS_REQUEST_TIMEOUT_SEC": "inf"}, "AIOPS_LIMITS_REQUEST_TIMEOUT_SEC"),
        ({"AIOPS_LIMITS_REQUEST_TIMEOUT_SEC": "nan"}, "AIOPS_LIMITS_REQUEST_TIMEOUT_SEC"),
        ({"AIOPS_SERVER_HOST": "nosuch.invalid"}, "AIOPS_SERVER_HOST"),
        ({"AIOPS_SERVR_PORT": "1"}, "AIOPS_SERVR_PORT"),
        ({"AIOPS_SOURCES_GRAFANA_TOKENZ": "x"}, "AIOPS_SOURCES_GRAFANA_TOKENZ"),
        ({"AIOPS_SOURCES_GRAFANA_LEASE_SEC": "0"}, "AIOPS_SOURCES_GRAFANA_LEASE_SEC"),
        ({"AIOPS_SOURCES_GRAFANA_TOKENS": "[a"}, "AIOPS_SOURCES_GRAFANA_TOKENS"),
        ({"AIOPS_LIVE_HOLD_SEC": "0"}, "AIOPS_LIVE_HOLD_SEC"),
        ({"AIOPS_NOTIFY_OCCASIONS": "[closed]"}, "AIOPS_NOTIFY_OCCASIONS"),
        ({"AIOPS_NOTIFY_BASE_URL": "rca.example.com"}, "AIOPS_NOTIFY_BASE_URL"),
        ({"AIOPS_SERVR_SERVICE_PORT": "1", "AIOPS_RCA_SERVICE_HOST": "::1"}, "AIOPS_SERVR_SERVICE_PORT"),
    ],
)
def test_a_bad_variable_stops_and_names_itself(environ: dict[str, str], field: str) -> None:
    """Neither a bad value nor an unknown name is passed over."""
    with pytest.raises(InputError) as caught:
        load_settings(SHIPPED, environ)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("gap_secs: 1", "s.yaml: gap_secs"),
        ("limits: {max_alert: 1}", "s.yaml: limits.max_alert"),
        ("gap_sec: x", "s.yaml: gap_sec"),
        ("- 1", "s.yaml"),
        ("a: [", "s.yaml line 2"),
        ("gap_sec: 2026-99-99", "s.yaml: gap_sec"),
        ("gap_sec: true", "s.yaml: gap_sec"),
        ("limits: {request_timeout_sec: true}", "s.yaml: limits.request_timeout_sec"),
        ("gap_sec: 1\ngap_sec: 2", "s.yaml line 2"),
        ("server: {host: nosuch}", "s.yaml: server.host"),
        ("overrides: {}", "s.yaml: overrides"),
        ("sources: {Grafana: {}}", "s.yaml: sources.Grafana.[key]"),
        ("sources: {grafana: {token: x}}", "s.yaml: sources.grafana.token"),
        ("sources: {grafana: {tokens: ['']}}", "s.yaml: sources.grafana.tokens.0"),
        ("sources: {grafana: x}", "s.yaml: sources.grafana"),
        ("sources: 1", "s.yaml: sources"),
    ],
)
def test_a_bad_file_stops_and_names_the_key(tmp_path: Path, text: str, field: str) -> None:
    """An unknown key or bad value in the file is named with the file."""
    file = tmp_path / "s.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(InputError) as caught:
        load_settings(file, {})

    assert caught.value.field == field


def test_another_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    """AIOPS_CONFIG replaces the shipped file; what it changes is listed with its name."""
    file = tmp_path / "mine.yaml"
    file.write_text("gap_sec: 60\nmax_hop: 2\n", encoding="utf-8")

    settings = load_settings(SHIPPED, {"AIOPS_CONFIG": str(file)})

    assert settings.gap_sec == 60
    assert settings.overrides == {"gap_sec": "mine.yaml"}


def test_localhost_is_an_address() -> None:
    """The one name that needs no asking stands for its number."""
    assert load_settings(SHIPPED, {"AIOPS_SERVER_HOST": "localhost"}).server.host == "127.0.0.1"


def test_variables_of_kubernetes_services_are_no_settings() -> None:
    """A cluster service called aiops-rca injects variables that must not stop the start."""
    environ = {
        "AIOPS_RCA_SERVICE_HOST": "10.0.0.1",
        "AIOPS_RCA_SERVICE_PORT_HTTP": "3000",
        "AIOPS_RCA_PORT": "tcp://10.0.0.1:3000",
        "AIOPS_RCA_PORT_3000_TCP_ADDR": "10.0.0.1",
        "AIOPS_DNS_PORT_53_UDP": "udp://10.0.0.2:53",
    }

    assert load_settings(SHIPPED, environ) == Settings()


def test_the_environment_completes_a_sender_of_the_file(tmp_path: Path) -> None:
    """A variable adds to the sender of that name, however its hyphens are written, and leaves the rest."""
    file = tmp_path / "s.yaml"
    file.write_text("sources: {grafana-eu: {adapter: grafana, lease_sec: 60}}", encoding="utf-8")

    settings = load_settings(file, {"AIOPS_SOURCES_GRAFANA_EU_TOKENS": "one two"})

    source = settings.sources["grafana-eu"]
    assert list(settings.sources) == ["grafana-eu"]
    assert (source.adapter, source.lease_sec) == ("grafana", 60)
    assert settings.overrides["sources.grafana-eu.tokens"] == "AIOPS_SOURCES_GRAFANA_EU_TOKENS"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one", ["one"]),
        ("one  two\nthree", ["one", "two", "three"]),
        ("123", ["123"]),
        ("a:b,{c}*", ["a:b,{c}*"]),
        ("[with space, two]", ["with space", "two"]),
        ("", []),
    ],
)
def test_secrets_are_taken_as_they_stand(text: str, expected: list[str]) -> None:
    """White space parts secrets; a number or a sign of YAML in one means nothing."""
    settings = load_settings(SHIPPED, {"AIOPS_SOURCES_A_SECRETS": text})

    assert [secret.get_secret_value() for secret in settings.sources["a"].secrets] == expected


SECRETS = {
    "AIOPS_SOURCES_A_TOKENS": "hush-1",
    "AIOPS_SOURCES_A_SECRETS": "hush-2 hush-3",
    "AIOPS_LIVE_DATABASE_URL": "postgresql+psycopg://rca:hush-4@db/rca",
    "AIOPS_NOTIFY_URLS": "slack://hush-5/a/b",
}


def test_secrets_show_nowhere() -> None:
    """Neither what /config shows, nor a repr, nor a dump holds a secret; that there is one may be seen."""
    settings = load_settings(SHIPPED, SECRETS)
    shown = effective(settings)

    for text in (repr(settings), repr(shown), repr(settings.model_dump()), settings.model_dump_json()):
        assert "hush" not in text
    assert [*shown["sources.a.tokens"], *shown["notify.urls"]] == ["**********"] * 2
    assert shown["live.database_url"] == "**********"


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {"AIOPS_SOURCES_A_TOKENS": "[hush"}),
        ("", {"AIOPS_SOURCES_A_TOKENS": "[{hush: 1}]"}),
        ("", {"AIOPS_NOTIFY_URLS": "[hush, '']"}),
        ("", {"AIOPS_LIVE_DATABASE_URL": "hush", "AIOPS_GAP_SEC": "0"}),
        ("sources: {a: {tokens: {hush: hush}}}", {}),
        ("sources: {a: {tokens: [hush, 1]}}", {}),
        ("sources: {a: {tokens: hush, }", {}),
        ("sources:\n  a: {tokens: hush}\n b: hush", {}),
    ],
)
def test_an_error_shows_no_secret(tmp_path: Path, text: str, variables: dict[str, str]) -> None:
    """Nor does the error that stops the start, with all it was raised from, hold what was secret."""
    file = tmp_path / "s.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(InputError) as caught:
        load_settings(file, variables)

    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_the_key_of_the_provider_comes_from_its_own_variable() -> None:
    """`ANTHROPIC_API_KEY` is taken, shown as asterisks and named as where it came from."""
    settings = load_settings(SHIPPED, {"ANTHROPIC_API_KEY": "sk-ant-secret"})

    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == "sk-ant-secret"
    assert settings.overrides == {"llm.api_key": "ANTHROPIC_API_KEY"}
    assert "secret" not in f"{effective(settings)} {settings!r}"


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_key_is_none(blank: str) -> None:
    """An empty variable, as compose files make them, is the same as no key."""
    assert load_settings(SHIPPED, {"ANTHROPIC_API_KEY": blank}).llm.api_key is None


def test_a_key_does_not_belong_into_a_file_or_another_variable(tmp_path: Path) -> None:
    """A key in the file, or under a name of our own, stops the start; the error does not show it."""
    file = tmp_path / "rca.yaml"
    file.write_text("llm: {api_key: sk-ant-secret}\n", encoding="utf-8")

    for path, environ in ((file, {}), (SHIPPED, {"AIOPS_LLM_API_KEY": "sk-ant-secret"})):
        with pytest.raises(InputError, match="ANTHROPIC_API_KEY") as caught:
            load_settings(path, environ)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("bad", ["sk ant", "sk-\u00fcnt", "sk\nant"])
def test_a_key_that_fits_into_no_header_is_refused(bad: str) -> None:
    """What cannot be sent stops the start, naming the variable and not the value."""
    with pytest.raises(InputError, match="ANTHROPIC_API_KEY") as caught:
        load_settings(SHIPPED, {"ANTHROPIC_API_KEY": bad})
    assert bad not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:65536",
        "http://127.0.0.1:0",
        "http://127.0.0.1:x",
        "http://:8080",
        "http://[::1",
        "https://gateway.example/v1",
        "https://gateway.example/v1/",
        "https://gateway.example/anthropic/v1/messages",
        "https://user:hunter2@gateway.example",
        "gateway.example",
    ],
)
def test_an_address_that_nobody_can_be_asked_at_stops_the_start(url: str) -> None:
    """No host, no such port, or the part of the path that is added anyway; the setting is named."""
    with pytest.raises(InputError) as caught:
        load_settings(SHIPPED, {"AIOPS_LLM_BASE_URL": url})

    assert caught.value.field == "AIOPS_LLM_BASE_URL"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://[::1]:8080", "https://gateway.example/anthropic/", "http://v1", "http://a/xv1"]
)
def test_an_address_of_a_gateway_is_taken(url: str) -> None:
    """With a port, with a path of its own, whatever the name."""
    assert load_settings(SHIPPED, {"AIOPS_LLM_BASE_URL": url}).llm.base_url == url
