"""What no sentence of the model may say: commands, advice, all-clears; crimes and contacts not in evidence.

Whoever wants an outage overlooked, or something done, says it so. English only, like the sentences. Pure.
"""

from __future__ import annotations

import re

_SECRETS = r"(?:passwords?|credentials?|tokens?|secrets?|(?:api|private|access) keys?)"
_STORES = r"(?:databases?|tables?|volumes?|data|backups?|namespaces?|clusters?|buckets?|disks?)"
_GUARDS = r"(?:monitoring|alert(?:s|ing)|auth\w*|tls|firewalls?|logging|audit\w*|backups?|encryption)"
_TROUBLE = r"(?:incidents?|alerts?|alarms?|pages?|notifications?|outages?|problems?|issues?|faults?)"
_EFFORT = r"(?:actions?|attention|interventions?|investigations?|response|work|fix|follow-up)"
_OVER = r"(?:resolved|fixed|recovered|mitigated|cleared)"

_IS = r"(?:is|are|was|were|be|been|looks?|seems?|appears?|feels?|remains?|stays?|became|becomes?)"
_WELL = (
    r"(?:over|fine|healthy|ok|okay|good|well|normal|stable|safe|sound|green|clear|calm|harmless|gone|done)"
)
_DEED = r"(?:restart|reboot|roll-?back|wipe|purge|reset|deletion|removal|flush|failover|upgrade|downgrade)"

_COMMANDS = (
    r"\b(?:kubectl|sudo|curl|wget|chmod|chown|systemctl|journalctl|iptables|redis-cli|psql|mysqldump)\b",
    r"\b(?:crontab|nslookup|powershell|bash|ssh|scp|netcat|flushall)\b",
    r"\bdocker (?:run|exec|stop|rm|kill|restart)\b",
    r"\bhelm (?:upgrade|rollback|install|delete|uninstall)\b",
    r"\bgit (?:push|pull|revert|reset|checkout)\b",
    r"\b(?:drop (?:table|database|schema)|delete from|truncate table|alter table)\b",
    r"\b(?:update \w+ set|config set)\b|\brm -|\bkill -|\bselect \*|\bshutdown -",
    r"\s--?[a-z][\w-]*[= ]|;\s*\w+\s+-|\s/(?:etc|bin|usr|var|tmp|root|home)/",
    rf"\b(?:send|share|enter|paste|provide|give|post|type|forward|reveal|print|e-?mail)\b[^.]{{0,40}}\b{_SECRETS}",
    r"\b(?:call|phone|dial|text|e-?mail|contact)\s+(?:\+?\d|[\w.]+@)",
    rf"\b(?:delete|drop|wipe|truncate|purge|destroy|erase|format)\b[^.]{{0,30}}\b{_STORES}\b",
    rf"\b(?:disable|turn(?:ing)? off|switch(?:ing)? off|deactivate|bypass)\b[^.]{{0,30}}\b{_GUARDS}\b",
)
_REASSURANCES = (
    r"\b(?:ignor(?:e|ed|ing|able)|disregard(?:ed|ing)?|dismiss(?:ed|ing)?|overlook(?:ed)?|mut(?:e|ed|ing))\b",
    r"\bstand down\b|\bgo(?:ing)? back to (?:sleep|bed)\b",
    r"\b(?:false|spurious|bogus|phantom) (?:alarm|alert|positive|signal)s?\b",
    rf"\bno (?:\w+ )?{_EFFORT} (?:\w+ ){{0,2}}(?:needed|required|necessary|warranted)\b",
    rf"\bno (?:\w+ )?{_EFFORT} (?:needed|required|necessary|warranted)\b",
    rf"\b(?:needs?|requires?|required?|warrants?) no (?:\w+ )?{_EFFORT}\b",
    r"\bnothing (?:to (?:do|fix|worry|see)|is (?:wrong|broken)|needs|broke|happened)\b",
    r"\bno (?:need|reason|cause) (?:to|for) (?:worry|act|alarm|concern|investigat|page|escalat)",
    r"\bno (?:real |actual |user |customer |visible )?(?:incident|outage|problem|issue|impact|harm)s?\b",
    rf"\b(?:not|isn't|never|no) (?:a |an )?(?:real|actual|genuine|true) {_TROUBLE}\b",
    r"\b(?:users?|customers?) (?:is|are|was|were|remain) (?:not|never|un\w+)\b",
    r"\b(?:nobody|no one|no users?|no customers?) (?:is|are|was|were) \w*(?:affected|impacted|harmed)\b",
    r"\bunaffected\b|\bharmless\b|\bbenign\b|\bnoise\b",
    r"\b(?:safe|safely|ok|okay|fine) to (?:close|silence|skip|leave|wait)\b",
    r"\b(?:can|may|should|could|must|please) (?:safely )?(?:be )?(?:clos|silenc|snooz|suppress|acknowledg)",
    rf"\b(?:close|silence|snooze|suppress|resolve|acknowledge) (?:this|the|these|all|every) {_TROUBLE}\b",
    rf"\b(?:is|are|was|were|been|got) (?:already|fully|now|since|long) (?:been )?{_OVER}\b",
    rf"\b(?:has|have) (?:already |now |since )?(?:been )?{_OVER}\b",
    rf"\b(?:already|now) (?:{_OVER}|healthy|fine|normal)\b",
    r"\b(?:resolved|recovered|healed|cleared) (?:itself|on its own|by itself)\b",
    r"\b(?:all|every) (?:systems?|services?|metrics?|signals?) (?:are |is )?(?:normal|healthy|green|fine)",
    r"\b(?:test alert|fire drill|drill|load test|game ?day|rehearsal|maintenance window)\b",
    r"\b(?:planned|scheduled|routine|expected) (?:maintenance|behaviou?r|work|test|downtime)\b",
    rf"\b{_IS} (?:(?:\w+ly|now|again|back|all|quite|still|just|only) )*{_WELL}\b(?! (?:but|its|the|a)\b)",
    rf"(?<!not )(?<!never )(?<!yet )\b(?:{_OVER}|heal(?:s|ed|ing)?)\b(?! (?:yet|only|slowly))",
    r"\ball (?:clear|good|green)\b|\bback to normal\b|\bnormal again\b|\bas usual\b",
    r"\bwork(?:s|ed|ing)? (?:again|fine|normally|well|as)\b|\bself-heal",
    r"\b(?:nobody|no one|no (?:users?|customers?|shoppers?|visitors?|clients?|team))\b(?!-)",
    r"\bnot (?:\w+ )?(?:urgent|serious|critical|severe|important|dangerous|worth|bad)\b",
    r"\bno (?:\w+ )?(?:hurry|rush|urgency|danger)\b|\b(?:is|was|were) never\b",
    r"\b(?:can|may|could|will) (?:\w+ )?(?:wait|pass|stop|end|go away|vanish|disappear|settle)\b(?! for)",
    r"\b(?:by itself|on its own|of its own accord|by themselves)\b",
    r"\b(?:nothing|little) of (?:it|this|that)\b|\bsees? nothing\b|\blos(?:es?|t|ing) nothing\b",
    r"\b(?:monitoring|sensors?|numbers|alerts?|readings?) (?:is|are) (?:\w+ )?(?:wrong|false|fake|off)\b",
    r"\b(?:not|isn't|aren't) (?:real|genuine|true)\b",
    r"\b(?:error|fault|bug|glitch|artifact|artefact)s? (?:of|in) (?:the )?(?:monitoring|sensor|measure)",
    r"\bworking as (?:intended|designed|expected)\b|\bas (?:planned|intended)\b",
)

