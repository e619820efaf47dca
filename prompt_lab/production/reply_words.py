"""The words of the reply grammar, and the division of a text into them.

Every word that may stand beside a deploy word is listed here; any other makes a question of it.
"""

import re
import unicodedata
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple

LONGEST = 500
"""Characters of a reply; a longer text is no reply."""


class WordKind(StrEnum):
    """What a word does in a reply."""

    DEPLOY = "deploy"
    ALL = "all"
    REMOVE = "remove"
    EXCEPT = "except"
    SKIP = "skip"
    SHOW = "show"
    LIST = "list"
    ROLLBACK = "rollback"
    RUN = "run"
    ANALYSIS = "analysis"
    UNTESTED = "untested"
    NEGATION = "negation"
    POINTER = "pointer"
    FILLER = "filler"
    NUMBER = "number"
    RANGE = "range"
    QUESTION = "question"
    THUMB_UP = "thumb_up"
    THUMB_DOWN = "thumb_down"
    SLIP = "slip"
    UNKNOWN = "unknown"


class ReplyWord(NamedTuple):
    """One word of a reply."""

    kind: WordKind
    text: str


_WORDS = {
    WordKind.DEPLOY: (
        "deploy apply ship release approve rollout "
        "deploye deployen ausrollen déployer déploie déployez desplegar despliega desplegad "
        "distribuisci distribuire implantar implante uitrollen wdróż разверни развернуть dağıt "
        "デプロイ 部署"
    ),
    WordKind.ALL: (
        "all everything every alles alle tout tous toutes todo todos todas tutto tutti tudo "
        "wszystko всё все hepsini すべて 全部"
    ),
    WordKind.REMOVE: (
        "remove drop exclude delete entferne entfernen retire retirer supprime quita elimina "
        "rimuovi remova verwijder usuń удали kaldır 删除"
    ),
    WordKind.EXCEPT: (
        "except excepting without not minus ohne außer sauf excepto menos tranne exceto behalve "
        "oprócz кроме hariç"
    ),
    WordKind.SKIP: (
        "skip discard dismiss ignore reject überspringen verwerfen ignorer omitir descartar salta "
        "pular ignorar overslaan pomiń пропустить пропусти atla スキップ 跳过"
    ),
    WordKind.SHOW: (
        "show explain describe details detail zeige zeig montre muestra mostra mostre toon pokaż "
        "покажи göster"
    ),
    WordKind.LIST: "list status overview",
    WordKind.ROLLBACK: "rollback revert undo",
    WordKind.RUN: "run start",
    WordKind.ANALYSIS: "optimization optimisation analysis review self-analysis",
    WordKind.UNTESTED: "untested",
    WordKind.NEGATION: "don't don’t dont never no nothing none cannot can't can’t",
    WordKind.POINTER: "it them this that these those",
    WordKind.FILLER: (
        "please pls the an a item items number numbers nr and then also just only prompt prompts "
        "change changes now yes ok okay sure thanks thank you go ahead hi hello hey me about more "
        "let's lets und bitte dann punkt nummer mir et puis y por favor luego e per favore poi en "
        "dan alsjeblieft и пожалуйста ve lütfen を と して ください 和 请"
    ),
    WordKind.RANGE: "- – to through bis",
    WordKind.QUESTION: "? ？ ¿",
    WordKind.THUMB_UP: "👍",
    WordKind.THUMB_DOWN: "👎",
}
_KINDS = {
    word.casefold(): kind for kind, words in _WORDS.items() for word in dict.fromkeys(words.split())
}
DEPLOY_WORDS = frozenset(word for word, kind in _KINDS.items() if kind is WordKind.DEPLOY)
"""Without one of these, case-folded, no text deploys anything."""
_PHRASES = {
    "roll back": "rollback",
    "roll it back": "rollback",
    "roll out": "rollout",
    "leave out": "remove",
    "take out": "remove",
    "all but": "all except",
    "everything but": "all except",
    "apart from": "except",
    "tell me more": "show",
    "tell me": "show",
    "what is": "show",
    "what's": "show",
    "optimize now": "run optimization",
}
_IGNORED = frozenset(",.!;:\"'`()[]{}#&+•*_“”‘’«»„…—、。，！✅🚀🙏🙂😀\ufe0f🏻🏼🏽🏾🏿")
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[0-9]+|\S")
_UNSPACED = sorted((word for word in _KINDS if ord(word[0]) > 0x3000), key=len, reverse=True)
_SPLIT = re.compile("(" + "|".join(map(re.escape, _UNSPACED)) + ")")
_DECIMAL = re.compile(r"[0-9]\.[0-9]")
_SLIPS = [word for word, kind in _KINDS.items() if kind in (WordKind.DEPLOY, WordKind.SKIP)]
_SLIPS += ["rollback", "remove"]


def read_words(text: str) -> list[ReplyWord]:
    """The words of a text with what they do; ranges of numbers are written out.

    >>> [word.kind.value for word in read_words("Deploy 3!")]
    ['deploy', 'number']
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = " ".join(_SPLIT.sub(r" \1 ", plain).split())
    for phrase, word in _PHRASES.items():
        plain = re.sub(rf"\b{phrase}\b", word, plain)
    if _DECIMAL.search(plain):
        return [ReplyWord(WordKind.UNKNOWN, plain), *map(_classify, _TOKEN.findall(plain))]
    words = [_classify(token) for token in _TOKEN.findall(plain) if token not in _IGNORED]
    return _expand_ranges(words)


def _classify(token: str) -> ReplyWord:
    if token.isascii() and token.isdigit():
        is_number = len(token) <= 4 and int(token) > 0
        return ReplyWord(WordKind.NUMBER if is_number else WordKind.UNKNOWN, token)
    kind = _KINDS.get(token)
    if kind is None:
        is_slip = len(token) > 3 and get_close_matches(token, _SLIPS, n=1, cutoff=0.75)
        kind = WordKind.SLIP if is_slip else WordKind.UNKNOWN
    return ReplyWord(kind, token)


def _expand_ranges(words: list[ReplyWord]) -> list[ReplyWord]:
    """'3 - 5' as 3, 4, 5; a range word elsewhere is unknown."""
    expanded: list[ReplyWord] = []
    for place, word in enumerate(words):
        if word.kind is not WordKind.RANGE:
            expanded.append(word)
            continue
        sides = words[max(place - 1, 0) : place + 2]
        numbers = [int(one.text) for one in sides if one.kind is WordKind.NUMBER]
        is_range = len(numbers) == 2 and 0 < numbers[1] - numbers[0] <= 50
        if not is_range:
            expanded.append(ReplyWord(WordKind.UNKNOWN, word.text))
            continue
        between = range(numbers[0] + 1, numbers[1])
        expanded += [ReplyWord(WordKind.NUMBER, str(number)) for number in between]
    return expanded
