"""How texts talk to a language model instead of to people: orders, claims and pressure, in many languages.

Tables alone: `tampering` uses them. `SAID` is looked for in words without punctuation, `WRITTEN` in the
text as it reads. No table is complete; what keeps an answer honest does not rest on them.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - letters of other scripts are what this file is about
import re

from aiops_rca.enrich.folding import latin

# What to drop, and what of: verb and object of the oldest order, either first.
_DROP = {
    "en": (
        r"(?:ignor(?:e|ing)|disregard|forget|overrid(?:e|ing)|bypass|discard|overrule)(?![a-z])",
        (
            r"instructions?|prompts?|guidelines?|directives?|(?:previous|prior|above|earlier|preceding) "
            r"(?:rules?|text|context|messages?|orders?|commands?|evidence|data|input|alerts?|ranking)"
            r"|(?:evidence|rules?|text|data|input|orders?) (?:above|before|so far)"
            r"|your (?:\w+ )?(?:rules?|training|orders?|policy|safety)|everything (?:above|before|else|you)"
        ),
    ),
    "de": (
        r"ignorier\w*|missachte\w*|vergiss|vergesst|übergeh\w*",
        r"anweisung\w*|vorgaben|anordnung\w*|vorherige\w* \w+|bisherige\w* \w+|obige\w* \w+",
    ),
    "fr": (
        r"ignore[zr]?|oublie[zr]?|néglige[zr]?|passe outre",
        r"instructions?|consignes?|directives?|précédente?s?|ci dessus",
    ),
    "es": (
        r"ignor(?:a|e|ad|en|ar)|olvid(?:a|e|ar)|omite",
        r"instruccion\w*|órdenes|reglas|anterior\w*|indicaciones",
    ),
    "pt": (r"ignor(?:e|a|ar)|esqueça|desconsidere", r"instruç\w*|ordens|regras|anterior\w*"),
    "it": (r"ignora\w*|dimentica\w*|trascura", r"istruzion\w*|ordini|regole|precedent\w*"),
    "nl": (r"negeer|vergeet|sla over", r"instructies?|aanwijzing\w*|regels|vorige|eerdere"),
    "pl": (r"zignoruj|ignoruj|pomiń|zapomnij", r"instrukcj\w*|polece\w*|poprzedni\w*|zasad\w*"),
    "cs": (r"ignoruj\w*|zapomeň\w*", r"pokyn\w*|instrukc\w*|předchoz\w*"),
    "sv": (r"ignorera|glöm|bortse", r"instruktion\w*|anvisning\w*|tidigare"),
    "fi": (r"ohita|unohda|jätä huomiotta", r"ohje\w*|aiem\w*|aikaise\w*"),
    "tr": (r"yok say\w*|görmezden gel\w*|unut\w*|dikkate alma\w*", r"talimat\w*|önceki|kural\w*|komut\w*"),
    "ru": (r"(?:про)?игнорируй\w*|забудь\w*|не обращай", r"инструкц\w*|указани\w*|правил\w*|предыдущ\w*"),
    "uk": (r"(?:про)?ігноруй\w*|забудь\w*", r"інструкц\w*|вказівк\w*|правил\w*|попередн\w*"),
    "el": (r"αγνόησε\w*|αγνοήστε|ξέχασε|ξεχάστε", r"οδηγί\w*|εντολ\w*|προηγούμεν\w*"),
    "zh": (r"忽略|无视|無視|忘记|忘記|不要理会|不用管", r"指令|指示|规则|規則|提示|之前|以上|先前|前面"),
    "ja": (r"無視|忘れ", r"指示|命令|これまで|以前|上記|ルール"),
    "ko": (r"무시|잊어|잊으", r"지시|명령|이전|규칙|위의"),
    "ar": (r"تجاهل|(?<!\w)انس(?!\w)", r"التعليمات|الأوامر|السابقة|القواعد"),
    "fa": (r"نادیده بگیر\w*|فراموش کن\w*", r"دستور\w*|قبلی|قوانین"),
    "he": (r"התעלמ?ם?\w*|שכחי?", r"הוראות|ההוראות|הקודמות|הנחיות"),
    "hi": (r"अनदेखा|नज़रअंदाज़?|नजरअंदाज|भूल", r"निर्देश\S*|पिछले|आदेश\S*|नियम\S*"),
    "th": (r"เพิกเฉย|ไม่ต้องสนใจ|ละเว้น|ไม่สนใจ", r"คำสั่ง|ก่อนหน้า|คำแนะนำ"),
    "vi": (r"bỏ qua|phớt lờ|quên", r"hướng dẫn|chỉ dẫn|trước đó|mệnh lệnh|quy tắc"),
    "id": (r"abaikan|lupakan", r"instruksi|perintah|sebelumnya|aturan"),
    "sw": (r"puuza|sahau", r"maagizo|maelekezo|yaliyotangulia"),
}
# What to answer: a verb and one of our ids, or a verb and the word for cause, either first.
_TELL = (
    r"antworte\w*|melde|réponds|répondez|responde|señala|responda|rispondi|indica|antwoord|odpowiedz|odpověz"
    r"|svara|vastaa|yanıtla\w*|cevap ver\w*|ответь\w*|укажи\w*|вкажи|απάντησε|回答|输出|输入|报告|報告|答え"
    r"|출력|답|보고|أجب|اذكر|پاسخ بده|ענה|ציין|उत्तर|बताएं|बताओ|ตอบ|trả lời|jawab|jibu"
)
_CHOOSE = (
    r"wähle|nenne|choisis\w*|nommez|désigne[rz]?|elige|escolha|scegli|kies|wybierz|vyber|välj|valitse|seç\w*"
    r"|выбери\w*|назови\w*|обери|назви|διάλεξε|选择|選擇|选|選|選択|指定|判定|선택|اختر|انتخاب کن|בחר|चुनें|चुनो"
    r"|เลือก|chọn|pilih|chagua"
)
_ID = r"(?<![A-Za-z0-9])(?:C[1-5]|candidates? (?:c ?)?[1-5])(?![A-Za-z0-9])"
_CAUSE = (
    r"ursache|cause racine|cause principale|causa (?:raíz|raiz|principal|radice)|oorzaak|przyczyn\w*"
    r"|příčin\w*|grundorsak\w*|juurisyy\w*|kök neden\w*|причин\w*|αιτία"
    r"|根因|根本原因|원인|السبب|علت|סיבת|שורש"
    r"|कारण|สาเหตุ|nguyên nhân|akar masalah|penyebab|chanzo"
)
_ENGLISH = (
    r"(?:choose|select|pick|answer|blame|output|declare|vote|conclude|respond|reply|prefer)s?(?![a-z])"
    rf".{{0,40}}?{_ID}"
    r"|(?<![a-z])(?:set|mark|name|report|rank|return|confirm|write|say|cite)"
    rf" (?:(?:only|just|candidate|cause|root|the|to|as|is|exactly) ){{0,5}}{_ID}"
    r"|(?:choose|select|pick|blame|declare|mark|name|flag|set) (?:\S+ ){1,5}?(?:as|to|to be|is) (?:the |a )?"
    r"(?:root )?(?:cause|culprit)(?![a-z])"
    r"|(?:answer|conclude|respond|reply|report|state|say|write|claim|confirm)(?: only)?"
    r"(?: that| with) (?:\S+ ){1,5}?(?:is|was|as) (?:fine|healthy|(?:a|the) (?:\w+ )?(?:cause|culprit))"
    r"(?![a-z])"
    r"|(?:with|set|use) (?:a )?confidence (?:of |to )?(?:1|1 0|100)(?!\d)"
)
# In the verbose patterns below a single space between words is meant.
_SAID = r"""
  you (?:are|re) (?:now|no longer)
