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

_PLAIN = frozenset(
    """
    a about above across add added additional affected affecting after again against ago ahead alert
    alerting alerts all alone along already also although always among an and another any anything api
    apis appear appears application applications apps are around as at available average away back
    backend be because been before began begin beginning behind being below best better between beyond
    blame blamed both bottom broken but by cache caches call called callee callees caller callers
    calling calls came can candidate candidates cannot cause caused causes causing check checked
    checking checks clear clearly client clients close cluster comes common compare component components
    confirm confirmed connected connection connections consistent container containers contention could
    cpu critical current currently customer customers data database databases db decide deep degraded
    delay delayed delays depend dependencies dependency dependent depending depends deployment did
    different direct directly disk do does done down downstream drain dropped due during each earlier
    earliest early either elevated else endpoint endpoints enough entire error errors even every
    everything evidence exact examine exceed exceeded exceeds exhausted exhaustion explain explained
    explains external fail failed failing fails failure failures far faster fault faulty few fewer find
    first five fix follow following for found four free from full fully function further gateway get
    gets given gives go goes gone got grew grow growing had half has have having healthy heavily heavy
    high higher highest hit hits hold holds host hosting hosts how however http https identify if impact
    impacted implicated in incident incidents including increase increased increasing indicate indicated
    indicates initial inside inspect instance instances instead internal into investigate involved is
    issue it its itself just keep key know known lack large largest last late latencies latency later
    lead leading least less let level levels like likely limit limits list little load loaded local log
    logs long longer look looking looks loss lost low lower made main make makes many mark matching may
    mean means measure measured memory metric metrics middle might misbehaving missing more most much
    must near nearly need needs neighbouring neither network new newest next nine no node nodes none nor
    normal not nothing now number of off often old on once one only onto open operation operations or
    order origin original originates other others otherwise our out outage outages outside over overall
    overload overloaded own page paged pages part parts past path peak pending people per percent
    percentile perhaps pod pods point pointing points possible possibly present pressure previous
    primary probable probably problem problems process processes produce propagate propagated propagates
    proxy queue queues quickly raise raised raises ran rather reach reached read reading reads ready
    real reason reasons receive received recent recently records recover recovering related remain
    remaining remains remote replica replicas report reported reports request requests resource
    resources response responses responsible rest restart restarted restarting result results return
    returned returning reuse review right rise rises rising risk role roll rolled root rose run running
    runs same saturated saturation say says scale scaled scaling second secondary see seem seems seen
    serve server servers serves service services serving seven several severe share shared sharing shop
    short should show showed showing shown shows side sign signal signals significant silent similar
    simple since single site six slow slowed slower slowest slowness small so some something source
    specific spike spiked spikes spread stalled start started starting starts state step steps still
    stop stopped storage store strain strained strong stronger strongest struggling such suffer suffered
    suffering suffers suggest suggested suggesting suggests support supported supporting supports sure
    surface suspect suspected symptom symptoms system systems take taken takes target team tells ten
    than that the their them themselves then there therefore these they third this those though three
    threshold thresholds throttled throttling through throughout throughput thus tied time timed timeout
    timeouts times timing to together too took top total toward towards traced traces traffic try turn
    two typical unaccounted unavailable unclear under underlying unexpected unhealthy unknown unlikely
    unresponsive until unusual unusually up upon upstream usage use used user users using usual
    utilisation utilization value values verify very via victim victims visible visitors volume vs wait
    waiting waits was watch way we weak web week well went were what when where whether which while who
    whole whose why wide will with within without work worker workers working worse worst would wrong
    yet you your zero
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
PRODUCTS = frozenset(
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


def is_plain(word: str) -> bool:
    """Whether *word*, in lower case, names nothing."""
    return word in _PLAIN or word in _ABBREVIATIONS


def number_words(text: str) -> Iterator[float]:
    """The numbers that *text*, in lower case, says in words."""
    yield from (_NUMBER_WORDS[word] for word in _WORD.findall(text) if word in _NUMBER_WORDS)
