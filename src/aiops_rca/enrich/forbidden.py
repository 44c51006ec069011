"""What no sentence of the model may say, whatever the evidence: commands, requests for secrets, all-clears.

Whoever wants an outage overlooked, or something run, says it so. English only, like the sentences. Pure.
"""

from __future__ import annotations

import re

_SECRETS = r"(?:passwords?|credentials?|tokens?|secrets?|(?:api|private|access) keys?)"
_STORES = r"(?:databases?|tables?|volumes?|data|backups?|namespaces?|clusters?|buckets?|disks?)"
_GUARDS = r"(?:monitoring|alert(?:s|ing)|auth\w*|tls|firewalls?|logging|audit\w*|backups?|encryption)"
_TROUBLE = r"(?:incidents?|alerts?|alarms?|pages?|notifications?|outages?|problems?|issues?|faults?)"
_EFFORT = r"(?:actions?|attention|interventions?|investigations?|response|work|fix|follow-up)"
_OVER = r"(?:resolved|fixed|recovered|mitigated|cleared)"

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
    r"\bworking as (?:intended|designed|expected)\b|\bas (?:planned|intended)\b",
)

COMMAND = re.compile("|".join(_COMMANDS), re.IGNORECASE)
REASSURANCE = re.compile("|".join(_REASSURANCES), re.IGNORECASE)
