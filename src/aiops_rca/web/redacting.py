"""Bodies in quarantine as people may see them: without what is known to be a credential.

By its name alone, in JSON, in JSON within a text, in forms and in headers; the body that is kept stays whole.
"""

from __future__ import annotations

import re

HIDDEN = "[redacted]"
_NAMES = (
    r"(?:routing|service|integration|api|app|application|access|secret|private)[_-]?key"
    r"|token|password|passwd|secret|authorization|credentials?"
)
# The name, what stands between it and its value, and the value: a text (cut off, perhaps, where the part that
# is shown ends), a list, or one word. A text inside a text has backslashes before its quotes.
_CREDENTIAL = re.compile(
    rf"""((?:{_NAMES})s?[0-9]?\\*["']?\s{{0,8}}[:=]\s{{0,8}})"""
    r"""(?:(\\*["'])(?:(?!\2)(?:\\.|.))*(?:\2|\Z)|\[[^\]]*(?:\]|\Z)|(?:bearer |basic )?[^\s,;&"'}\]\\]+)""",
    re.IGNORECASE | re.DOTALL,
)


def redacted(text: str) -> str:
    """*text* with the value of every key that is known to hold a credential replaced."""
    return _CREDENTIAL.sub(rf'\1"{HIDDEN}"', text)
