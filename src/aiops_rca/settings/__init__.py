"""Configuration file plus environment to one frozen `Settings`; secrets never show in a dump of it."""

from aiops_rca.settings.loading import CONFIG_VARIABLE, effective, load_settings
from aiops_rca.settings.sections import (
    NAME_PATTERN,
    Ingest,
    Limits,
    Live,
    Llm,
    Notify,
    Settings,
    Source,
)

__all__ = [
    "CONFIG_VARIABLE",
    "NAME_PATTERN",
    "Ingest",
    "Limits",
    "Live",
    "Llm",
    "Notify",
    "Settings",
    "Source",
    "effective",
    "load_settings",
]
