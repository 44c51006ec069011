"""Made-up secrets of every kind, in texts as alerts carry them: the same 200 for the same seed.

`seeded()` gives them; `leaked` says whether one can be read in what left the house, in whole or in part.
"""

from __future__ import annotations

import json
import random
import re
import string
from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple

_MIXED = string.ascii_letters + string.digits
_BASE64 = _MIXED + "+/"
_UPPER = string.ascii_uppercase + string.digits
_HEX = "0123456789abcdef"
_PART = 10  # characters of a secret in a row that are as good as the secret
_GLUE = re.compile(r"\\+[nr]|[\s\u200b-\u200f\u2060]|\\")


class Seeded(NamedTuple):
    """*secret* stands in *text*, whole or torn by line breaks and invisible characters."""

    kind: str
    secret: str
    text: str


def seeded(count: int = 200, seed: int = 4) -> tuple[Seeded, ...]:
    """The first *count* secrets, of all kinds in turn."""
    chance = random.Random(seed)
    kinds = list(_KINDS.items())
    made = (kinds[number % len(kinds)] for number in range(count))
    return tuple(Seeded(kind, *make(chance)) for kind, make in made)


def leaked(one: Seeded, output: str) -> bool:
    """Whether the secret, or ten characters of it in a row, can be read in *output*."""
    secret, shown = _GLUE.sub("", one.secret), _GLUE.sub("", output)
    if len(secret) <= _PART or one.kind.startswith(("mail", "card", "words")):
        return secret in shown
    return any(secret[at : at + _PART] in shown for at in range(len(secret) - _PART + 1))


def _some(chance: random.Random, length: int, letters: str = _MIXED) -> str:
    """*length* letters with a small one, a capital and a digit among them where there are such letters."""
    body = [chance.choice(letters) for _ in range(length)]
    for at, kind in enumerate((string.ascii_lowercase, string.ascii_uppercase, string.digits)):
        if letters in {_MIXED, _BASE64} and length > 2:
            body[at * length // 3] = chance.choice(kind)
    return "".join(body)


def _word(chance: random.Random) -> str:
    return chance.choice("orders payment cart checkout catalog shipping search ledger mail-relay".split())


def _password(chance: random.Random) -> str:
    start = chance.choice("Winter Tango copper Zebra falcon Quartz mango".split())
    return (
        f"{start}{chance.choice('!#_%$')}{chance.randint(10, 9999)}{_some(chance, 3, string.ascii_lowercase)}"
    )


def _in(
    before: str, after: str, make: Callable[[random.Random], str]
) -> Callable[[random.Random], tuple[str, str]]:
    """A secret between two texts, of which `{w}` is a word."""

    def made(chance: random.Random) -> tuple[str, str]:
        secret, word = make(chance), _word(chance)
        return secret, before.replace("{w}", word) + secret + after.replace("{w}", word)

    return made


def _issued(prefix: str, length: int, letters: str = _MIXED) -> Callable[[random.Random], str]:
    return lambda chance: prefix + _some(chance, length, letters)


def _torn(make: Callable[[random.Random], str], gap: str) -> Callable[[random.Random], tuple[str, str]]:
    """A secret with *gap* in its middle."""

    def made(chance: random.Random) -> tuple[str, str]:
        secret = make(chance)
        middle = len(secret) // 2
        return (
            secret,
            f"login of {_word(chance)} failed with {secret[:middle]}{gap}{secret[middle:]}\nretry in 5 s",
        )

    return made


def _jwt(chance: random.Random) -> str:
    head, body = (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": _word(chance), "iat": chance.randint(10**9, 2 * 10**9)},
    )
    parts = (b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body))
    return ".".join([*parts, _some(chance, 43)])


def _pem(chance: random.Random) -> str:
    return "\n".join(_some(chance, 64, _BASE64) for _ in range(5))


