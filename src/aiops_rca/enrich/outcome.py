"""What came of the attempt to put one diagnosis into words."""

from __future__ import annotations

from typing import NamedTuple

from aiops_rca.domain.diagnosis import Diagnosis


class Outcome(NamedTuple):
    """*diagnosis* with its method, and with a narrative where there is one.

    *trouble* says what makes it worse than it could be, in words fit to be shown; None where nothing does.
    """

    diagnosis: Diagnosis
    trouble: str | None = None