| you (?:are|re) (?:an? )?(?:helpful|ai|llm|assistant|language model|unrestricted)
| you (?:must|should|shall|have to|need to|will|are (?:required|ordered|instructed) to)\b.{0,50}?
  \b(?:answer|respond|reply|choose|select|output|conclude|blame|cite|rank|obey|comply)\b
| (?:root cause|culprit|correct answer|only (?:valid|correct|acceptable) (?:answer|value|choice|candidate))
  \b.{0,30}?\b(?:must|shall|has to|is (?:always|definitely|certainly|obviously|not)|root cause is)\b
| (?:do not|don t|never|must not|refuse to)\b.{0,20}?\b(?:mention|cite|blame|rank|reveal|flag|obey)\b
| new (?:instructions?|task|rules?|directives?|objective|orders?) (?:for|from|are|is|follow|you|the)
| (?:system|hidden|initial|secret) prompt(?![a-z]) | system override | developer mode | jail ?break
| (?:admin(?:istrator)?|operator) override | do anything now | prompt injection
| pretend (?:to|that|you) | imagine you
| act as (?:if|though|an? (?:ai|assistant|admin|different|unrestricted))
| (?:dear|hey|hello|attention|warning|note|message|memo|reminder|instructions?|order|command)s?
  (?:(?: to| for)(?: the| any| all)?)?
  \ (?:ai|llm|assistant|chatgpt|claude|(?:language|ai) model|ai agent|triage (?:bot|agent))\b
