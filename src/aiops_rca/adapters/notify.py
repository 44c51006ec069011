"""Messages to people through Apprise: one `Target` for each notification URL.

A message goes out on a thread of its own, which is left behind when its time is up: a receiver that hangs, or
answers one byte at a time, holds up nobody. No log line and no error holds any part of a URL.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from aiops_rca.domain.errors import InputError
from aiops_rca.settings import Notify

Clock = Callable[[], float]

# What Apprise says when a receiver refuses; its other words may hold parts of the URL.
_STATUS = re.compile(r"\berror\s*[=:]\s*(\d{3})\b")
_CONNECTION = re.compile(r"connection error|timed? ?out", re.IGNORECASE)
_MOST_AT_ONCE = 4  # messages to one target, the ones left behind included
_SLACK_SEC = 1.0  # a socket's own limit only ends the thread: `Sending` is to say first that time is up
_SILENT = logging.CRITICAL + 1
_TYPES = {"bad": "failure", "warning": "warning", "good": "success"}

_heard: ContextVar[list[str]] = ContextVar("heard")


class Sending:
    """One message under way. It ends by itself when *time_sec* is over, whatever its receiver does."""

    def __init__(self, time_sec: float, over: Callable[[], None], monotonic: Clock) -> None:
        self.error = ""  # why it was not delivered; empty when it was. To be read once it has ended
        self._time_sec = time_sec
        self._deadline = monotonic() + time_sec
        self._over = over
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._ended = False

    def ended(self) -> bool:
        """Whether it was delivered, refused or given no more time."""
        if not self._ended and self._monotonic() >= self._deadline:
            self.end(f"no answer within {self._time_sec:g} s")
        return self._ended

    def end(self, error: str) -> None:
        """Note how it ended; only the first word counts."""
        with self._lock:
            if self._ended:
                return
            self.error = error
            self._ended = True
        self._over()


class Target:
    """One notification URL.

    Raises InputError (field *name*) where Apprise does not know the URL; the message does not repeat it.
    """

    def __init__(self, url: str, *, name: str, timeout_sec: float, monotonic: Clock = time.monotonic) -> None:
        self._apprise, throttle_sec = _open(url, name, timeout_sec)
        self._time_sec = timeout_sec + throttle_sec
        self._monotonic = monotonic
        self._threads: list[threading.Thread] = []

    def begin(self, title: str, body: str, tone: str, over: Callable[[], None]) -> Sending:
        """Start sending plain text and return at once; *over* is called, on any thread, when it has ended.

        *tone* is bad, warning or good.
        """
        sending = Sending(self._time_sec, over, self._monotonic)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= _MOST_AT_ONCE:
            sending.end(f"{len(self._threads)} earlier messages are still under way")
            return sending
        thread = threading.Thread(
            target=self._deliver, args=(sending, title, body, tone), name="notify", daemon=True
        )
        self._threads.append(thread)
        thread.start()
        return sending

    def _deliver(self, sending: Sending, title: str, body: str, tone: str) -> None:
        heard: list[str] = []
        _heard.set(heard)
        try:
            delivered = bool(
                self._apprise.notify(
                    title=title, body=body, notify_type=_TYPES.get(tone, "info"), body_format="text"
                )
            )
        except Exception as error:  # noqa: BLE001 - the end of a thread, and any of 130 foreign plugins
            sending.end(f"failed with {type(error).__name__}")
            return
        sending.end("" if delivered else _reason(heard))


def targets(settings: Notify) -> tuple[Target, ...]:
    """One target for each URL, in order; raises InputError naming the first that Apprise does not know."""
    return tuple(
        Target(url.get_secret_value(), name=f"notify.urls[{number}]", timeout_sec=settings.timeout_sec)
        for number, url in enumerate(settings.urls)
    )


def _open(url: str, name: str, timeout_sec: float) -> tuple[Any, float]:
    """Apprise for one URL, and how many seconds it may wait by itself between two messages."""
    import apprise  # noqa: PLC0415 - 15 MB and 0.1 s that nobody pays who notifies nobody

    _hush()
    asset = apprise.AppriseAsset(
        app_id="aiops-rca",
        app_desc="aiops-rca",
        app_url="",
        async_mode=False,
        interpret_escapes=False,  # what an alert says is text, not markup
        interpret_emojis=False,
        secure_logging=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports all its plugins, and what they use
        plugin = apprise.Apprise.instantiate(url, asset=asset)
    if plugin is None:
        raise InputError("not a URL that Apprise can notify", field=name)
    if "rto=" not in url:
        plugin.socket_read_timeout = timeout_sec + _SLACK_SEC
    if "cto=" not in url:
        plugin.socket_connect_timeout = timeout_sec + _SLACK_SEC
    if "overflow=" not in url:
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    one = apprise.Apprise(asset=asset)
    one.add(plugin)
    return one, max(0.0, float(plugin.request_rate_per_sec))


class _Listener(logging.Handler):
    """Keeps what Apprise says for the message of the running thread, and lets none of it into the log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record's words to those of its message."""
        heard = _heard.get(None)
        if heard is not None:
            heard.append(record.getMessage())


def _hush() -> None:
    """Keep the words of Apprise, and those of the libraries that it opens URLs with, out of our log."""
    logger = logging.getLogger("apprise")
    logger.handlers[:] = [_Listener()]
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    for name in ("urllib3", "requests"):
        logging.getLogger(name).setLevel(_SILENT)


def _reason(heard: list[str]) -> str:
    """Why a message was not delivered, in words of ours."""
    text = "\n".join(heard)
    if status := _STATUS.search(text):
        return f"refused with status {status[1]}"
    if _CONNECTION.search(text):
        return "no connection, or it broke"
    return "not delivered"
