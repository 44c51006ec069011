"""A ranker file's content (parsed YAML) to weights, checked.

Raises InputError whose field is the path inside the document (`weights.alerting`).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aiops_rca.domain.errors import InputError
from aiops_rca.domain.release import RankerWeights
from aiops_rca.rank.features import FEATURES
from aiops_rca.wire import convert

_MOST = 1e6  # finite, and so are all sums of products with it


class RankerIn(Struct, forbid_unknown_fields=True):
    """The whole file: the softmax temperature and one weight per feature, up to a million."""

    temperature: Annotated[float, Meta(gt=0, le=_MOST)]
    weights: dict[str, Annotated[float, Meta(ge=0, le=_MOST)]]


def read_ranker(document: object, *, version: str) -> RankerWeights:
    """Check *document* and return its weights, named *version*; a feature left out counts nothing."""
    read = convert(document, RankerIn)
    unknown = sorted(read.weights.keys() - set(FEATURES))
    if unknown:
        raise InputError(f"unknown feature, known: {', '.join(FEATURES)}", field=f"weights.{unknown[0]}")
    return RankerWeights(version, read.weights, read.temperature)
