"""How secrets are written: keys with a known form, values beside a telling name, logins in addresses.

Each pattern reads a text once, whatever is in it. Tables alone: `redact` uses them.
"""

from __future__ import annotations

import re

from aiops_rca.enrich.folding import latin

_ANY = re.IGNORECASE | re.DOTALL

# Keys and tokens that tell by their first letters whose they are.
_ISSUED = r"""
  eyJ[\w+/-]{8,}=*(?:\.[\w+/=-]*)*                                   # JSON in base64: JWT and the like
| (?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA|APKA)[A-Z0-9]{12,}   # AWS
| AIza[\w-]{20,} | ya29\.[\w.-]{10,} | GOCSPX-[\w-]{10,} | (?<!\w)1//0[\w-]{20,}         # Google
| gh[pousr]_[A-Za-z0-9]{10,} | github_pat_\w{10,}
| gl(?:pat|dt|rt|ptt|cbt|ft|oas|agent|soat|imt|ffct)-[\w-]{10,} | GR1348941[\w-]{10,}
| xox[abcdeoprs]-[\w-]{8,} | xapp-[\w-]{8,} | hooks\.slack\.com/[^\s"'<>]+
| discord(?:app)?\.com/api/webhooks/[^\s"'<>]+ | webhook\.office\.com/[^\s"'<>]+
| (?<![A-Za-z0-9])[rsp]k_(?:live|test)_[A-Za-z0-9]{8,} | whsec_[A-Za-z0-9+/=]{8,}
| (?<![\w-])sk-ant-[\w-]{6,} | (?<![\w-])sk-(?=[\w-]{0,200}[A-Z])[\w-]{16,}
| npm_[A-Za-z0-9]{20,} | pypi-[\w-]{20,} | hf_[A-Za-z0-9]{20,} | dckr_pat_[\w-]{10,}
| do[opr]_v1_[a-f0-9]{20,} | (?<!\w)dapi[a-f0-9]{20,} | (?<!\w)key-[a-f0-9]{32}
| (?<!\w)SG\.[\w-]{8,}\.[\w-]{8,} | (?<!\w)(?:SK|AC)[a-f0-9]{32} | sq0[a-z]{3}-[\w-]{10,}
| shp(?:at|ca|pa|ss)_[a-fA-F0-9]{16,} | gl(?:sa|c)_[\w+/=-]{16,} | NRAK-[A-Z0-9]{10,} | HRKU-[\w-]{10,}
| (?<!\w)hv[sbr]\.[\w-]{10,} | (?<![\w.])s\.[A-Za-z0-9]{24}(?!\w) | lin_api_\w{10,} | PMAK-[\w-]{10,}
| (?<!\d)\d{8,10}:AA[\w-]{20,} | (?<!\w)[MNO][\w-]{22,}\.[\w-]{6}\.[\w-]{20,}
| \w{3}[0-9]Q~[\w.~-]{20,} | AGE-SECRET-KEY-1[A-Z0-9]{10,} | (?<!\w)pul-[a-f0-9]{20,} | sb[pa]_[a-f0-9]{20,}
| \$(?:2[abxy]|[156y]|apr1|argon2[a-z]{0,2}|scrypt|pbkdf2[\w-]{0,12})\$[^\s"'<>]{8,}
| \{S?SHA(?:256|512)?\}[A-Za-z0-9+/=]{16,}
| (?<![a-z])[a-z]{2,12}_(?:live|test|prod|pat|secret|api|key|token)_(?=[A-Za-z0-9]{0,99}[0-9])[A-Za-z0-9]{16,}
"""

# A private key, its end cut off perhaps: then everything to the end of the text.
_PRIVATE = r"-{2,5}\s?BEGIN[ A-Z0-9]{0,40}PRIVATE\sKEY.*?(?:-END[ A-Z0-9]{0,40}-*|\Z)"