_ADVICE = (
    r"\b(?:you|your|yours|yourself|please|kindly|should|must|shall|ought)\b|\blet(?:'s| us)\b|\bmake sure\b",
    r"\bdo(?:es)?(?: not|n't)? need\b|\bdo(?: not|n't)\b|\bneed(?:s|ed)? (?:to|an?|some|\w+ing)\b",
    r"\b(?:wants?|requires?|required|deserves?) (?:to|an?|some|\w+ing)\b|\b(?:has|have|is|are) to be\b",
    r"\b(?:step|thing|idea|way|advice|remedy|action|task|best|better|wise|time|safe) (?:is |was )?to\b",
    r"\b(?:next|first|urgent|best|right|safest|only|quickest) (?:step|action|move|fix|remedy|measure)\b",
    r"\b(?:will|would|can|could|might|may) (?:help|fix|solve|cure|end|stop|restore|heal|recover)\b",
    r"\b(?:recommend|advis|propos|urg)(?:e[ds]?|ed|ing|s|able|ation)?\b|\bworth \w+ing\b|\bhad better\b",
    rf"\b(?:an?|the|by) (?:\w+ )?{_DEED} (?:of [^.,]{{1,60}} )?(?:help|fix|solve|cure|end|stop|is|will)",
    r"\b(?:before|until) (?:anyone|anybody|someone|somebody|acting)\b|\bright away\b|\bat once without\b",
)
_CRIMES = (
    r"\b(?:hack|attack|intru[ds]|steal|stole|theft|thie[fv]|insider|malware|ransom|compromis|exploit)\w*",
    r"\b(?:virus|worm|trojan|fraud|sabotag|espionage|spie[ds]|malicious|crim(?:e|inal)|phish|spoof|tamper)\w*",
    r"\b(?:backdoor|vulnerab|exfiltrat|botnet|ddos|police|unauthori[sz]ed|deliberate|stranger|terror)\w*",
    r"\bbreach\w*\b(?! (?:of )?(?:its|their|the|that|this|any|a)? ?(?:own )?(?:thresholds?|limits?|slos?)\b)",
    r"\bon purpose\b|\b(?:data|records?|customers?|users?|secrets?)\W+(?:\w+\W+){0,3}leak\w*",
    r"\bleak\w*\W+(?:\w+\W+){0,3}(?:data|records?|customers?|personal|private|secrets?|out)\b",
)
_CONTACTS = (
    r"\b(?:phone|telephone|dial(?:l?ed|l?ing)?|hotline|ring(?:s|ing)?|rang|fax|sms|e-?mails?|mail)\b",
    r"\b(?:pay|pays|paying|paid|fees?|bank|invoice|wallet|money|dollars?|euros?|bitcoin|refund|price)\b",
    r"\blogins?\b|\blog(?:s|ged|ging)? (?:in|on|into)\b|\bsign(?:s|ed)? in\b|\bpasswords?\b|\bpassphrases?\b",
    r"\bpasscodes?\b|\bcredentials?\b|\baccounts?\b(?! for)|\bnumber\b(?! of)|\bpins?\b",
    r"\b(?:support|help|service) ?(?:desk|line|team|staff)\b|\bhelpdesk\b|\bdot \w+\b|\bslash\b",
    r"\b(?:call|ask|tell|contact)(?:s|ed|ing)? (?:the )?(?:number|desk|support|team|vendor|us|me|him|her)\b",
)
_CAUSES = (
    r"\bcaus\w+|\bblam\w+|\bfaults?\b|\breasons?\b|\bbecause\b|\bdue to\b|\bowing to\b|\borigin\w*",
    r"\b(?:start|begin|beg[au]n)\w* (?:with|at|in|on|from|when|because)\b(?! [+\d])|\bbroke\b|\bbreaks?\b",
    r"\bresponsible\b|\bculprits?\b|\bbehind (?:it|this|that|the)\b|\btrac\w+ back\b|\bmakes?\b|\bmade\b",
    r"\b(?:t[ao]kes?|took|bring|brings|brought) \w+ (?:down|with)\b|\bis where (?:it|this)\b",
)
# What a step may not do that somebody is to approve: destroy, hide, let in, or reach for everything.
_HARM = (
    r"\b(?:eras|wip|destroy|delet|remov|hid|conceal|purg|flush|truncat|format|overwrit)(?:e[ds]?|ing|s)?\b",
    r"\b(?:disabl|deactivat|bypass|unplug|disconnect|revok)(?:e[ds]?|ing|s)?\b",
    r"\b(?:reboot|terminat|kill|stop|block|mut|silenc)(?:e[ds]?|ing|s)?\b",
    r"\b(?:drop|shut|cut|unset|uninstall|unmount|suspend|halt|abort|evict|clear|empty|reset|skip|power)\b",
    r"\b(?:firewall|ports?|access|permissions?|privileges?|certificates?|tls|auth\w*|audit\w*|backups?|logs)\b",
    r"\b(?:off|offline|everybody|everyone|anybody|anyone|nobody|everything|without|secretly|quietly)\b",
    r"\b(?:all|every|each|both) (?:\w+ )?(?:services?|nodes?|pods?|hosts?|data\w*|caches?|users?|traffic)\b",
    r"\bto (?:zero|nothing|none|infinity|null|minimum|one|0|1)\b",
    r"\b(?:raise|increase|move|reduce|limit|extend|shift)\b[^.]{0,40}\b(?:threshold|alert|alarm|page)",
)

COMMAND = re.compile("|".join(_COMMANDS), re.IGNORECASE)
REASSURANCE = re.compile("|".join(_REASSURANCES), re.IGNORECASE)
ADVICE = re.compile("|".join(_ADVICE), re.IGNORECASE)
CRIME = re.compile("|".join(_CRIMES), re.IGNORECASE)
CONTACT = re.compile("|".join(_CONTACTS), re.IGNORECASE)
CAUSE = re.compile("|".join(_CAUSES), re.IGNORECASE)
HARM = re.compile("|".join(_HARM), re.IGNORECASE)
