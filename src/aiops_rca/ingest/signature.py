"""Whether a webhook comes from whom it says: shared tokens, and signatures over the body.

Several of each may be valid at once, while keys are changed. Where a source has both, both are asked for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping

from pydantic import SecretStr

from aiops_rca.domain.errors import RcaError
from aiops_rca.settings import Source

_GRAFANA = "x-grafana-alerting-signature"
# Grafana signs `time:body` when it is told to send a time; the header's name is the user's choice.
_GRAFANA_TIMES = (
    "x-grafana-alerting-signature-timestamp",
    "x-grafana-alerting-timestamp",
    "x-grafana-timestamp",
    "x-webhook-timestamp",
    "x-timestamp",
)
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "pagerduty": ("x-pagerduty-signature",),
    "grafana": (_GRAFANA,),
}
_ANY = ("x-hub-signature-256", "x-aiops-signature-256", "x-signature-256")
_MOST = 16  # signatures looked at: a header may list several, not thousands


def verify(adapter: str, source: Source, headers: Mapping[str, str], body: bytes) -> None:
    """Check *headers* (lower-case names) and *body* against what *source* asks for.

    Raises RcaError with the code `unauthorized`. A source without tokens and secrets asks for nothing.
    """
    if source.tokens and not _is_any(source.tokens, _tokens(headers)):
        raise RcaError("a valid token of this source is required", code="unauthorized")
    if source.secrets and not any(
        _is_signed(secret, said, signed)
        for said, signed in _signatures(adapter, headers, body)
        for secret in source.secrets
    ):
        raise RcaError("a valid signature of this source is required", code="unauthorized")


def _is_any(known: Iterable[SecretStr], said: Iterable[str]) -> bool:
    offered = [token.encode("utf-8", "replace") for token in said if token]
    return any(
        hmac.compare_digest(token.get_secret_value().encode(), one) for token in known for one in offered
    )


def _tokens(headers: Mapping[str, str]) -> Iterator[str]:
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() in {"bearer", "token"}:
        yield rest.strip()
    elif scheme.lower() == "basic":
        yield _password(rest.strip())
    yield headers.get("x-aiops-token", "").strip()


def _password(basic: str) -> str:
    try:
        text = base64.b64decode(basic, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    return text.partition(":")[2]


def _signatures(adapter: str, headers: Mapping[str, str], body: bytes) -> Iterator[tuple[str, bytes]]:
    """(hex digest, what it should be of) for each signature the sender gave."""
    for name in (*_HEADERS.get(adapter, ()), *_ANY):
        for part in headers.get(name, "").split(",")[:_MOST]:
            digest = part.strip().rpartition("=")[2].lower()
            if not digest:
                continue
            yield digest, body
            if name == _GRAFANA:
                for time in filter(None, map(headers.get, _GRAFANA_TIMES)):
                    yield digest, time.encode("utf-8", "replace") + b":" + body


def _is_signed(secret: SecretStr, said: str, signed: bytes) -> bool:
    digest = hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest.encode(), said.encode("utf-8", "replace"))
