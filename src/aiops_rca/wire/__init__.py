"""The HTTP contract: `batch` is `POST /incident`, `live` the webhooks and incidents, `error` every refusal."""

from aiops_rca.wire.batch import (
    ActionOut,
    AlertIn,
    CandidateOut,
    ClusterOut,
    DegradedOut,
    EvidenceOut,
    IncidentOut,
    Name,
    PathStepOut,
    RootCauseOut,
    SimilarOut,
    convert,
    convert_alert,
    decode_incident,
    encode,
    json_schemas,
)
from aiops_rca.wire.error import CLIENT_GONE, STATUS, ErrorBody, ErrorOut

__all__ = [
    "CLIENT_GONE",
    "STATUS",
    "ActionOut",
    "AlertIn",
    "CandidateOut",
    "ClusterOut",
    "DegradedOut",
    "ErrorBody",
    "ErrorOut",
    "EvidenceOut",
    "IncidentOut",
    "Name",
    "PathStepOut",
    "RootCauseOut",
    "SimilarOut",
    "convert",
    "convert_alert",
    "decode_incident",
    "encode",
    "json_schemas",
]
