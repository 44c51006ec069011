"""The texts of notifications: complete, capped, and deaf to what alerts would like to do with them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.correlator.wording import Message, Telling, message, plain
from aiops_rca.domain.alert import Severity
from builders import T0
from notices import diagnosis, incident

BASE = "https://rca.example"


def told(*tellings: Telling, base_url: str | None = BASE) -> Message:
    """The message about *tellings*."""
    return message(tellings, base_url=base_url)


def test_a_message_in_full() -> None:
    """One incident is told with its cause, the reasons, the path, what to do and where to look."""
    text = told(Telling("opened", incident(), diagnosis()))

    assert text == Message(
        "CRITICAL: incident opened: redis-cart is the probable cause",
        "Probable root cause: redis-cart (82 %)\n"
        "- redis-cart alerted first\n"
        "Path: frontend > cart > redis-cart\n"
        "Next: restart the cache (risk low)\n"
        "Seen before: INC-9, cause redis-cart, fix: more memory\n"
        "Services: frontend, cart\n"
        "Alerts: 7 of 4 signals, 7 still firing\n"
        "Opened 2026-05-28T20:26:40.000Z\n"
        "https://rca.example/incidents/inc-1",
        "bad",
    )


def test_an_end() -> None:
    """A resolved incident says when it ended, in a good tone."""
    text = told(Telling("resolved", incident(resolved=60), diagnosis()))

    assert text.title == "CRITICAL: incident resolved: redis-cart is the probable cause"
    assert "Opened 2026-05-28T20:26:40.000Z, resolved 2026-05-28T20:27:40.000Z" in text.body
    assert text.tone == "good"


def test_an_end_by_hand() -> None:
    """Who resolved an incident by hand is named, harmlessly."""
    text = told(Telling("resolved", incident(resolved=60, resolved_by="<ann>"), diagnosis()))

    assert text.title == "CRITICAL: incident resolved by ‹ann›: redis-cart is the probable cause"  # noqa: RUF001
    assert "resolved 2026-05-28T20:27:40.000Z by ‹ann›\n" in text.body  # noqa: RUF001
    assert text.tone == "good"


def test_silence_is_not_good_news() -> None:
    """An incident that nobody tells of any more is told as such: since when, and in a tone of warning."""
    text = told(Telling("expired", incident(resolved=900), diagnosis(), T0 + 5_000))

    assert text.title == (
        "CRITICAL: incident not heard of since 2026-05-28T20:26:45.000Z: redis-cart is the probable cause"
    )
    assert text.body.startswith("Nobody has said that it is over: its sender has fallen silent.")
    assert "taken to be over since 2026-05-28T20:41:40.000Z" in text.body
    assert "resolved" not in text.title + text.body
    assert text.tone == "warning"


def test_it_got_worse() -> None:
    """A worse severity is said in title and body."""
    text = told(Telling("severity", incident(severity=Severity.ERROR), diagnosis()))

    assert text.title == "ERROR: incident got worse: redis-cart is the probable cause"
    assert text.body.startswith("Severity: now error\nProbable root cause: ")


def test_a_snooze_that_is_over() -> None:
    """An incident that outlived its snooze is told as still open."""
    text = told(Telling("snooze_over", incident(), diagnosis()))

    assert text.title == "CRITICAL: incident still open after its snooze: redis-cart is the probable cause"
    assert text.tone == "bad"


def test_one_is_not_many() -> None:
    """One alert, signal or service is counted in the singular."""
    single = incident("a", alerts=1, signals=1, services=["cart"])
    alone = told(Telling("opened", single, None))
    listed = told(Telling("opened", single, None), Telling("opened", incident("b"), None))

    assert "\nAlerts: 1 of 1 signal, 1 still firing\n" in alone.body
    assert "cart, 1 alert in 1 service (a)\n" in listed.body
    assert "7 alerts in 2 services (b)\n" in listed.body


def test_without_a_diagnosis() -> None:
    """An incident that is not diagnosed says so and names where it shows."""
    text = told(Telling("opened", incident(), None))

    assert text.title == "CRITICAL: incident opened: frontend and 1 more"
    assert text.body.startswith("No diagnosis yet.\nServices: frontend, cart\n")


def test_an_unclear_cause_is_not_sold_as_one() -> None:
    """An inconclusive diagnosis names a suspect, in the body alone."""
    text = told(Telling("opened", incident(), diagnosis(verdict="inconclusive", confidence=0.3)))

    assert text.title == "CRITICAL: incident opened: frontend and 1 more"
    assert text.body.startswith("Root cause not clear. First suspect: redis-cart (30 %)\n")


def test_a_document_of_another_version() -> None:
    """A diagnosis whose document cannot be read is told by its own fields."""
    text = told(Telling("opened", incident(), diagnosis(document=b'{"number": "x"}')))

    assert text.body.startswith("Probable root cause: redis-cart (82 %)\nServices: frontend, cart\n")


def test_a_partial_incident_says_so() -> None:
    """Alerts that a sender left out are mentioned."""
    assert (
        "\nIncomplete: a sender left out alerts.\n"
        in told(Telling("opened", incident(partial=True), None)).body
    )


def test_without_an_address_the_id_is_given() -> None:
    """Where the service's address is not known, the message ends in the incident's id."""
    assert told(Telling("opened", incident(), None), base_url=None).body.endswith("\nIncident inc-1")


@pytest.mark.parametrize(
    ("severity", "tone"), [(Severity.INFO, "warning"), (Severity.ERROR, "bad"), (Severity.CRITICAL, "bad")]
)
def test_the_tone_follows_the_severity(severity: Severity, tone: str) -> None:
    """Errors and worse are bad, the rest is a warning."""
    assert told(Telling("opened", incident(severity=severity), None)).tone == tone


def test_many_at_once_are_one_list() -> None:
    """Several incidents are one message: open ones first, loudest first, counted in the title."""
    text = told(
        Telling("resolved", incident("a", resolved=9), diagnosis("a")),
        Telling("opened", incident("b", severity=Severity.WARNING), diagnosis("b")),
        Telling("opened", incident("c"), None),
    )

    assert text == Message(
        "3 incidents: 2 opened, 1 resolved",
        "- critical, opened: frontend and 1 more, 7 alerts in 2 services (c)\n"
        "- warning, opened: redis-cart is the probable cause, 7 alerts in 2 services (b)\n"
        "- critical, resolved: redis-cart is the probable cause, 7 alerts in 2 services (a)\n"
        "https://rca.example/incidents",
        "bad",
    )


def test_a_flood_is_counted_and_capped() -> None:
    """Two hundred incidents make one short message that says how many are not shown."""
    text = told(*(Telling("opened", incident(f"inc-{n:03}"), diagnosis()) for n in range(200)))

    assert text.title == "200 incidents: 200 opened"
    assert "\n... and 188 more\n" in text.body
    assert len(text.body) <= 1_900


def test_a_list_names_incidents_in_full() -> None:
    """However long the names of services, each line ends in the whole id, and what is left out is counted."""
    ids = [f"inc-{n:016x}" for n in range(20)]
    text = told(*(Telling("expired", incident(id, services=["x" * 90] * 3), None, T0) for id in ids))

    assert text.title == "20 incidents: 20 not heard of any more"
    assert [line for line in text.body.splitlines() if line.endswith(f"({ids[3]})")]
    assert text.body.count("(inc-") == 12
    assert "\n... and 8 more\n" in text.body


def test_the_order_of_tellings_does_not_matter() -> None:
    """A digest is the same whichever incident was read first."""
    tellings = [Telling("opened", incident(f"inc-{n}", opened=n % 3), diagnosis()) for n in range(9)]

    assert told(*tellings) == told(*reversed(tellings))


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("<!channel> now", "‹!channel› now"),  # noqa: RUF001
        ("@everyone", "＠everyone"),  # noqa: RUF001
        ("[pay](http://e.io)", "(pay)(http: //e.io)"),
        ("a\nRoot cause: b", "a Root cause: b"),
        ("a\r\n\t b", "a b"),
        ("abc\u202efed", "abc fed"),
        ("a\u2028b\u0000c\ud800d", "a b c d"),
        ("`code` **bold**", "'code' ∗∗bold∗∗"),  # noqa: RUF001
        ("x" * 50, "x" * 19 + "…"),
        ("many words that are longer", "many words that are…"),
    ],
)
def test_alerts_cannot_speak_to_the_receiver(hostile: str, harmless: str) -> None:
    """Mentions, links, markup, line breaks, turned text and length are taken out of what alerts say."""
    assert plain(hostile, 20) == harmless


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_no_text_of_an_alert_gets_through_as_markup(service: str, cause: str, reason: str) -> None:
    """Whatever names and reasons hold, the message keeps its lines, its caps and its peace."""
    text = told(
        Telling(
            "opened",
            incident(services=[service] * 20),
            diagnosis(root_cause=cause, reasons=[reason] * 9),
        )
    )
    signs = set(text.title) | set(text.body)

    assert not signs & set("<@`[]*")
    assert {unicodedata.category(sign)[0] for sign in signs - {"\n"}} & {"C"} == set()
    assert (len(text.title) <= 120, len(text.body) <= 1_900) == (True, True)
    assert text.body.count("://") == 1
    assert len(text.body.splitlines()) <= 13
