"""English as an on-call note speaks it: words that name nothing, that open a description, that name.

Closed lists: a word that is in none must stand in the evidence. `grounding` says what each is for. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PLAIN = frozenset(
    """
    able abnormal abrupt absent absorb accept accompany accord account accumulate accurate achieve act active
    activity actual address adequate adjacent affect age ago agree ahead aim alarm alert align allow
    alternative ambiguous amount ample amplify angle answer anymore anywhere api apparent appear application
    approach appropriate approximate apps area arise arrive aside aspect assign associate assume async attempt
    attributable attribute automatic available average backend backup bad balance bare baseline batch be bear
    become been began begin believe best better big bit blame blip block borderline bottleneck bottom bound
    boundary breach break brief bring broad broken budget buffer build bulk bunch burst busiest busy buyer
    cache call calm came cannot care carry cascade case category cause center central centre certain chain
    chance change character chase chiefly choke chronic chunk churn circumstance claim class clear climb clog
    close cloud clue cluster coincide cold collapse collect column combine come command commit common compel
    compete complete complex component compute concern conclude conclusive concurrent condition conflict
    congest connected consequence consequent consider considerable consist consistent constant constrain
    consume contain container contend context continue contradict contrast contribute contributor control
    convince core corner correct correspond corroborate corrupt cost counter couple course cover crash create
    creep critical crowded culprit current curve custom cut cycle damaged data date day db dead deadlock
    decade decide decline decrease deep default defer definite degrade degree delay deliver delta demand dense
    deny depend dependency dependent deploy deployment depress depth derive describe detail detect develop
    deviate device diagnose die differ difference different difficult dip direct direction disagree disappear
    discard disproportionate distant distinct distribute disturb divide dns do dominate done double downstream
    drag drain drift drive drop duration dwarf e.g eager ease easy edge effect effective efficient effort
    element eliminate else emerge emit empty enable encounter endpoint engine enormous enter entire entry
    equal erratic escalate essential establish estimate etc evaluate event evict evident evolve exact exceed
    exception excess excessive exclude exclusive execute exhaust exhibit exist expand expect expensive
    experience expired explain explanation explicit exponential express extent external extra extreme face
    fact factor fail fair fall familiar farthest fast fault faulty favor favour feature feed feel felt fetch
    field figure file fill final finish fire firm fit fix flaky flapping flat flood flow fluctuate focus
    follower force form found fraction fragmentation frame free freeze frequency frequent fresh front frozen
    full fully function fundamental furthest gap garbage gateway gc general generate gentle get given gives
    glance global go gone good got gpu gradual graph great grew gross ground group grow guess halfway halt
    handful handle handshake hang happen hard head headroom healthy heap heaviest help hide hint hit hold hop
    host hot hottest hour http huge hundredth hurt i.e i/o idea identical idle image imbalance immediate
    impact impair implicate imply important impossible improve inbound incident include incoming inconclusive
    independent index indicate indication indirect individual inflate influence inform information inherit
    initial innocent inode input insert insight instance insufficient intense intermittent internal interval
    involved io iops isolate issue item jam job join joint jump jvm keep kernel key keyspace kind know known
    lack lag large layer layout lead leader leak lean leave left leg length let level lie lift lightly line
    link little live load local location lock log logic logical longer lookup loop lose loss lost lot loudest
    lower machine made magnitude main maintain major majority make managed manifest margin marginal mark mass
    match material max maximum mean mechanism median medium meet mere mess message method metric middle mild
    milliseconds minimum minor minority minute misbehaving misconfigured miss mix mobile mode model moderate
    modest moment monitor month morning must mutex mutual name narrow nature need negative neighbor
    neighbouring nest network new newest night node noise noisier noisiest noisy nominal norm normal nosql
    notable note notice null number numerous object obvious occasion occupy occur odd offer offline offset ok
    old oom open operation opposite order origin original originates oscillate outage outbound outgoing
    outlier output outstanding outweigh overlap overload overnight override overrun oversized owe own owner
    p50 p75 p90 p95 p99 pace page pair panic parallel parent part partial particular partition pass path
    pattern pause payload peak peer peg pending percent percentage percentile perform performance period
    permanent persist phase physical picture piece pile pin pinpoint place plain plan plateau platform
    plausible play plenty plus pod point pool poor portion pose position positive possible potential precede
    precise predominant prefer presence present pressure prevent price primary prime principal print prior
    private probable problem proceed process produce producer program progress prolong prominent prompt proof
    propagate proper property proportion prove provide proxy public publisher pull pure push put qps quarter
    question queue quick quiet quorum quota ram ran random range rank rapid rare rate ratio raw reach
    reachable react reaction ready real realistic rearrange reason reboot receive receiver recipient reclaim
    record recover recur redundant refer reflect refuse regard region regular reinforce reject related
    relational relative release relevant reliable rely remain remark remote repeat replace replica replicated
    reply report represent request requeue require resemble reserve reset resolve resource respect respond
    response responsible rest restore result retain retry return reuse reverse rewrite right ripple rise risk
    robust role rollback rollout rollup room root rose rough round route row rps rule run runtime safe same
    saturate say scatter schedule scheme scope score search seat secondary section seem seen segment select
    semaphore send sender sense separate sequence series serious serve server service session set setback
    severe shade shape shard share sharp shop short shortage shortfall should show shown shrink side sign
    significant silence silent simple site size skew skip sleep slight slope slot slowdown slowness small
    smooth snapshot socket sole solid sort source space span spare speak specific specify speed spend spike
    spill split spot spread sql square ssl stable stack stage stale stall stand standby start startup
    starvation starved state static status stay steady steep stem step stop storage store story strain stretch
    strike strong stronger strongest structure struggling stuck study subject subscriber subsequent subset
    substantial subsystem subtle succeed success sudden suffer suggest sum support sure surface surge surround
    suspect sustain swamp swap swing switch symmetric sync system table tail take taken talk target tcp team
    tell temporary tend tension tentative term them thin think thrash thread threat throw tick tie tight time
    timeline timeout tiny tls took top topic total touch trail transaction transfer transient transit
    transport tree trend trigger trim trip triple trivial trouble true try ttl tune turn twist type typical
    udp ultimate unable unaccounted unavailable uncertain unchanged unclear undecided underlying understand
    uneven unexpected unhealthy uniform unique unit unknown unreachable unrelated unresponsive unstable
    unusable unusual update upstream uptime urgent usable use usual utilise utilize vague valid value vary
    vast version victim view virtual visible visit vm volatile volume vs wait warn wave way weak wear web week
    weigh weight well went whole wide widespread window wire withstand wonder word work worker worth write
    wrong year yield you your zone
    """.split()
)
_IRREGULAR = frozenset(
    """
    analyses analysis aren't became begun biggest bore borne broke brought built burnt busier can't caught
    chose chosen clearer clearest closer closest couldn't dealt deeper deepest didn't doesn't dozen drawn drew
    driven drove easier eighth eighty eleventh fallen fed fell fifth fifty fivefold forty fourfold friday
    froze gave greater greatest grown harder hardest hasn't haven't held hereby herself him himself hundred
    hundredfold hung i'm inasmuch isn't it's kept laid lain lay led lent lest lighter likelier likeliest
    longest manifold me meant met milder million mine misled monday myself nearer nearest ninety ninth
    notwithstanding oldest onward quicker quickest regardless respectively risen said sank saturday sent
    seventh seventy sharper shorter shortest shrank shrunk simpler simplest sixth sixty smallest somehow
    somewhat somewhere sooner soonest sought spent spite spoke spoken sprang spun steeper steepest stood
    struck sunday sunk swollen taught tenfold tenth that's there's thereby thirty thought thousand threefold
    threw thrown thursday tighter tightest tomorrow tuesday twenty twofold understood us versus wasn't weaker
    weakest wednesday weren't what's whereby whichever whom wider widest woke won't wouldn't wound written
    wrote
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