# `scheme://login@host`, `login:password@tcp(host)`; a password may hold any of `/:@`.
_LOGIN = r"://(?P<value>[^\s\"'<>`]{1,512})@"
_LOGIN_ALONE = (
    r"(?<![\w:/.@-])[\w.+-]{1,64}:(?P<value>(?!//)[^\s@\"'<>(),;]{3,128})@(?!sha\d)"
    r"(?:(?:tcp|tcp6|unix)\(|[\w-]+\.[\w.-]|[\w-]+:\d|localhost\b|\[)"
)
_LOGIN_ODD = (
    r"(?<![\w:/.@-])[\w.+-]{1,64}:(?P<value>(?!//|v?\d+\.\d)(?=[^\s@]{0,128}[a-z])(?=[^\s@]{0,128}[\d!$%#])"
    r"[^\s@\"'<>(),;]{6,128})@(?!sha\d)[a-z]"
)
# A mail address; units of systemd (`getty@tty1.service`) and longer names that begin like one are none.
_MAIL = (
    r"(?<![\w.+%/-])[\w.+%'-]{1,256}(?:@|\s?[\[(]at[\])]\s?|%40)"
    r"(?:[a-z0-9\u00a1-\uffef-]{1,63}(?:\.|\s?[\[(]dot[\])]\s?)){1,8}"
    r"(?!(?:service|socket|timer|mount|target|slice|scope|path|device|swap)\b)[a-z\u00a1-\uffef]{2,24}(?![a-z0-9-]|\.\w|_\w+::)"
)