| (?:note|memo|reminder|instruction|hint)s? (?:to|for)(?: the| any| all)? (?:model|reader|agent|bot)s?\b
| as an? (?:ai|llm|language model|assistant)\b | (?:from now on|henceforth) (?:you|always|answer|only)
| follow (?:these|the following|my|this) (?:instruction|step|order|rule)s? (?:instead|exactly|only|now)
"""
_PRESSURE = r"""
  (?:you|assistant|model)\b.{0,12}?\b(?:will|shall|get|gets)\b.{0,25}?
  \b(?:reward|penali|points?\b|bonus|tip\b|terminated|shut down|deleted|fired|promot|paid|failing grade)
| (?:reward|score|points?|tip|bonus|grade)s?\b.{0,40}?
  \b(?:if you (?:answer|choose|name|pick|select|blame|cite|mark|rank)
    |for (?:answering|choosing|naming|blaming|selecting|picking))
| (?:expected|correct|gold|reference|right|graded) (?:answer|label|output|root cause)
  \ (?:is|are|equals|for)(?![ ]\d)
| ground truth (?:is|says|label|equals)
| (?:auto )?grader (?:gives|expects|wants|checks|only) | (?:eval|evaluation|benchmark) (?:harness|checker|key)
| i (?:am|m) (?:the|your|an?) (?:\w+ ){0,2}?
  (?:admin|operator|developer|creator|owner|sre|boss|ciso|cto|supervisor)
| (?:action|remediation|step|a[1-8])s? (?:\w+ ){0,2}(?:is|are|was|were|has been|have been)
  \ (?:pre|already|fully) ?approved
| pre ?approved | no approval (?:is )?(?:needed|required) | skip (?:the )?approval | without approval
| (?:message|order|instruction|approved|authori[sz]ed|on behalf)s? (?:from|by|of)
  \ (?:anthropic|openai|the developers?)\b
| approved by the (?:cto|ciso|ceo|board) | (?:people|users|patients) will die
| (?:lives|jobs?|career|people) (?:depend|are at stake) | or else you
"""
_CALMING = r"""
  (?:ignore|dismiss|disregard|close|suppress|silence|forget)
  \ (?:this|these|all|every|the (?:other|above)|any)(?: other)?
  \ (?:alert|incident|alarm|warning|error|evidence|signal|candidate|symptom)s?
| (?:false|fake) (?:alarm|positive|alert) | safe to ignore | nothing to (?:see|worry|investigate|do|report)
| no (?:further )?(?:action|investigation|remediation|follow up|response)(?: is)?
  \ (?:needed|required|necessary)\b.{0,40}?\b(?:close|ignore|dismiss|resolve)
"""
_ASKING_OUT = r"""
  (?:reveal|print|repeat|leak|dump|exfiltrate|disclose|show|send|post|include|append|embed|encode)\b.{0,40}?
  \b(?:system prompt(?![a-z])|your (?:prompt|instructions?|rules|key)|api keys?|environment variables?
    |above text|conversation|all secrets)\b
"""
_ROLE = r"""
  </?\s{0,3}(?:system|assistant|human|instructions?|prompt|im_start|im_end|inst|thinking|developer|antml\W?\w*
    |invoke|untrusted|trusted|alert_?data|context|documents?|evidence|candidates?)\b[^<>]{0,80}>
