"""Everything a process says is one JSON object a line, its last words included."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

ENDS = """
import threading
from aiops_rca.adapters import log
log.set_up("info")
log.note_uncaught()
def fail():
    raise RuntimeError("what nobody foresaw\\nin two lines")
{how}
"""


def said(how: str) -> tuple[int, list[dict[str, Any]]]:
    """How a process that fails ends, and the lines it leaves."""
    done = subprocess.run(
        [sys.executable, "-c", ENDS.format(how=how)], capture_output=True, text=True, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]


def test_what_ends_a_process_is_one_line() -> None:
    """An error nobody caught, with all of its traceback."""
    code, (line,) = said("fail()")

    assert code == 1
    assert (line["level"], line["msg"]) == ("critical", "the process ends")
    assert "what nobody foresaw\nin two lines" in line["exc"]
    assert "Traceback" in line["exc"]


def test_what_ends_a_thread_is_one_line() -> None:
    """The thread is named, and the process goes on."""
    code, (line,) = said("threading.Thread(target=fail, name='notify').start()")

    assert code == 0
    assert (line["msg"], line["thread"]) == ("a thread ends", "notify")
    assert "RuntimeError" in line["exc"]


def test_a_secret_in_a_traceback_is_replaced() -> None:
    """An error may quote what was sent to the service; names and places in the code stay."""
    _, (line,) = said("raise ValueError('no such alert: password=hunter2, pod payment-7f9c4d5b6d-x2x8z')")

    assert "hunter2" not in line["exc"]
    assert "password=[redacted], pod payment-7f9c4d5b6d-x2x8z" in line["exc"]
    assert 'File "<string>", line' in line["exc"]
