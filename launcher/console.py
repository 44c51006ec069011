"""Talking to a person or to a log file: colour, progress, and text made safe to print.

Colour and moving lines only on a terminal; `NO_COLOR` switches colour off.
"""

from __future__ import annotations

import os
import time
from typing import TextIO

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_SPINNER = "|/-\\"


class CannotGoOnError(Exception):
    """Something a person has to mend first; the message says what and how."""


def clean(text: str, limit: int = 500) -> str:
    """*text* on one line of at most *limit* characters that no terminal acts on."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]


class Console:
    """One output stream and what it can show."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.colour = self.live and not os.environ.get("NO_COLOR")

    def paint(self, text: str, *styles: str) -> str:
        """*text* in *styles* (keys of `STYLES`), or as it is without colour."""
        if not (self.colour and text):
            return text
        return f"\x1b[{';'.join(STYLES[style] for style in styles)}m{text}\x1b[0m"

    def say(self, text: str = "") -> None:
        """Print one line, at once."""
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def redraw(self, text: str) -> None:
        """Replace the moving line by *text*; only for a live stream."""
        self.stream.write(f"\r\x1b[K{text}")
        self.stream.flush()


class Progress:
    """One long step: a spinner with percent on a terminal, a line per quarter elsewhere."""

    def __init__(self, console: Console, title: str) -> None:
        self.console = console
        self.title = title
        self._began = time.monotonic()
        self._ticks = 0
        self._quarter = 0
        if console.live:
            console.redraw(f"{title} ...")
        else:
            console.say(f"{title} ...")

    def show(self, share: float, note: str = "") -> None:
        """Say how far it is: *share* in 0..1 and a word on what is being done."""
        if self.console.live:
            spin = _SPINNER[self._ticks % len(_SPINNER)]
            self._ticks += 1
            word = self.console.paint(clean(note, 40), "dim")
            self.console.redraw(f"{spin} {self.title} {share:4.0%} {word}")
        elif int(share * 4) > self._quarter:
            self._quarter = int(share * 4)
            self.console.say(f"{self.title} {self._quarter * 25}%")

    def done(self) -> None:
        """Close the step with the time it took."""
        self._close(self.console.paint("ok", "green"))

    def failed(self) -> None:
        """Close the step as failed."""
        self._close(self.console.paint("failed", "red"))

    def _close(self, word: str) -> None:
        if self.console.live:
            self.console.redraw("")
        self.console.say(f"{self.title}: {word} ({time.monotonic() - self._began:.1f} s)")