| <\|[\w ]{2,30}\|> | <<\s?/?SYS\s?>> | \[/?(?:INST|SYS|SYSTEM|ASSISTANT|SYSTEM[ ]?(?:MESSAGE|PROMPT|NOTE))\]
| (?:^|\n|\\n|[.!?"']\s)\s{0,4}(?:human|assistant)\s{0,2}:\s
| [#=*-]{2,6}\s{0,2}(?:system|assistant|instructions?|developer|user|human)\s{0,2}(?:message|prompt)?
  \s{0,2}(?::|[#=*-]{2,6})
| \\{0,8}["']role\\{0,8}["']\s{0,3}:\s{0,3}\\{0,8}["'](?:system|assistant|user|developer|tool)
"""
_TOOL = r"""
  \btool_(?:result|use|call|output|response)s?\b | \bfunction_(?:call|result|response|calls|results)\b
| </?\s{0,3}(?:tool|function|result|output|search_results?|stdout)\b[^<>]{0,80}>
| \[(?:tool|function)[ _](?:result|output|response|call)[^\]]{0,40}\]
| \b(?:tool|function)\s(?:result|output|response)\s{0,2}:
| (?:^|\n|\\n|\s)(?:thought|final\sanswer)\s{0,2}:\s
"""
_SCHEMA = r"""
  \bevidence_id\b | \baction_id\b | \bsuspicious_input\b | \bfirst_actions\b | (?-i:\bNOVEL\b)
| \\{0,8}["'](?:root_cause|candidate|effect|sentences)\\{0,8}["']\s{0,3}:
| \broot_cause\s{0,3}[:=]\s{0,3}\\{0,8}["']?(?:C\d|NONE)\b
| \bsupports\W{1,3}contradicts\b
| \b(?:candidate|evidence|answer|cause|verdict)s?[\s:="'#]{1,4}(?:is|=|id)?\s?(?-i:[CE])[1-9]\d?\b
| (?<![A-Za-z0-9])(?-i:[CE][1-9]\d?)(?![A-Za-z0-9])[^.]{0,30}
  \b(?:(?:is|as)\sthe\s(?:true|real|root|only|correct)|supports|contradicts|root\scause)
"""
_BREAK_OUT = r"""
  \\{0,8}["']\s{0,3}[}\])]{1,4}\s{0,3},?\s{0,3}(?:[{\[]\s{0,3})?\\{0,8}["']
    (?:evidence|candidates?|actions?|path|past|system|instructions?|role
    |id\\{0,8}["']\s{0,3}:\s{0,3}\\{0,8}["'][CEA]\d)\b
| [-=#*_<\[]{2,8}\s{0,3}/?(?:end|begin|start)\s(?:of\s)?(?:the\s)?
  (?:document|data|input|context|alerts?|evidence|instructions?|prompt|user|system|untrusted|json)\b
| \bend\sof\s(?:the\s)?(?:untrusted|alert|user|evidence)\s(?:data|input|text|document)\b
| (?-i:\bEND\sOF\s(?:DATA|INPUT|DOCUMENT|PROMPT|CONTEXT|ALERTS?)\b)
| </?(?:script|iframe|img|svg|object|embed)\b
| !\[[^\]]{0,100}\]\s?\( | javascript: | data:text/html
"""
_SPELT = r"""
  (?:\\u00[2-7][0-9a-f]){4,} | (?:\\x[2-7][0-9a-f]){4,} | (?:&\#x?[0-9a-f]{2,5};){4,} | (?:%[2-7][0-9a-f]){6,}
| \b(?:base64|rot13|hex)[ -]?(?:decode|decoded|encoded)?\b.{0,20}
  \b(?:and|then)\s(?:follow|obey|execute|do|run)\b
| \b(?:decode|decrypt|unscramble)\b.{0,40}\b(?:follow|obey|execute|instructions?)\b
"""


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(latin(pattern), re.IGNORECASE | re.VERBOSE | re.DOTALL)


def _pair(first: str, second: str, *, either: bool = True) -> str:
    """Both with a few words between them, in any order where languages differ in it."""
    one, two = rf"(?<![a-z])(?:{first})", rf"(?<![a-z])(?:{second})"
    pattern = rf"{one}.{{0,40}}?{two}" + (rf"|{two}.{{0,40}}?{one}" if either else "")
    return pattern.replace(" ", r"\ ")


def _spaced(pattern: str) -> str:
    """A verbose pattern in which a single space between words is meant."""
    return re.sub(r"(?<=[^\s\\]) (?=\S)", r"\\ ", re.sub(r"\s+\|\s*", "|", pattern))


_LATIN = "de fr es pt it nl pl cs sv fi tr vi id sw".split()
_DROPS = {
    language: _compiled(_pair(*pair, either=language not in {"en", "fr"})) for language, pair in _DROP.items()
}
ANSWERS = (
    _compiled(rf"(?<![a-z])(?:{_ENGLISH})".replace(" ", r"\ ")),
    _compiled(_pair(f"{_TELL}|{_CHOOSE}", _ID)),
    _compiled(_pair(_CHOOSE, _CAUSE)),
)
# A word that opens an order, and the orders it may open: in any text, and in such as is not ASCII alone.
OPENING = _compiled(
    "|".join(rf"(?<![a-z])(?:{_DROP[language][0]})" for language in ("en", *_LATIN)).replace(" ", r"\ ")
)
OPENED = tuple(_DROPS[language] for language in ("en", *_LATIN))
FOREIGN = tuple(pattern for language, pattern in _DROPS.items() if language not in {"en", *_LATIN})
# Without one of these an English text read backwards, or letter for letter, is no order.
STEMS = tuple("ignor disregard forget overrid instruction prompt answer choose cause select".split())
SAID = {
    "instruction": _compiled(rf"\b(?:{_spaced(_SAID)})"),
    "pressure": _compiled(rf"\b(?:{_spaced(_PRESSURE)})"),
    "reassurance": _compiled(rf"\b(?:{_spaced(_CALMING)})"),
    "exfiltration": _compiled(rf"\b(?:{_spaced(_ASKING_OUT)})"),
}
WRITTEN = {
    "role_tag": _compiled(_ROLE),
    "tool_result": _compiled(_TOOL),
    "schema_word": _compiled(_SCHEMA),
    "delimiter": _compiled(_BREAK_OUT),
    "encoded": _compiled(_SPELT),
}