# With what a description opens, if not with a name: words that are no verb at all, or no order.
_OPENERS = frozenset(
    """
    a about above according across additional after again against albeit alerts all almost alone along
    alongside already also although altogether always amid among amongst an and another any anybody anything
    apart apparently approximately are around as at availability away back backlog bandwidth barely because
    before behind below beneath beside besides between beyond bigger both briefly but by caches callee callees
    caller callers calls can candidate candidates capacity certainly clearly client clients commands
    confidence congestion connection connections consequently consumer consumers consumption contention could
    cpu currently customer customers database databases definitely dependencies despite did directly disk
    disks does doubt down dozens due during each earlier earliest early eight either elevated eleven elsewhere
    end enough error errors especially essentially even eventually ever every everybody everything eviction
    evictions evidence evidently exactly except exhaustion failure failures far faster few fewer finally first
    firstly five for four fourth from further furthermore generally had half hardly has have he heavier heavy
    hence her here high higher highest his history hosts how however hundreds i if impact in incidents
    increased indeed indirectly initially inside instead into is it its itself just largely larger largest
    last lastly late latencies latency later latest least less like likely likewise long low mainly many may
    maybe meanwhile memory merely messages metrics might more moreover most mostly much multiple my near
    nearly neither never nevertheless newer next nine no nobody nodes none nonetheless nor normally not
    notably nothing now nowhere of off often older on once one ones only onto operations or other others
    otherwise our out outside over overall owing partly past people per performance perhaps persistent pods
    possibly pressure presumably previous previously primarily probably queries queues quickly quite rarely
    rather reader readers readings reads really recent recently reduced regarding requests responses restarts
    retries roughly saturation second secondly seemingly seldom services seven several she shopper shoppers
    signal signals similar similarly simply simultaneously since single six slow slower slowest slowly smaller
    so some somebody something sometimes soon still strongly subsequently such suddenly symptom symptoms ten
    than that the their themselves then there thereafter therefore these they third this those though
    thousands threads three threshold thresholds through throughout throughput thus timeouts to today together
    tonight too toward towards traffic trouble twelve twice two typically ultimately uncertainty under
    underneath unexpectedly unless unlike until unto unusually up upon usage user users usually utilisation
    utilization various very via visitor visitors was we were what whatever when whenever where whereas
    wherever whether which while who whoever whose why will with within without worse worst would writer
    writers writes yesterday yet zero
    """.split()
)
# What an order begins with, wherever in a sentence it stands.
_ORDERS = frozenset(
    """
    activate add allocate allow approve ask avoid await begin block book bring bypass call cancel change check
    choose clean clear click close commit compare configure confirm consider contact copy correlate create cut
    deactivate decrease delay delete deploy destroy disable disconnect drain drop dump edit email empty enable
    ensure erase escalate evict examine execute expand expect export extend fail find fix flush focus follow
    force format free get give go grant halt hide ignore increase inform inspect install investigate isolate
    keep kick kill leave let limit lock log look lower mail make measure message migrate monitor mount move
    mute note notify open overwrite page pause phone pick ping post power prepare profile promote protect
    provision pull purge push put query quit raise read reboot rebuild recreate redeploy reduce refresh reload
    remember remove rename renew repair replace report reset resize resolve restart restore resume retry
    revert review revoke roll rotate run save scale schedule see sell send set share shift shrink shut silence
    skip snooze stand start stay stop suppress suspend swap switch take talk tell terminate throttle track
    transfer trigger truncate trust try tune turn type uninstall unmount unplug update upgrade upload use
    verify view visit wait wake warm warn watch wipe withdraw write
    """.split()
)
# What a step may begin with that somebody is to approve: looking, and adding what can be taken away again.
_STEPS = frozenset(
    """
    add allocate ask check compare confirm correlate count determine examine extend find follow identify
    increase inspect investigate limit list look measure move observe profile query raise read reduce restart
    review roll sample scale see shift test throttle trace track verify warm watch
    """.split()
)

