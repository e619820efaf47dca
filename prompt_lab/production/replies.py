"""What a person's reply asks for, read by a grammar of listed words: never a guess.

A text deploys only if it has a deploy word and every other word is listed too; whatever is
unclear becomes a question.
"""

from enum import StrEnum
from typing import NamedTuple

from prompt_lab.production.reply_words import LONGEST, ReplyWord, WordKind, read_words

_EXAMPLES = '"deploy all", "deploy 3", "remove 3, deploy", "show item 3" or "skip"'
_NOT_WITH_DEPLOY = {
    WordKind.NEGATION: "it also has a negation",
    WordKind.QUESTION: "it is a question",
    WordKind.SHOW: "it also asks to show something",
    WordKind.LIST: "it also asks for the list",
    WordKind.ROLLBACK: "it also asks for a rollback",
    WordKind.RUN: "it also asks to run something",
    WordKind.THUMB_DOWN: "it has a thumb down",
    WordKind.POINTER: "it does not name the items",
    WordKind.SLIP: "a word may be misspelled",
    WordKind.UNKNOWN: "I do not know every word of it",
    WordKind.ANALYSIS: "it also speaks of the analysis",
}
_POLITE = {WordKind.FILLER, WordKind.POINTER}
_SHORT = 8
"""Words up to which an unclear text without a deploy word is worth a question."""


class ReplyAction(StrEnum):
    """What a reply asks for. NONE: it is not about the review; ASK: it is unclear."""

    DEPLOY = "deploy"
    REMOVE = "remove"
    SHOW = "show"
    LIST = "list"
    SKIP = "skip"
    ROLLBACK = "rollback"
    RUN = "run"
    FEEDBACK = "feedback"
    ASK = "ask"
    NONE = "none"


_WITH_NUMBERS = (ReplyAction.SHOW, ReplyAction.REMOVE)
_FORMS: tuple[tuple[ReplyAction, set[WordKind], set[WordKind] | None], ...] = (
    (ReplyAction.SHOW, {WordKind.SHOW}, None),
    (ReplyAction.RUN, {WordKind.RUN, WordKind.ANALYSIS}, set()),
    (ReplyAction.ROLLBACK, {WordKind.ROLLBACK}, set()),
    (ReplyAction.SKIP, {WordKind.SKIP}, {WordKind.ALL, WordKind.ANALYSIS}),
    (ReplyAction.REMOVE, {WordKind.SKIP}, {WordKind.REMOVE, WordKind.NUMBER}),
    (ReplyAction.REMOVE, {WordKind.REMOVE}, {WordKind.NUMBER}),
    (ReplyAction.LIST, {WordKind.LIST}, {WordKind.SHOW, WordKind.ALL, WordKind.ANALYSIS}),
    (ReplyAction.LIST, {WordKind.SHOW, WordKind.ALL}, {WordKind.ANALYSIS}),
)
"""Action, the kinds of words that it needs, and those that may stand beside; None: any."""
_UNCLEAR = {
    WordKind.SLIP,
    WordKind.SKIP,
    WordKind.REMOVE,
    WordKind.ROLLBACK,
    WordKind.UNTESTED,
}


class ReviewReply(NamedTuple):
    """A parsed reply. Of DEPLOY, no `items` means all that can be deployed."""

    action: ReplyAction
    items: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    is_untested: bool = False
    """Whether the one named item is to be deployed without a verdict."""
    thumb: str = ""
    question: str = ""


def parse_reply(text: str) -> ReviewReply:
    """Read a reply; never raises.

    >>> parse_reply("Remove 3, deploy").removed
    (3,)
    >>> parse_reply("deply all").action.value
    'ask'
    """
    if len(text) > LONGEST:
        return ReviewReply(ReplyAction.NONE)
    words = read_words(text)
    kinds = {word.kind for word in words}
    if WordKind.DEPLOY in kinds:
        return _parse_deploy(words)
    for thumb, name in ((WordKind.THUMB_UP, "up"), (WordKind.THUMB_DOWN, "down")):
        if thumb in kinds and kinds <= {thumb, *_POLITE}:
            return ReviewReply(ReplyAction.FEEDBACK, thumb=name)
    return _parse_other(words, kinds)


