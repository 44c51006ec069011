"""What can be wrong with an input, as values every layer understands.

One class: a stable *code* for machines, a *message* for people, and the *field* at fault.
"""

from __future__ import annotations


class InputError(ValueError):
    """An input that cannot be used, naming the field (or file line) at fault."""

    def __init__(self, message: str, *, field: str, code: str = "invalid") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code
