"""Apprise against a real HTTP receiver that takes, fails, hangs, drips, babbles or is not there."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from aiops_rca.adapters.notify import Sending, Target, targets
from aiops_rca.domain.errors import InputError
from aiops_rca.settings import Notify
from receiver import Receiver, receiving
from served import free_port


def send(target: Target, title: str = "T", body: str = "B", tone: str = "bad") -> Sending:
    """Send one message and wait until it has ended, as long as its own limit allows."""
    over = threading.Event()
    sending = target.begin(title, body, tone, over.set)
    while not sending.ended():
        over.wait(0.01)
    return sending


def target(url: str, *, timeout_sec: float = 5.0) -> Target:
    """A target for *url*."""
    return Target(url, name="notify.urls[0]", timeout_sec=timeout_sec)


def test_a_message_arrives_as_it_was_written() -> None:
    """Title, text, line breaks and tone reach the receiver unchanged."""
    with receiving() as receiver:
        sending = send(target(receiver.url()), "Title: é", "one\ntwo & <three>", "good")

        assert sending.error == ""
        assert [(m["title"], m["message"], m["type"]) for m in receiver.taken] == [
            ("Title: é", "one\ntwo & <three>", "success")
        ]


@pytest.mark.parametrize(("tone", "type_"), [("bad", "failure"), ("warning", "warning"), ("good", "success")])
def test_tones_become_types(tone: str, type_: str) -> None:
    """Each tone is one of Apprise's types."""
    with receiving() as receiver:
        send(target(receiver.url()), tone=tone)

        assert [m["type"] for m in receiver.taken] == [type_]


def test_a_refusal_names_the_status() -> None:
    """An answer of 500 is a failure that says so."""
    with receiving() as receiver:
        receiver.way = "fail"

        assert send(target(receiver.url())).error == "refused with status 500"


def test_nobody_there() -> None:
    """A refused connection is a failure at once."""
    began = time.monotonic()
    sending = send(target(f"json://127.0.0.1:{free_port()}/"))

    assert sending.error == "no connection, or it broke"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_a_receiver_that_does_not_finish_is_left(way: str) -> None:
    """Neither silence nor an endless answer takes longer than the limit."""
    with receiving() as receiver:
        receiver.way = way
        began = time.monotonic()
        sending = send(target(receiver.url(), timeout_sec=0.4))
        took = time.monotonic() - began

    assert sending.error == "no answer within 0.4 s"
    assert 0.3 < took < 2


def test_the_first_end_stands() -> None:
    """A message that was given up stays given up when its receiver answers after all."""
    sending = Sending(0.0, lambda: None, time.monotonic)
    assert sending.ended()

    sending.end("")

    assert sending.error == "no answer within 0 s"


def test_sending_never_waits_for_the_receiver() -> None:
    """Beginning a message to a hanging receiver returns at once."""
    with receiving() as receiver:
        receiver.way = "hang"
        hanging = target(receiver.url(), timeout_sec=2)
        began = time.monotonic()
        hanging.begin("T", "B", "bad", lambda: None)

        assert time.monotonic() - began < 0.5


def test_messages_left_behind_do_not_pile_up() -> None:
    """A receiver that drips for ever costs four threads, then its messages fail at once."""
    with receiving() as receiver:
        receiver.way = "drip"
        dripping = target(receiver.url(), timeout_sec=0.1)
        errors = [send(dripping).error for _ in range(6)]

        assert errors[:4] == ["no answer within 0.1 s"] * 4
        assert errors[4:] == ["4 earlier messages are still under way"] * 2
        assert len(dripping._threads) == 4


def test_a_receiver_that_behaves_again_is_reached_again() -> None:
    """After failures the same target delivers."""
    with receiving() as receiver:
        one = target(receiver.url())
        receiver.way = "fail"
        failed = send(one).error
        receiver.way = "take"

        assert (failed, send(one).error, len(receiver.taken)) == ("refused with status 500", "", 1)


@pytest.mark.parametrize("way", ["fail", "babble", "hang"])
def test_no_part_of_a_url_is_said(
    way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Password, path and query of a URL are in no error, no log line and no output, even at level debug."""
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver:
        receiver.way = way
        url = receiver.url("/path-s3cret?-token=query-s3cret&+X-Key=header-s3cret", user="me:pass-s3cret@")
        error = send(target(url, timeout_sec=0.5)).error
    written = capfd.readouterr()

    assert error
    assert "s3cret" not in error + caplog.text + written.out + written.err


@pytest.mark.parametrize("url", ["nope", "json://", "foo://s3cret", "slack://s3cret", "http://s3cret:x"])
def test_an_unknown_url_is_refused_by_its_place(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A URL that Apprise does not know is named by its number, never repeated."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InputError) as refused:
        targets(Notify.model_validate({"urls": ["json://localhost", url]}))
    written = capfd.readouterr()

    assert refused.value.field == "notify.urls[1]"
    assert "s3cret" not in str(refused.value) + caplog.text + written.out + written.err


def test_each_url_is_a_target() -> None:
    """The settings' URLs become targets in their order."""
    with receiving() as first, receiving() as second:
        made = targets(Notify.model_validate({"urls": [first.url(), second.url()]}))
        send(made[1], "for the second")

        assert (len(made), titles(first), titles(second)) == (2, [], ["for the second"])


def titles(receiver: Receiver) -> list[str]:
    """What it was told, by title."""
    return [message["title"] for message in receiver.taken]