def _parse_other(words: list[ReplyWord], kinds: set[WordKind]) -> ReviewReply:
    """A text that has no deploy word."""
    numbers = _list_numbers(words)
    for action, needed, others in _FORMS:
        if action in _WITH_NUMBERS and not numbers:
            continue
        if needed <= kinds and (others is None or kinds <= needed | others | _POLITE):
            return ReviewReply(action, numbers if action in _WITH_NUMBERS else ())
    if kinds & _UNCLEAR and len(words) <= _SHORT:
        return _ask("I am not sure what you mean")
    return ReviewReply(ReplyAction.NONE)


def _parse_deploy(words: list[ReplyWord]) -> ReviewReply:
    """A text that has a deploy word."""
    for kind, reason in _NOT_WITH_DEPLOY.items():
        if any(word.kind is kind for word in words):
            return _ask(f"I deploy nothing: {reason}")
    clauses = _Clauses()
    for word in words:
        clauses.add(word)
    return clauses.finish()


class _Clauses:
    """The numbers of a reply, sorted by the verb that they belong to."""

    def __init__(self) -> None:
        self._leading: list[int] = []
        self._chosen: list[int] = []
        self._removed: list[int] = []
        self._target: list[int] | None = None
        self._opened_with = 0
        self._is_all = self._is_untested = False
        self._fault = ""

    def add(self, word: ReplyWord) -> None:
        if word.kind is WordKind.DEPLOY:
            self._open(self._chosen)
        elif word.kind in (WordKind.REMOVE, WordKind.EXCEPT, WordKind.SKIP):
            self._open(self._removed)
        elif word.kind is WordKind.ALL:
            self._is_all = True
            if self._target is self._removed:
                self._fault = "it removes all"
        elif word.kind is WordKind.UNTESTED:
            self._is_untested = True
        elif word.kind is WordKind.NUMBER:
            (self._leading if self._target is None else self._target).append(int(word.text))

    def finish(self) -> ReviewReply:
        self._close()
        both = set(self._chosen) & set(self._removed)
        is_single = len(self._chosen) == 1 and not self._removed and not self._is_all
        if both:
            self._fault = f"it both deploys and removes {min(both)}"
        elif self._is_all and self._chosen:
            self._fault = "it names all, and items too"
        elif self._is_untested and not is_single:
            self._fault = 'an untested item is deployed alone, as in "deploy 3 untested"'
        if self._fault:
            return _ask(f"I deploy nothing: {self._fault}")
        chosen, removed = dict.fromkeys(self._chosen), dict.fromkeys(self._removed)
        return ReviewReply(ReplyAction.DEPLOY, tuple(chosen), tuple(removed), self._is_untested)

    def _open(self, target: list[int]) -> None:
        if self._target is None:
            target += self._leading
            self._opened_with = 0
        else:
            self._close()
            self._opened_with = len(target)
        self._target = target

    def _close(self) -> None:
        """End a clause: a removal needs numbers, and they stand on one side of the verbs."""
        if self._target is self._removed and len(self._removed) == self._opened_with:
            self._fault = "it does not say which item to remove"
        if self._leading and len(self._chosen) + len(self._removed) > len(self._leading):
            self._fault = "it is not clear which number belongs to which word"


def _list_numbers(words: list[ReplyWord]) -> tuple[int, ...]:
    numbers = (int(word.text) for word in words if word.kind is WordKind.NUMBER)
    return tuple(dict.fromkeys(numbers))


def _ask(reason: str) -> ReviewReply:
    return ReviewReply(ReplyAction.ASK, question=f"{reason}. Please answer with {_EXAMPLES}.")