_KNOWN = _PLAIN | _IRREGULAR | _ABBREVIATIONS | _OPENERS | _STEPS
_INFLECTED = 4  # letters
_ENDINGS = (
    ("ies", ("y",)),
    ("ied", ("y",)),
    ("ily", ("y",)),
    ("es", ("", "e")),
    ("s", ("",)),
    ("ed", ("", "e")),
    ("ing", ("", "e")),
    ("ably", ("able",)),
    ("ally", ("al", "")),
    ("ly", ("", "le")),
)


def is_plain(word: str) -> bool:
    """Whether *word*, in lower case, names nothing; with the endings that English words take."""
    return word in _KNOWN or any(stem in _KNOWN for stem in _stems(word))


def opens(word: str) -> bool:
    """Whether *word*, in lower case, may open a sentence that describes something."""
    return word in _OPENERS


def orders(word: str) -> bool:
    """Whether *word*, in lower case, is one that orders begin with."""
    return word in _ORDERS


def steps(word: str) -> bool:
    """Whether *word*, in lower case, may open a step that somebody has to approve."""
    return word in _STEPS


def is_name(word: str) -> bool:
    """Whether *word*, in lower case, is the name of a product, or built like the name of a service."""
    return word in _PRODUCTS or _BUILT.fullmatch(word) is not None


def _stems(word: str) -> Iterator[str]:
    """What *word* may be an inflected form of; some of it is no word at all."""
    if len(word) < _INFLECTED:
        return
    for ending, instead in _ENDINGS:
        if word.endswith(ending):
            stem = word[: -len(ending)]
            yield from (stem + end for end in instead)
            if stem[-1:] == stem[-2:-1]:  # `dropped`
                yield stem[:-1]