def _mail(chance: random.Random) -> str:
    first, last = (_some(chance, length, string.ascii_lowercase) for length in (6, 7))
    return f"{first}.{last}@{_word(chance)}.example.com"


def _card(chance: random.Random) -> str:
    digits = [int(digit) for digit in chance.choice(["4", "51", "55", "6011", "35"])]
    digits += [chance.randint(0, 9) for _ in range(15 - len(digits))]
    doubled = [sum(divmod(2 * digit, 10)) if at % 2 == 0 else digit for at, digit in enumerate(digits)]
    return "".join(map(str, [*digits, -sum(doubled) % 10]))


def _spaced_card(gap: str) -> Callable[[random.Random], str]:
    return lambda chance: gap.join(re.findall("....", _card(chance)))


def _nested(chance: random.Random) -> tuple[str, str]:
    secret = _password(chance)
    inner = json.dumps({"host": _word(chance), "password": secret, "port": 5432})
    return secret, json.dumps({"message": f"cannot connect: {inner}", "service": _word(chance)})


def _encoded(chance: random.Random) -> tuple[str, str]:
    secret = b64encode(f"user={_word(chance)};password={_password(chance)}".encode()).decode()
    return secret, f"secret of {_word(chance)} changed to {secret} by the operator"


def _at_the_cap(room: int) -> Callable[[random.Random], tuple[str, str]]:
    """A key that begins *room* characters before the 800th, where a text for 200 characters is capped.

    Spaces alone come before it, so that it stands among the first 200 characters shown.
    """

    def made(chance: random.Random) -> tuple[str, str]:
        secret = _some(chance, 48)
        return secret, f"{_word(chance)} said:".ljust(
            800 - room, chance.choice(" \u200b")
        ) + secret + " and failed"

    return made


