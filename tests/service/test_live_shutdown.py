"""A listener of `/stream` does not hold up the end of the whole service."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx

from served import served


def test_a_stream_ends_when_the_service_does(home: Path) -> None:
    """Asked to stop, the service ends its streams itself and is gone long before it would cut them off."""
    said: list[str] = []
    opened = threading.Event()

    def listen(url: str) -> None:
        with httpx.stream("GET", f"{url}/stream", timeout=30) as response:
            for line in response.iter_lines():
                said.append(line)
                opened.set()

    with served(home) as service:
        listener = threading.Thread(target=listen, args=(service.url,))
        listener.start()
        assert opened.wait(10)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        listener.join(4)  # they would be cut off after 5
        ended = time.monotonic() - began

    assert not listener.is_alive()
    assert said[0].startswith("retry:")
    assert ended < 4
