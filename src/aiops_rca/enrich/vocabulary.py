"""English as an on-call note speaks it: the words that name nothing, and those that do. Pure.

Only words and numbers in words; `grounding` says what they are for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# What a name may stand before: `the billing database` tells of something that must be in the evidence.
THINGS = "|".join(
    """
    service microservice database db cache queue topic broker bucket storage store gateway balancer proxy
    cluster pod container node host server instance function job worker deployment replica backend api
    endpoint table region zone datacenter vendor provider team network switch router firewall certificate
    volume shard partition component system application app dependency
    """.split()
)

STATES_OF = (
    r"(?:(?:also|itself|still)\s+)?(?:is|are|was|were|has|have|went|became|looks?)\s+(?:\w+ly\s+)?"
    r"(?:down|failing|failed|slow|slower|broken|overloaded|unavailable|saturated|exhausted|unhealthy|full"
    r"|unreachable|crashed|crashing|leaking|responsible|at fault|to blame|the (?:likely |root |real )*cause)"
)
BLAMING = r"caused by|because of|due to|waits? for|waiting for|depends? on|traced? back to|blames?|owing to"

_PLAIN = frozenset(
    """
    a about above across add added additional affected affecting after again against ago ahead alert
    alerting alerts all alone along already also although always among an and another any anything api
    apis appear appears application applications apps are around as at available average away back
    backend backup bad be because been before began begin beginning behind being below best better
    between beyond blame blamed block blocked both bottom broken busiest busy but by cache caches
    caching call called callee callees caller callers calling calls came can candidate candidates cannot
    cause caused causes causing central check checked checking checks clear clearly client clients close
    cloud cluster cold comes common compare component components confirm confirmed connected connection
    connections consistent container containers contention core corrupt corrupted could cpu crash
    crashed crashing critical crowded current currently customer customers damaged data database
    databases db dead decide deep degraded delay delayed delays depend dependencies dependency dependent
    depending depends deploy deployed deployment deployments did different direct directly disk do does
    done down downstream drain drained dropped due during each earlier earliest early either elevated
    else empty endpoint endpoints enough entire error errors essential even event every everything
    evidence exact examine exceed exceeded exceeds exhausted exhaustion expired explain explained
    explains external fail failed failing fails failure failures far faster fault faulty feel feels felt
    few fewer file find first five fix flapping follow following for found four free from frozen full
    fully function further gateway get gets given gives go goes gone good got grew grow growing had half
    has have having healthy heaviest heavily heavy high higher highest hit hits hold holds host hosted
    hosting hosts hot how however http https identify idle if impact impacted implicated in incident
    incidents including increase increased increasing indicate indicated indicates initial inside
    inspect instance instances instead internal into investigate involved is issue it its itself just
    keep key know known lack large largest last late latencies latency later lead leading least leaving
    less let level levels like likely limit limits list little load loaded local log logical logs long
    longer look looking looks loss lost low lower made main make makes managed many mark matching may
    mean means measure measured memory message messaging metric metrics middle might misbehaving
    misconfigured missing mobile more most move moved moves much must near nearly need needs neighbor
    neighboring neighbouring neither network new newest next nine no node nodes noisiest noisy none nor
    normal nosql not nothing notice noticed noticing now number object of off offline often old on once
    one only onto open operation operations or order origin original originates other others otherwise
    our out outage outages outside over overall overload overloaded own owner owners page paged pages
    part particular parts past path peak pending people per percent percentile perhaps physical pod pods
    point pointing points possible possibly present pressure previous primary private probable probably
    problem problems process processes produce propagate propagated propagates proxy public queue queues
    quickly raise raised raises ran rather reach reachable reached read reading reads ready real reason
    reasons receive received recent recently records recover recovering related relational release
    released releases releasing remain remaining remains remote replica replicas replicated report
    reported reports request requests resource resources response responses responsible rest restart
    restarted restarting restarts result results return returned returning reuse review right rise rises
    rising risk role roll rolled rolling root rose run running runs same saturated saturation say says
    scale scaled scaling second secondary see seem seems seen serve server servers serves service
    services serving seven several severe share shared sharing shop short should show showed showing
    shown shows side sign signal signals significant silent similar simple since single site six slow
    slowed slower slowest slowness small so some something source specific spike spiked spikes spread
    sql stale stalled standby start started starting starts starved state step steps still stop stopped
    storage store strain strained strong stronger strongest struggling stuck such suffer suffered
    suffering suffers suggest suggested suggesting suggests support supported supporting supports sure
    surface suspect suspected symptom symptoms system systems take taken takes target team tells ten
    than that the their them themselves then there therefore these they third this those though three
    threshold thresholds throttled throttling through throughout throughput thus tied time timed timeout
    timeouts times timing to together too took top total toward towards traced traces traffic try turn
    two typical unaccounted unavailable unclear under underlying unexpected unhealthy unknown unlikely
    unreachable unresponsive unstable until unusual unusually up upon upstream usage use used user users
    using usual utilisation utilization value values verify very via victim victims virtual visible
    visitors volume vs wait waiting waits was watch way we weak web week well went were what when where
    whether which while who whole whose why wide will with within without work worker workers working
    worse worst would wrong yet you your zero
    e.g i.e etc ok io i/o i p50 p75 p90 p95 p99
    """.split()
)
_ABBREVIATIONS = frozenset("api apis http https rpc utc id ids url urls sre slo".split())

# Joined words that are English whatever they are joined with: `user-facing`, `end-to-end`.
_COMPOUNDS = (
    r"\A(?:non|over|under|re|self|pre|post|co|so|well|long|short|high|low|multi|single|mid)-[a-z]+\Z",
    r"\A(?:first|second|third|two|three|four|five|half|full|near|most|best|worst|much)-[a-z]+\Z",
    r"\A(?:fast|slow|last|double|triple|up|down|in|out)-[a-z]+\Z",
    r"-(?:facing|based|wide|side|level|related|specific|bound|driven|heavy|time|term|only|like)\Z",
    r"-(?:free|off|up|out|down|over|in|back|by|to|style|induced|caused|dependent|local|limited)\Z",
    r"-(?:intensive|starved|running|hand)\Z",
    r"\A[a-z]+-(?:to|by|of|and|or)-[a-z]+\Z",
)
COMPOUND = re.compile("|".join(_COMPOUNDS))

# Products that may be named only where the evidence names them.
_PRODUCTS = frozenset(
    """
    activemq airflow akamai aurora aws azure bigquery cassandra ceph clickhouse cloudflare cloudfront
    cockroachdb consul couchbase datadog docker dynamodb ec2 ecs eks elasticsearch elb envoy etcd
    fargate fastly flink gcp github gitlab grafana grpc hadoop haproxy hbase iis influxdb ingress istio
    java jenkins jvm k8s kafka keycloak kibana kinesis kong kubelet kubernetes lambda linkerd linux
    mariadb memcached minio mongo mongodb mssql mysql nats nfs nginx node.js okta openshift oracle
    paypal pgbouncer postgres postgresql prometheus pubsub pulsar rabbitmq rds redis redshift route53 s3
    scylla snowflake solr spanner spark splunk sqlite sqs stripe terraform tomcat traefik twilio vault
    vmware windows zookeeper
    """.split()
)

_BUILT = re.compile(
    r"(?!(?:micro|web|sub)services?\Z)"
    r"[a-z]{2,}(?:services?|svc|db|cache|queue|server|gateway|proxy|worker|api|store|broker)"
)

_NUMBER_WORDS: Mapping[str, float] = {
    **{word: float(n) for n, word in enumerate("two three four five six seven eight nine ten".split(), 2)},
    **dict.fromkeys(("twice", "double", "doubled"), 2.0),
    **dict.fromkeys(("eleven", "twelve", "dozen"), 12.0),
    "tripled": 3.0,
    "fifteen": 15.0,
    "twenty": 20.0,
    "thirty": 30.0,
    "fifty": 50.0,
    "hundred": 100.0,
    "thousand": 1000.0,
    "million": 1e6,
    "dozens": 24.0,
    "hundreds": 200.0,
    "thousands": 2000.0,
    "millions": 2e6,
}
_WORD = re.compile(r"[a-z]+")
_TIMES = frozenset("second seconds minute minutes hour hours".split())
_DURATION = re.compile(
    rf"\b(?P<word>{'|'.join(_NUMBER_WORDS)}) (?P<unit>{'|'.join(sorted(_TIMES))})\b", re.IGNORECASE
)


def is_plain(word: str) -> bool:
    """Whether *word*, in lower case, names nothing."""
    return word in _PLAIN or word in _ABBREVIATIONS


def is_name(word: str) -> bool:
    """Whether *word*, in lower case, is the name of a product, or built like the name of a service."""
    return word in _PRODUCTS or _BUILT.fullmatch(word) is not None


def number_words(text: str) -> Iterator[float]:
    """The numbers that *text*, in lower case, says in words, durations apart."""
    words = _WORD.findall(text)
    for word, following in zip(words, (*words[1:], ""), strict=True):
        if word in _NUMBER_WORDS and following not in _TIMES:
            yield _NUMBER_WORDS[word]


def in_digits(text: str) -> str:
    """*text* with the durations that it says in words, `three minutes`, in digits."""
    return _DURATION.sub(lambda found: f"{_NUMBER_WORDS[found['word'].lower()]:g} {found['unit']}", text)
