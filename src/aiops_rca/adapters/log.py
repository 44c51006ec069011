"""One JSON object per log line on standard error: ts, level, logger, msg, and what the event adds.

Messages and tracebacks may quote what was sent to the service: secrets in them are replaced.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from aiops_rca.enrich.redact import redact


class JsonFormatter(logging.Formatter):
    """Format a record as one line of JSON; extra fields come from the record's `event` dict."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a newline inside."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": redact(record.getMessage()),
        }
        line.update(getattr(record, "event", {}))
        if record.exc_info:
            line["exc"] = redact(self.formatException(record.exc_info))
        return msgspec.json.encode(line, enc_hook=str).decode("utf-8", "replace")


def set_up(level: str) -> None:
    """Send every logger's records of *level* and above to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.setLevel(level.upper())  # the root's level does not hold for loggers that have their own
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.startswith(("bentoml", "uvicorn", "circus")):
            logger.handlers[:] = []
            logger.propagate = True
    logging.getLogger("alembic").setLevel(logging.WARNING)  # its every look at a database is no event
    logging.getLogger("uvicorn.access").disabled = True  # the edge writes one line per request


def note_uncaught() -> None:
    """Let what ends this process, or a thread of it, be a line of the log like any other."""
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("aiops_rca").critical("the process ends", exc_info=(kind, error, trace))


def _uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None and not isinstance(given.exc_value, SystemExit):
        event = {"thread": given.thread.name if given.thread else ""}
        what = (given.exc_type, given.exc_value, given.exc_traceback)
        logging.getLogger("aiops_rca").critical("a thread ends", exc_info=what, extra={"event": event})
