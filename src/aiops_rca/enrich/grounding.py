"""Whether a sentence of the model says only what the text it cites can bear. Named reasons where not.

Checks of words, not of meaning: sentences describe, in the plain words of operations and in names and
numbers of our own evidence. What stays possible: a plain falsehood in such words, as the wrong one of two
cited services blamed, or a state denied. Linear in the sentence; pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from aiops_rca.enrich import forbidden, vocabulary
from aiops_rca.enrich.amounts import amounts_in, borne, counted, in_digits, number_words
from aiops_rca.enrich.claims import ARROW, DASHES, EDGES, QUOTES, Claim, Ground, stands_in
from aiops_rca.enrich.tampering import signs

LENGTH, URL, MARKUP, COMMAND, REASSURANCE = "length", "url", "markup", "command", "reassurance"
NUMBER, IDENTIFIER, SERVICE, NOUN, INSTRUCTION = "number", "identifier", "service", "noun", "instruction"
ADVICE, CRIME, CONTACT, CAUSE = "advice", "crime", "contact", "cause"

LONGEST, SHORTEST = 320, 8  # characters

_URL = re.compile(r"\[url\]|://|\bwww\.|\bmailto:|\bhxxp", re.IGNORECASE)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_MARKUP = re.compile(r"[<>{}|`\\\[\]]|\*\*|^\s*[#*>-]\s|\$\(|&&")
_PLAIN_SIGNS = str.maketrans(
    "", "", f"{DASHES}{QUOTES}{ARROW}\u2026\u00d7\u2265\u2264\u00b1\u00b5\u00b0\u00b7\u2248"
)
_POSITION = re.compile(r"[ACE]\d{1,2}")
# what looks like a name made for machines: signs inside, digits, humps
_MADE = re.compile(r"\d|_|[a-z][A-Z]|[\w)][:@#=~^+.][\w(]|\A/|\w/\w*/|[@#=~^]")
_CAPITALS = re.compile(r"[A-Z]{2,}s?\Z")
_LIST = re.compile(r"\s*(?:\d{1,2}|[a-z])[.)]\s", re.IGNORECASE)
# What is scarce or has changed, and how metrics call it: no sentence may think it up.
_MATTERS = tuple(
    (re.compile(said), re.compile(known))
    for said, known in (
        (r"\b(?:cpus?|processors?)\b", r"cpu|processor|load"),
        (r"\b(?:memory|ram|heap)\b", r"mem|heap|(?<![a-z])(?:oom|ram|rss|gc)(?![a-z])|evict"),
        (
            r"\b(?:disks?|volumes?|storage)\b",
            r"disk|volume|storage|(?<![a-z])(?:fs|io)(?![a-z])|iops|inode|swap",
        ),
        (
            r"\b(?:networks?|packets?|dns)\b",
            r"network|packet|dns|tcp|bandwidth|bytes|connect|(?<![a-z])net(?![a-z])",
        ),
        (
            r"\b(?:releases?|released|deploy\w*|rollouts?|versions?|upgrades?)\b",
            r"releas|deploy|rollout|version|upgrad",
        ),
        (r"\b(?:certificates?|tls|ssl)\b", r"certif|tls|ssl"),
        (r"\b(?:threads?|deadlocks?|locks?)\b", r"thread|lock(?!ed by)"),
        (r"\bconfig\w*\b", r"config"),
        (r"\b(?:connections?|pools?)\b", r"conn|pool|session|socket"),
    )
)
_UNKNOWN = re.compile(
    r"\b(?:unknown|unclear|whether|no evidence|not in the evidence)\b"
    r"|\b(?:not|nothing) (?:yet )?(?:known|shown|said)\b"
)
_MANY_USERS = re.compile(
    r"\b(?:most|all|half|every|majority|third|quarter|many|millions?|thousands?|hundreds?)\b"
    r"(?: of)?(?: all)?(?: the| our| its)? (?:users?|customers?|shoppers?|visitors?|people)\b"
)
_DIGITS = re.compile(r"\d[\d ,.-]+\d")
_LONG = 5  # digits: an account, a phone


def ungrounded(sentence: str, ground: Ground) -> str | None:
    """Why *sentence*, cleaned, says more than *ground* holds: one of `REASONS`; None where it does not."""
    return _first_reason(_CHECKS, Claim(sentence, ground))


def unfit(step: str, ground: Ground) -> str | None:
    """Why *step*, a sentence that tells what to do, may not be shown to whoever approves it, likewise.

    It must open with a verb of looking or of cautious change, and destroys, hides and opens nothing.
    """
    return _first_reason({**_CHECKS, ADVICE: _harm, CAUSE: _never}, Claim(step, ground))


def _first_reason(checks: Mapping[str, Callable[[Claim], bool]], claim: Claim) -> str | None:
    return next((reason for reason, fails in checks.items() if fails(claim)), None)


def _never(_: Claim) -> bool:
    return False


def _length(claim: Claim) -> bool:
    return not SHORTEST <= len(claim.text) <= LONGEST


def _instruction(claim: Claim) -> bool:
    return bool(signs(claim.text))


def _url(claim: Claim) -> bool:
    if _URL.search(claim.text):
        return True
    return not all(claim.holds(found) for found in _ADDRESS.findall(claim.text))


def _markup(claim: Claim) -> bool:
    if not _MARKUP.search(claim.text.replace("->", ARROW)):
        return _LIST.match(claim.text) is not None
    words = (word for word in claim.text.split() if not claim.holds(word.strip(",;.:!?()")))
    return _MARKUP.search(" ".join(words).replace("->", ARROW)) is not None


def _command(claim: Claim) -> bool:
    return forbidden.COMMAND.search(claim.text) is not None


def _reassurance(claim: Claim) -> bool:
    return forbidden.REASSURANCE.search(claim.said) is not None


def _advice(claim: Claim) -> bool:
    """Whether it tells somebody to do something: what to do is said by ids of actions alone."""
    if forbidden.ADVICE.search(claim.text):
        return True
    return not all(map(claim.opens_well, claim.openings)) or any(map(claim.is_order, claim.joined))


def _harm(claim: Claim) -> bool:
    """Whether a step is more than looking or a cautious change."""
    if forbidden.HARM.search(claim.said):
        return True
    first = next(iter(claim.openings), ("",))[0]
    rest = (words[0] for words in claim.joined)
    return not vocabulary.steps(first) or any(vocabulary.orders(w) and not vocabulary.steps(w) for w in rest)


def _crime(claim: Claim) -> bool:
    return claim.beyond(forbidden.CRIME)


def _contact(claim: Claim) -> bool:
    return claim.beyond(forbidden.CONTACT)


def _cause(claim: Claim) -> bool:
    """Whether it speaks of a cause but of no service in its evidence, or of a matter that is not in it."""
    shown = (name for name in claim.shown if stands_in(name, claim.said))
    if forbidden.CAUSE.search(claim.said) and not any(stands_in(name, claim.own) for name in shown):
        return True
    told = f"{claim.own}\n{claim.ground.past.casefold()}"
    thought_up = any(said.search(claim.said) and not known.search(told) for said, known in _MATTERS)
    return thought_up and not _UNKNOWN.search(claim.said)


def _service(claim: Claim) -> bool:
    """Whether it names a service that what it cites does not: quotes are no ground for blame."""
    words = [word for word, _ in claim.tokens]
    said = " ".join(words).casefold()
    named = {name for name in claim.shown if stands_in(name, said)}
    named |= {word.casefold() for word in words} & claim.ground.others
    return any(not (vocabulary.is_plain(name) or stands_in(name, claim.own)) for name in named)


def _number(claim: Claim) -> bool:
    if _MANY_USERS.search(claim.said):
        return True
    text = "\n".join((claim.own, _DIGITS.sub(_short, "\n".join(claim.ground.quoted))))
    known = amounts_in(text)
    said = amounts_in(in_digits(_without_names(claim)))
    if not all(borne(amount, known, text) for amount in said):
        return True
    counts = {len(claim.ground.texts), len(claim.ground.services)}
    words = number_words(claim.said)
    return not all(value in counts or counted(value, known) for value in words)


def _short(number: re.Match[str]) -> str:
    return " " if sum(map(str.isdigit, number[0])) >= _LONG else number[0]


def _identifier(claim: Claim) -> bool:
    return any(_is_made_up(word, claim, opens=opens) for word, opens in claim.tokens)


def _noun(claim: Claim) -> bool:
    """Whether a word is neither plain nor in what is cited: it may be a thing that nobody knows of."""
    words = [word for word, _ in claim.tokens if word.isalpha() and len(word) > 1]
    return not all(vocabulary.is_plain(word.casefold()) or claim.tells_of(word) for word in words)


_CHECKS: Mapping[str, Callable[[Claim], bool]] = {
    LENGTH: _length,
    URL: _url,
    INSTRUCTION: _instruction,
    MARKUP: _markup,
    COMMAND: _command,
    REASSURANCE: _reassurance,
    SERVICE: _service,
    NUMBER: _number,
    IDENTIFIER: _identifier,
    CONTACT: _contact,
    CRIME: _crime,
    NOUN: _noun,
    ADVICE: _advice,
    CAUSE: _cause,
}
REASONS = tuple(_CHECKS)


def _without_names(claim: Claim) -> str:
    """The sentence without words that are names: a digit in a name is no amount."""
    return " ".join(
        " " if _MADE.search(word.strip(EDGES)) and not amounts_in(word) else word
        for word in claim.text.split()
    )


def _is_made_up(word: str, claim: Claim, *, opens: bool) -> bool:
    """Whether *word* looks like a name and stands nowhere in what is cited."""
    plain = word.casefold()
    if _POSITION.fullmatch(word):  # an id of the dossier: means nothing to a reader
        return True
    if claim.holds(word) or vocabulary.is_plain(plain) or amounts_in(word):
        return False
    if _MADE.search(word) or not word.translate(_PLAIN_SIGNS).isascii() or vocabulary.is_name(plain):
        return True
    if "/" in word or "-" in word:
        return _compound(word, claim)
    return bool(_CAPITALS.match(word)) or (word[0].isupper() and not opens)


def _compound(word: str, claim: Claim) -> bool:
    """Whether *word*, plain words joined by hyphens or slashes, may be a name: `fraud-detector`."""
    if vocabulary.COMPOUND.search(word.casefold()):
        return False
    parts = [part for part in re.split(r"[/-]", word) if part]
    return not all(claim.holds(part) or vocabulary.is_plain(part.casefold()) for part in parts)
