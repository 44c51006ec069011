"""`python -m aiops_rca` where the console script is not installed, as inside a bento."""

from __future__ import annotations

from aiops_rca.cli import main

main()
