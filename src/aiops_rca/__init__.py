"""Alert correlation and root-cause diagnosis.

The pipeline, one stage after the other, each a pure function of values:

    ingest      any payload            -> alerts
    correlate   alerts + graph         -> clusters
    rank        cluster + release      -> candidates with evidence
    recall      cluster + history      -> similar incidents, recommended actions
    report      diagnoses              -> the answer

`pipeline.diagnose` is the whole of it on one screen. `domain` holds the words as frozen values;
`adapters`, `web` and `edge` touch the world; `bootstrap` is where objects meet.

As a library:

    from aiops_rca import diagnose, load_release, read_alerts
    diagnoses = diagnose(read_alerts(rows), load_release(graph="graph.yaml"))
"""

__version__ = "0.1.0"

from aiops_rca.adapters.files import load_release
from aiops_rca.domain.errors import InputError, RcaError
from aiops_rca.ingest.batch import read_alerts
from aiops_rca.pipeline import diagnose

__all__ = ["InputError", "RcaError", "__version__", "diagnose", "load_release", "read_alerts"]