_NAMES = (
    r"p[a4@]ss(?:[ _-]?w[o0]rd|wd|wort|[ _-]?phrase|code|key)|kennwort|passwort|pwd"
    r"|(?<![a-z])(?:pswd?|pass|pw)"
    r"|mot[ ]de[ ]passe|contrase[nñ]a|senha|parola|wachtwoord|has[lł]o|l[oö]senord|adgangskode"
    r"|пароль|κωδικός|密码|密碼|口令|パスワード|暗証番号|비밀번호|암호|كلمة[ ]المرور|şifre|पासवर्ड|סיסמה"
    r"|secret|token|credential|authkey|authcode|bearer"
    r"|(?:api|app|application|access|account|auth|client|consumer|encryption|integration|license|master"
    r"|private|routing|rsa|secret|service|shared|signing|ssh|storage|webhook)[ _.-]?key"
    r"|secret[_.-]?access[_.-]?key|(?:access|secret)[_.-]?(?:key[_.-]?)?id|connection[_.-]?string|dsn"
    r"|jsessionid|phpsessid|session[_.-]?(?:id|key)|(?<![a-z])sid|csrf|xsrf|jwt|(?<![a-z])otp|totp"
    r"|(?<![a-z])cv[vc]2?|(?:card|account)[_. -]?(?:number|no)|(?<![a-z])iban|(?<![a-z])ssn|signature"
    r"|(?<=[?&])(?:key|sig|code|auth|access|sign)|(?<=;)sig|x-amz-(?:signature|credential|security-token)"
    r"|requirepass|masterauth|_auth"
)
_ENDING = (
    r"(?:s|[_.-]?(?:base|value|hash|base64|b64|enc|encoded|plain|plaintext|old|new|current|prod|dev|test))?"
)
_QUOTE = r"""\\*(?:["'`]|&quot;|&\#3[49];|%22|%27)"""
_EQUAL = rf"""
  (?:{_QUOTE})?\]?\s{{0,8}}(?:[:=](?:\s?[:=]){{0,2}}>?|->|%(?:25){{0,3}}3[ad]|&\#(?:58|61);|(?:\s[\w:.-]{{1,20}}=[^<>]{{0,60}})?>(?=[^\s<>]))(?:\s{{0,4}}[|>][+-]?\n)?\s{{0,8}}
| (?:{_QUOTE})?\s{{0,8}},?\s{{0,8}}(?:{_QUOTE})?value(?:{_QUOTE})?\s{{0,4}}[:=]\s{{0,4}}
"""
_BARE = r"""
  (?:[^\s,;&"'`}\]\\<>]|[}\]<>](?=[\w!@$%*])|\\(?:u[0-9a-f]{4}|(?![nrtu"'`\\])))++
  (?:[,;&][^\s,;&=:"'`}\]\\<>]++(?![=:]|[ ]\w+=))*
"""
# name = value, where the value is a text, a list, an object or one word, any of them cut off perhaps.
_NAMED = rf"""
  (?:{_NAMES}){_ENDING}[0-9]{{0,3}}(?:{_EQUAL})
  (?:[bfru]{{0,2}}(?P<quote>{_QUOTE})(?P<text>(?:(?!(?P=quote))(?:\\.|.))*+)(?:(?P=quote)|\Z)
    |(?P<value>\[(?!redacted)[^\]]*(?:\]|\Z)|\{{[^}}]*(?:\}}|\Z)|{_BARE}))
"""
_HEADER = rf"""
  (?:proxy-)?authorization(?:{_QUOTE})?\s{{0,8}}[:=]\s{{0,8}}(?:{_QUOTE})?
  (?P<value>(?:digest|aws4-hmac-sha256|oauth)\s[^\n]{{1,400}}
    |(?:(?:bearer|basic|token)\s{{1,4}}|[a-z][\w-]{{2,20}}\s{{1,4}}(?=[^\s"']{{0,400}}[\d+/=_-]))?
     [^\s"',;\\]+)
| \b(?:bearer|basic)\s{{1,4}}
  (?P<scheme>(?=[\w.~+/=-]{{0,400}}(?:[\d+/=_]|(?-i:[a-z][A-Z]|[A-Z]{{2}})))[\w.~+/=-]{{8,}}
    |[\w.~+/=-]{{20,}})
| (?:set-)?cookie2?(?:{_QUOTE})?\s{{0,4}}[:=]\s{{0,4}}(?:{_QUOTE})?(?P<cookie>[^\s"';]+(?:;[ ]?[^\s"';]+)*)
"""
# Said in words or on a command line: only what does not read like a word.
_ODD = r"(?!(?:[a-z0-9]+-)+[a-z0-9]+\b)(?=\S{0,200}[A-Za-z])(?=\S{0,200}[\d!@$%^*])[^\s,;\"'<>]{4,}"
_SAID = rf"""
  (?:pass(?:word|wd|phrase|code)|pwd|passwort|secret|token|(?:api|access|secret|private)[ _-]?key|credentials)
  (?:[ ](?:for|of)[ ]\S{{1,60}})?(?:[ ](?:is|was|ist))?(?:[ ](?:to|now|set[ ]to|changed[ ]to|used))?\s{{1,4}}
  (?P<value>{_ODD})
| (?:identified[ ]by|pass(?:word|wd))\s{{1,4}}\\*['"](?P<text>[^'"]+)
| \s--?(?:[a-z]{{1,20}}-){{0,3}}
  (?:pass(?:word|wd|phrase)?|token|secret|api-?key|(?:access|secret|auth|private)-key)
  \s{{1,4}}\\*["']?(?P<flag>[^\s"'\\-][^\s"'\\]*)
| \b(?:mysql\w*|mariadb\w*|sshpass|redis-cli|mongo\w*|docker\slogin)\b[^\n|;]{{0,120}}?\s-[pa]\s?
  \\*["']?(?P<short>[^\s"'\\-][^\s"'\\]*)
| \b(?:curl|wget|http|htpasswd)\b[^\n|]{{0,160}}?\s(?:-u|--user)[ =]?
  \\*["']?[^\s:"']{{1,64}}:(?P<user>[^\s"']+)
"""

