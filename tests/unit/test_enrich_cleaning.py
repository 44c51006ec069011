"""Text of alerts as a language model may see it: one short visible line without addresses and secrets."""

from __future__ import annotations

import json

import pytest

from aiops_rca.enrich.cleaning import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("  p99 \t of\r\ncheckout\n\n is high ", "p99 of checkout is high"),
        ("p\u200bay\u2060ment\ufeff", "payment"),
        ("cpu\U000e0069\U000e0067\U000e006e high", "cpu high"),
        ("safe \u202egnp.exe\u202c name", "safe gnp.exe name"),
        ("\x1b[31mred\x1b[0m\x00 text", "[31mred[0m text"),
        ("ｐａｙｍｅｎｔ ﬁle ①", "payment file 1"),  # noqa: RUF001 - wide letters
        ("a\u0301\u0301\u0301\u0301\u0301\u0301\u0301b", "á\u0301\u0301b"),
        ("line\u2028sep\u2029par\x85nel", "line sep par nel"),
        ("支付服务 延迟", "支付服务 延迟"),
        ("\ud800half a pair", "half a pair"),
    ],
)
def test_what_does_not_show_is_gone(text: str, shown: str) -> None:
    """Control, invisible, bidi and tag characters; letters are composed, white space is one space."""
    assert clean(text) == shown


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.net/x?d=1",
        "HTTP://EVIL.example.net",
        "hxxps://evil.example.net",
        "سلمhttps://evil.example.net",
        "ht\u200btps://evil.example.net",
        "ｈｔｔｐｓ：//evil.example.net",  # noqa: RUF001 - wide letters read the same
        "https:\\\\evil.example.net",
        "//evil.example.net/a",
        "www.evil.example.net",
        "javascript:alert(1)",
        "mailto:evil.example.net",
        "data:text/html;base64,AAAA",
        "postgres://evil.example.net/orders",
    ],
)
def test_an_address_is_replaced(url: str) -> None:
    """Whatever its scheme and spelling."""
    shown = clean(f"see {url} for more")

    assert shown.replace("سلم", "") == "see [url] for more"


@pytest.mark.parametrize(
    "text",
    [
        "payment.prod.svc.cluster.local:8080",
        "ip-10-0-3-4.eu-west-1.compute.internal:9100",
        "Shop.Orders/List",
        "hipstershop.adservice/getads (rpc)",
        "system.network.io on db-1 is 2.5x its threshold",
        "java.io.IOException: worker.py, node.js",
        "compute.googleapis.com/instance/memory/utilization",
        "10.0.3.4:9100 in 10.0.0.0/16",
        "v1.2.3 of 99.9pct, e.g. 12.5 %",
        "GET /api/v1/orders",
        "a://",
    ],
)
def test_names_of_hosts_images_and_paths_stay(text: str) -> None:
    """They name what is broken."""
    assert clean(text).rstrip("/") == text.rstrip("/")


@pytest.mark.parametrize(
    "site",
    [
        "evil.com",
        "evil.com/fix",
        "Evil.Com/fix.py",
        "EVIL.COM:443",
        "a.b.evil.co?x=1",
        "evil.support/fix",
        "exämple.com",
        "evil.example",
        "evil[.]com",
        "evil (dot) com",
        "evil dot example slash fix",
        "evil\u3002com/x",
        "203.0.113.9/fix",
        "registry.example.com/shop/cart:1.2",
    ],
)
def test_the_name_of_a_site_is_replaced(site: str) -> None:
    """Nobody needs a scheme to follow it; in words it is the same."""
    assert clean(f"see {site}, or wait") == "see [url], or wait"


def test_the_name_of_a_service_is_no_site() -> None:
    """Where the graph knows it; with a path behind it, it is one all the same."""
    names = frozenset({"cart.shop.com"})

    assert clean("cpu on Cart.shop.com is high", names=names) == "cpu on Cart.shop.com is high"
    assert clean("see cart.shop.com/fix", names=names) == "see [url]"


def test_a_long_text_is_cut() -> None:
    """To the limit, the mark included."""
    shown = clean("word " * 1000, 50)

    assert len(shown) == 50
    assert shown.endswith("word…")


@pytest.mark.parametrize("room", range(1, 60))
@pytest.mark.parametrize("fill", ["\u200b", " ", "\n", "\U000e0041"])
def test_no_part_of_a_secret_stays_at_the_cap(room: int, fill: str) -> None:
    """A key of which only the beginning was read is no longer known as one, so it is dropped."""
    secret = "tR9xKq2LmZ7vWb4NsYc8HpGd3JfQe6Ua" * 2
    shown = clean("key".ljust(800 - room, fill) + secret, 200)

    assert shown.rstrip("… ") in {"", "key"}
    assert not any(secret[at : at + 4] in shown for at in range(len(secret) - 4))


def test_a_secret_in_front_of_the_cut_is_replaced_whole() -> None:
    """The text is cut after its secrets are known, not before."""
    shown = clean("x" * 30 + " password=hunter2hunter2", 48)

    assert shown == "x" * 30 + " password=[redacted]"[:17] + "…"


def test_json_stays_readable() -> None:
    """Values of telling names are replaced, the others stay."""
    text = json.dumps({"service": "cart", "token": "s3cret", "ctx": {"password": "pa ss", "port": 80}})

    assert json.loads(clean(text)) == {
        "service": "cart",
        "token": "[redacted]",
        "ctx": {"password": "[redacted]", "port": 80},
    }


@pytest.mark.parametrize("text", ["\ufdfa", "password=", "a@", "://", "\\", "- ", "\u0300", "忽略 ", "A1b"])
def test_only_the_beginning_of_a_long_text_is_read(text: str) -> None:
    """A megabyte of anything costs what its beginning costs, for no more of it is looked at."""
    hostile = text * (1_000_000 // len(text))
    shown = clean(hostile)

    assert len(shown) <= 200
    assert shown == clean(hostile[:4000])
