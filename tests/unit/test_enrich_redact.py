"""Secrets in any text are replaced, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aiops_rca.enrich.cleaning import clean
from aiops_rca.enrich.redact import HIDDEN, redact
from secrets_seeded import Seeded, leaked, seeded

HISTORY = Path(__file__).resolve().parents[2] / "history"


@pytest.mark.parametrize("one", seeded(120), ids=lambda one: one.kind)
def test_no_seeded_secret_leaves(one: Seeded) -> None:
    """Two of every kind, neither whole nor in part, in texts of any length."""
    assert leaked(one, one.text)
    assert HIDDEN in redact(one.text)
    assert not leaked(one, redact(one.text))
    assert not any(leaked(one, clean(one.text, limit)) for limit in (60, 200, 1000))


@pytest.mark.parametrize(
    "text",
    [
        "payment-7f9c4d5b6d-x2x8z",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "commit 3f2a9c1e5b7d8f0a1c2e4b6d8f0a1c2e4b6d8f0a",
        "image@sha256:3f2a9c1e5b7d8f0a1c2e4b6d8f0a1c2e4b6d8f0a3f2a9c1e5b7d8f0a1c2e4b6d",
        "550e8400-e29b-41d4-a716-446655440000",
        "550E8400-E29B-41D4-A716-446655440000",
        "max_tokens=1024 tokens: 17 tokens_left=3 tokenizer_lag=4",
        "the token bucket is empty, password expired, secret not found",
        "password=*** token=null secret=${SECRET} api_key={{ .Values.key }} password: <unset>",
        "HikariPool1ConnectionAcquireMillis99thPercentile",
        "StepFnStateMachine76D362E8-T67Tg48ke8oK_client",
        "adoptions@services-database.us-west-2.rds.amazonaws.com_Database::SQL",
        "getty@tty1.service failed, user@1000.service too",
        "jvm_gc_g1_old_generation_pause_seconds_count",
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/MyALB/50dc6c495c0c9188",
        "ip-10-0-3-4.eu-west-1.compute.internal:9100",
        "1763719445123 1763719445123456789 4294967296000 0.4532015112830366",
        "order 4532015112830367 of 4532015112830366.5",
        "hipstershop.ProductCatalogService/ListProducts (rpc)",
        "kube_horizontalpodautoscaler_status_desired_replicas",
        "basic functionality of bearer authentication",
        "password is expired, the passphrase for the vault is missing, password changed to meet the policy",
        "AUTH failed, AUTH LOGIN, CONFIG SET maxmemory",
        "['user', 'password', 'host']",
        "IBAN DE89 3704 0044 0532 0130 01",
        "1000 2000 3000 4000 of 5000",
        "a" * 300,
        "支付服务延迟过高",
    ],
)
def test_names_ids_and_numbers_stay(text: str) -> None:
    """What a diagnosis needs is no secret."""
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2", "password=[redacted]"),
        ("Password : hunter2, user root", "Password : [redacted], user root"),
        ('{"api_key": ["a1", "b2"], "n": 1}', '{"api_key": [redacted], "n": 1}'),
        ('{"password":"cut off he', '{"password":"[redacted]'),
        ("token=abc&page=2", "token=[redacted]&page=2"),
        ("<password>hunter2</password>", "<password>[redacted]</password>"),
        ("password=ab,cd;ef failed", "password=[redacted] failed"),
        ("Server=db;Password=x1;Encrypt=true", "Server=db;Password=[redacted];Encrypt=true"),
        ("config[\"secret\"] = 'x1'", "config[\"secret\"] = '[redacted]'"),
        ("password%3Dhunter2", "password%3D[redacted]"),
        ("&quot;password&quot;:&quot;hunter2&quot;", "&quot;password&quot;:&quot;[redacted]&quot;"),
        ("amqp://guest:gu@est/x@mq:5672/", "amqp://[redacted]@mq:5672/"),
        ("пароль: hunter2", "пароль: [redacted]"),
        ("mot de passe = hunter2", "mot de passe = [redacted]"),
        ("a@b.example.com, c@d.example.com", "[redacted], [redacted]"),
        ("key 4111-1111-1111-1111.", "key [redacted]."),
        ("password is hunterzwei", "password is [redacted]"),
        ("passphrase hunterzwei zwo", "passphrase [redacted]"),
        ("password for bob on prod db is hunterzwei", "password for bob on prod db is [redacted]"),
        ("password changed from Alt123! to Neu456!", "password changed from [redacted]"),
        ("password was reset to Neu456!", "password was reset to [redacted]"),
        ("('password', 'hunterzwei')", "('password', '[redacted]')"),
        ("['--password', 'hunterzwei']", "['--password', '[redacted]']"),
        ("passwd=b'hunterzwei'", "passwd=b'[redacted]'"),
        ("password%253Dhunterzwei", "password%253D[redacted]"),
        ("db_password: |\n  hunterzwei", "db_password: [redacted]\n  [redacted]"),
        ("pswd=hunterzwei psw=hunterdrei", "pswd=[redacted] psw=[redacted]"),
        ("AUTH default hunterzwei", "AUTH default [redacted]"),
        ("CONFIG SET requirepass hunterzwei", "CONFIG SET requirepass [redacted]"),
        ("ldapsearch -D cn=x -w hunterzwei", "ldapsearch -D cn=x -w [redacted]"),
        ("sqlplus scott/tiger@orcl", "sqlplus scott/[redacted]@orcl"),
        ("jdbc:oracle:thin:scott/tiger9@//h:1521/x", "jdbc:oracle:thin:scott/[redacted]@//h:1521/x"),
        ("card 4111 1111-1111 1111", "card [redacted]"),
        ("card 4111_1111_1111_1111", "card [redacted]"),
        ("bob@exämple.com", "[redacted]"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [redacted]"),
        (f'Digest response="{"6f" * 16}"', 'Digest response="[redacted]"'),
        ("/incidents/f2e08c333dc64cb09f75eaab355393bz/x", "/incidents/[redacted]/x"),
    ],
)
def test_what_stands_beside_a_secret_stays(text: str, shown: str) -> None:
    """The name, the separator, the next field."""
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gh\np_A1b2C3d4E5f6G7h8 used", "[redacted] used"),
        ("ghp_A1b2C3d4E5f6G7h8\nI9j0K1l2M3 \nService is down", "[redacted] \nService is down"),
        ("password=hunter2\nService cart is down", "password=[redacted]\nService cart is down"),
        ("pass\nword=hunter2\nService cart", "pass\nword=[redacted]\nService cart"),
        ("pa\u200bss\u2060word=hun\u200bter2 x", "pa\u200bss\u2060word=[redacted] x"),
        ("AKIA\nIOSFODNN\n7EXAMPLE1", "[redacted]"),
        ("one\ntwo\nthree", "one\ntwo\nthree"),
    ],
)
def test_line_breaks_and_invisible_characters_hide_nothing(text: str, shown: str) -> None:
    """In the name or in the value; what the next line says for itself stays."""
    assert redact(text) == shown


def test_the_shipped_history_holds_none() -> None:
    """No line of it is touched: a measure of how seldom ordinary text is."""
    lines = [line for file in HISTORY.glob("*.jsonl") for line in file.read_text("utf-8").splitlines()]
    told = [value for line in lines for value in json.loads(line).values() if isinstance(value, str)]

    assert len(told) > 100
    assert [text for text in told if redact(text) != text] == []
