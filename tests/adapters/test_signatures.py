"""Tokens and signatures of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from adapters.reading import reader
from aiops_rca.domain.errors import RcaError

BODY = b'{"alerts": []}'


def signed(secret: str, body: bytes = BODY) -> str:
    """The hex digest of *body* under *secret*."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_let_in(source: str, headers: dict[str, str], **asked: Any) -> bool:
    """Ask a reader whose *source* wants *asked*."""
    asking = reader({"sources": {source: asked}})
    try:
        asking.verify(source, headers, BODY)
    except RcaError as error:
        return error.code != "unauthorized"
    return True


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer new"},
        {"authorization": "bearer  old "},
        {"x-aiops-token": "old"},
        {"authorization": "Basic " + base64.b64encode(b"anybody:new").decode()},
        {"authorization": "Bearer wrong", "x-aiops-token": "new"},
    ],
)
def test_a_valid_token_is_let_in(headers: dict[str, str]) -> None:
    """As bearer, in a header of its own or as a password; several are valid while they are changed."""
    assert is_let_in("alertmanager", headers, tokens=["old", "new"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer neww"},
        {"authorization": "new"},
        {"authorization": "Basic bmV3"},
        {"authorization": "Basic \xff\xff"},
        {"x-aiops-token": "n\xe9w"},
    ],
)
def test_anything_else_is_not(headers: dict[str, str]) -> None:
    """No token, half a token or a token in the wrong place is refused."""
    assert not is_let_in("alertmanager", headers, tokens=["new"])


@pytest.mark.parametrize(
    ("source", "header", "form"),
    [
        ("pagerduty", "x-pagerduty-signature", "v1={}"),
        ("grafana", "x-grafana-alerting-signature", "{}"),
        ("generic", "x-hub-signature-256", "sha256={}"),
        ("cloudevents", "x-hub-signature-256", "sha256={}"),
    ],
)
def test_each_sender_signs_in_its_own_header(source: str, header: str, form: str) -> None:
    """The digest of the body as it came; one byte off is refused."""
    right, wrong = signed("secret"), signed("secret", BODY + b" ")

    assert is_let_in(source, {header: form.format(right)}, secrets=["secret"])
    assert is_let_in(source, {header: form.format(right)}, secrets=["other", "secret"])
    assert not is_let_in(source, {header: form.format(wrong)}, secrets=["secret"])
    assert not is_let_in(source, {}, secrets=["secret"])


def test_several_signatures_while_keys_change() -> None:
    """PagerDuty sends one for each of its keys."""
    header = f"v1={signed('theirs')}, v1={signed('ours')}"

    assert is_let_in("pagerduty", {"x-pagerduty-signature": header}, secrets=["ours"])


@pytest.mark.parametrize("name", ["x-grafana-alerting-signature-timestamp", "x-grafana-alerting-timestamp"])
def test_grafana_may_sign_a_time_too(name: str) -> None:
    """The time stands before the body, and is part of what is signed."""
    headers = {"x-grafana-alerting-signature": signed("secret", b"1700000000:" + BODY), name: "1700000000"}

    assert is_let_in("grafana", headers, secrets=["secret"])
    assert not is_let_in("grafana", {**headers, name: "1700000001"}, secrets=["secret"])


def test_one_senders_signature_is_not_anothers() -> None:
    """A header of PagerDuty says nothing at Grafana's address."""
    assert not is_let_in("grafana", {"x-pagerduty-signature": f"v1={signed('s')}"}, secrets=["s"])


def test_both_are_asked_for_where_both_are_set() -> None:
    """A token alone or a signature alone is half of it."""
    token, signature = {"authorization": "Bearer t"}, {"x-hub-signature-256": f"sha256={signed('s')}"}

    assert is_let_in("generic", {**token, **signature}, tokens="t", secrets="s")
    assert not is_let_in("generic", token, tokens="t", secrets="s")
    assert not is_let_in("generic", signature, tokens="t", secrets="s")


def test_a_source_without_credentials_lets_everybody_in() -> None:
    """Nothing is asked for until the settings ask."""
    assert is_let_in("alertmanager", {})
    reader().verify("grafana", {}, BODY)


def test_the_reader_knows_which_sources_ask() -> None:
    """Sources with tokens or secrets are listed."""
    sources: dict[str, Any] = {
        "grafana": {"secrets": "s"},
        "generic": {"tokens": "t"},
        "datadog": {"lease_sec": 5},
    }

    assert reader({"sources": sources}).guarded == ("generic", "grafana")