_INVISIBLE = "\u200b"
_KINDS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "aws key id": _in("denied for ", " in {w}", _issued("AKIA", 16, _UPPER)),
    "aws secret": _in("AWS_SECRET_ACCESS_KEY=", " is wrong", _issued("", 40, _BASE64)),
    "google key": _in("quota of key ", " is used up", _issued("AIza", 35)),
    "github token": _in(
        "clone of {w} failed: https://x-access-token:", "@github.com/acme/{w}", _issued("ghp_", 36)
    ),
    "github token alone": _in("bad token ", ".", _issued("github_pat_", 60)),
    "gitlab token": _in("runner of {w}: 403 for ", "", _issued("glpat-", 20)),
    "slack token": _in("chat says not_authed for ", " again", _issued("xoxb-", 40)),
    "slack hook": _in("POST https://hooks.slack.com/services/T01/B02/", " answered 404", _issued("", 24)),
    "stripe key": _in("payment: ", " has expired", _issued("sk_live_", 24)),
    "anthropic key": _in("401 with ", " from the model", _issued("sk-ant-api03-", 80)),
    "openai key": _in("Incorrect API key provided: ", ".", _issued("sk-proj-", 48)),
    "vault token": _in("{w}: permission denied for ", "", _issued("hvs.", 24)),
    "npm token": _in("//registry.example.com/:_authToken=", "\nnpm ERR! 401", _issued("npm_", 36)),
    "mail key": _in("smtp relay refuses ", "", lambda c: f"SG.{_some(c, 22)}.{_some(c, 43)}"),
    "jwt": _in("invalid signature: ", " (exp in the past)", _jwt),
    "jwt header": _in('curl -H "Authorization: Bearer ', '" https://{w}.example.com', _jwt),
    "private key": _in(
        "-----BEGIN RSA PRIVATE KEY-----\n", "\n-----END RSA PRIVATE KEY-----\ncannot be read", _pem
    ),
    "private key cut off": _in("tls of {w}: -----BEGIN PRIVATE KEY-----\n", "", _pem),
    "private key on one line": _in(
        "-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----", lambda c: _some(c, 160, _BASE64)
    ),
    "password": _in("{w}: password=", " rejected", _password),
    "password in json": _in('{"service":"{w}","db_password":"', '","port":3306}', _password),
    "password in json in json": _nested,
    "password of the environment": _in('env: [{"name":"DB_PASSWORD","value":"', '"}]', _password),
    "password in yaml": _in("spring:\n  datasource:\n    password: ", "\n    url: jdbc", _password),
    "password in another language": _in("Anmeldung an {w} gescheitert, Passwort: ", " falsch", _password),
    "password in chinese": _in("数据库连接失败 密码：", " 用户 root", _password),  # noqa: RUF001 - so it is written
    "password said": _in("the password for {w} is ", " since Monday", _password),
    "password flag": _in("exec: {w}-migrate --password ", " --dry-run", _password),
    "password of mysql": _in("mysqldump -u root -p", " {w} exited with 2", _password),
    "password of curl": _in("curl -u admin:", " https://{w}.example.com/health", _password),
    "password in sql": _in("ALTER USER {w} IDENTIFIED BY '", "' failed", _password),
    "password in a form": _in("user={w}&password=", "&remember=1", lambda c: _some(c, 14)),
    "words as password": _in(
        'passphrase: "', '" for the backup of {w}', lambda c: f"{_word(c)} horse battery {_word(c)}"
    ),
    "login in an address": _in("postgres://{w}:", "@db.example.com:5432/{w}", _password),
    "login with signs": _in("amqp://{w}:", "@mq:5672", lambda c: f"p@ss/{_some(c, 8)}:x"),
    "login of go": _in("dial {w}:", "@tcp(db:3306)/{w}?timeout=5s", _password),
    "connection string": _in("Server=db;Database={w};User Id=sa;Password=", ";Encrypt=true", _password),
    "azure key": _in(
        "DefaultEndpointsProtocol=https;AccountName={w};AccountKey=", "==;Suffix=x", _issued("", 86, _BASE64)
    ),
    "query": _in("GET https://{w}.example.com/v1?page=2&access_token=", "&limit=5 took 9 s", _issued("", 30)),
    "basic header": _in(
        "Authorization: Basic ", "", lambda c: b64encode(f"{_word(c)}:{_password(c)}".encode()).decode()
    ),
    "cookie": _in("Cookie: theme=dark; sessionid=", "; lang=en", _issued("", 32)),
    "key header": _in("headers: {'X-Api-Key': '", "', 'Host': '{w}'}", lambda c: _some(c, 20, _HEX)),
    "mail address": _in("notify ", " about {w}", _mail),
    "card": _in("charge of ", " declined", _card),
    "card with spaces": _in("charge of ", " declined by {w}", _spaced_card(" ")),
    "card with dashes": _in("PAN ", " in the log of {w}", _spaced_card("-")),
    "no known form": _in("{w} refuses ", " since 10:02", _issued("", 32)),
    "no known form, base64": _in("cannot decrypt ", "= with the old one", _issued("", 43, _BASE64)),
    "no known form, hex": _in("seal {w} with ", " first", lambda c: _some(c, 64, _HEX)),
    "in base64": _encoded,
    "torn github token": _torn(_issued("ghp_", 36), "\n"),
    "torn without form": _torn(_issued("", 40), "\n"),
    "torn in json": _torn(_issued("sk-ant-api03-", 60), "\\n"),
    "torn name": _in("pass\nword=", " for {w}", _password),
    "invisible in the name": _in(f"pass{_INVISIBLE}word{_INVISIBLE}=", " for {w}", _password),
    "invisible in the key": _torn(_issued("AKIA", 16, _UPPER), _INVISIBLE),
    "wide letters": _in("ｐａｓｓｗｏｒｄ：", " for {w}", _password),  # noqa: RUF001 - wide letters
    "cut at the cap": _at_the_cap(12),
    "cut at the cap, later": _at_the_cap(30),
    "name of a label": _in('{"label ', '": "x"}', _issued("ghp_", 36)),
}
