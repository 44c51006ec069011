"""What can go wrong, as values every layer understands.

Every error carries a stable *code* for machines, a *message* for people and the *field* at fault.
The HTTP status of each code stands in one table, `wire.STATUS`.
"""

from __future__ import annotations


class RcaError(Exception):
    """A failure with a stable code; the message is safe to show to the caller."""

    def __init__(self, message: str, *, code: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.message = message
        self.code = code
        self.field = field


class InputError(RcaError, ValueError):
    """An input that cannot be used, naming the field (or file line) at fault."""

    def __init__(self, message: str, *, field: str, code: str = "invalid") -> None:
        super().__init__(message, code=code, field=field)


class ArtifactError(RcaError):
    """A graph, history or ranker that is missing, damaged or not what its name says."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, code="artifact", field=field)


class LeaseLostError(RcaError):
    """Somebody else has moved on with the work: what was made on top of the old place does not count."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="conflict")