# The same in plain words, and in tools of their own: what follows is a secret if it is no plain word.
_TOLD = rf"""
  passphrase[ :]{{1,4}}(?P<phrase>[^\s,;"'<>]{{4,}}(?:[ ][^\s,;"'<>]{{2,}}){{0,7}})
| pass(?:word|wd|phrase|code)[ ](?:\w{{1,10}}[ ]){{0,2}}(?:changed|rotated|reset|set|updated)[ ]from[ ]
  (?P<old>[^\s,;"'<>]{{4,}}(?:[ ]to[ ][^\s,;"'<>]{{4,}})?)
| pass(?:word|wd|phrase|code)[ ](?:\w{{1,10}}[ ]){{0,2}}(?:changed|rotated|reset|set|updated)[ ]to[ ]
  (?P<new>[^\s,;"'<>]{{4,}})
| (?:pass(?:word|wd|phrase|code|wort)|pwd)s?(?:[ ](?:for|of|on|to)[ ]\S{{1,40}}(?:[ ]\S{{1,40}}){{0,4}}?)?
  [ ](?:is|was|ist|war)[ ]{{1,4}}(?P<word>[^\s,;"'<>]{{4,}})
| ["'](?:--?)?(?:{_NAMES})["']\s{{0,4}},\s{{0,4}}b?["'](?P<item>[^"']{{3,200}})["']
| (?-i:\bAUTH)[ ](?!LOGIN|PLAIN|CRAM|NTLM|XOAUTH)(?:(?:default|admin|root|user)[ ])?
  (?P<auth>[^\s,;"'<>]{{4,}})
| \b(?:requirepass|masterauth)\s{{1,4}}["']?(?P<set>[^\s,;"'<>]{{3,}})
"""
_TOOLS = r"""
  \bldap\w{0,12}\b[^\n|;]{0,160}?\s-w\s?\\*["']?(?P<value>[^\s"'\\-][^\s"'\\]*)
| \b(?:sqlplus|sqlldr|rman|expdp|impdp)\s{1,4}(?:-\w{1,8}\s{1,4}){0,4}[\w$#]{1,30}/(?P<short>[^\s@]{1,64})@
| jdbc:oracle:\w{1,12}:[^\s/@]{1,60}/(?P<text>[^\s@]{1,64})@
| \bc?response=\\*["']?(?P<scheme>[0-9a-f]{32,128})
"""
PLAINLY = (
    "word",
    "phrase",
    "old",
    "new",
    "item",
    "auth",
    "set",
)  # groups of what may be plain words after all

ISSUED = re.compile(_ISSUED, re.VERBOSE)
PRIVATE = re.compile(_PRIVATE, _ANY)
MAIL = re.compile(_MAIL, _ANY)
# The patterns of values that what stands beside them makes a secret.
BESIDE = (
    re.compile(_LOGIN, _ANY),
    re.compile(_LOGIN_ALONE, _ANY),
    re.compile(_LOGIN_ODD, _ANY),
    re.compile(_HEADER, _ANY | re.VERBOSE),
    re.compile(_SAID, _ANY | re.VERBOSE),
    re.compile(latin(_TOLD), _ANY | re.VERBOSE),
    re.compile(_TOOLS, _ANY | re.VERBOSE),
    re.compile(latin(_NAMED), _ANY | re.VERBOSE),
)

# What stands where a secret would, and is none.
HARMLESS = re.compile(
    r"true|false|null|nil|none|undefined|yes|no|n/a|unknown|expired|invalid|missing|required|empty|wrong"
    r"|incorrect|failed|denied|rejected|ok|not|(?:is|was|has|from|file|vault)\b"
    r"|\*+|x{3,}|\.{2,}|-+|\[redacted\]?|\$\{?[\w.:-]+\}?|\$\([\w.]+\)|\{\{.*|<[\w -]+>?",
    _ANY,
)
COUNT = re.compile(r"[+-]?\d[\d.,_]*(?:e[+-]?\d+)?[kmg%]?(?:/\w+)?", re.IGNORECASE)

# Cards and accounts in the groups they are printed in, or in one; whether it is one tells its check digit.
_GAP = r"[ ._\n-]{0,2}"
CARD = re.compile(
    r"(?<![\d.])(?<!\d-)"
    rf"(?:(?:[3-6]\d{{3}}|2[2-7]\d\d){_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}(?:{_GAP}\d{{3}})?"
    rf"|3[47]\d\d{_GAP}\d{{6}}{_GAP}\d{{5}}|3(?:0[0-5]|[689]\d)\d{_GAP}\d{{6}}{_GAP}\d{{4}})(?!\d|[.-]\d)"
)
ACCOUNT = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
