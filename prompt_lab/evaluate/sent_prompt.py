"""Whether a step in a process of its own sent its commit's prompt: by the recorded requests.

Two rules, and a run's record says which one was used. `requests`: the prompt, white space folded,
is part of a request that the gateway recorded, and the other side's of none. `returned`: no call
was made, and what the step says that it sent is the prompt, white space folded. Where neither
applies (`files`) the files that the run loaded are the evidence.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from prompt_lab.names import count
from prompt_lab.records import PromptCheck, RunRow

_FILLED = re.compile(
    r"\{\{\s*[\w.]+\s*\}\}|\{\{|\}\}|\{\w*\}|%\(\w+\)[sd]|%[sd]|\$\{?\w+\}?|<<\w+>>|<\w+>|\[\[\w+\]\]"
)
"""What code may replace in a prompt before it sends it: any text may stand there."""


class SideTexts(NamedTuple):
    """The prompt of a run's own commit, and that of the other side, if it has one."""

    own: str
    other: str = ""


class SentPrompt(NamedTuple):
    """What was found out about a run's prompt, and the digest that its record holds ('': none)."""

    check: PromptCheck
    sha256: str


def fold(text: str) -> str:
    """The text with each run of white space as one blank, and none around it.

    >>> fold(" List\\n\\n  levers.\\n")
    'List levers.'
    """
    return " ".join(text.split())


def holds_prompt(request: str, prompt: str) -> bool:
    """Whether a folded request has all parts of a prompt between its placeholders, in order.

    >>> holds_prompt("system: Read {a} and answer. user: x", "Read {{a}}\\n and answer.")
    True
    >>> holds_prompt("Read it and answer.", "Answer. {x}")
    False
    """
    place = 0
    for part in filter(None, (fold(part) for part in _FILLED.split(prompt))):
        found = request.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return place > 0


def check_sent_prompt(
    texts: SideTexts, requests: Sequence[str], returned: str | None, stated_sha256: str
) -> SentPrompt:
    """What the requests of one run, folded, or else the step itself show of its prompt.

    `stated_sha256` is of what the step returned or of its constant, '' where it names none: then
    only another side's prompt in a request counts against it.
    """
    if fold(texts.own) == fold(texts.other):
        texts = SideTexts(texts.own)  # white space alone differs: no request can show whose it is
    own = sum(_is_of(request, texts.own, texts.other) for request in requests)
    other = sum(_is_of(request, texts.other, texts.own) for request in requests)
    if requests and (stated_sha256 or own or other):
        check = PromptCheck(rule="requests", requests=len(requests), own=own, other=other)
        return SentPrompt(check, _sha256(texts.own) if check.holds else "")
    if returned is not None:
        same = fold(returned) == fold(texts.own)
        return SentPrompt(PromptCheck(rule="returned"), _sha256(texts.own if same else returned))
    return SentPrompt(PromptCheck(rule="files"), stated_sha256)


def describe_rules(rows: Iterable[RunRow]) -> str:
    """By which rule the prompts of so many runs were checked; '' where none recorded one."""
    checks = [row.record.sent.prompt_check for row in rows]
    rules = [check.rule for check in checks if check is not None]
    words = {
        "requests": "found in the requests that the gateway recorded (white space folded)",
        "returned": "as the step returned it (white space folded), without a recorded request",
        "files": "by the files that were loaded alone",
    }
    parts = [
        f"{text}: {count(rules.count(rule), 'run')}"
        for rule, text in words.items()
        if rule in rules
    ]
    return "; ".join(parts)


def _is_of(request: str, prompt: str, other: str) -> bool:
    """Whether a request has the prompt, and not a longer one of the other side around it."""
    if not holds_prompt(request, prompt):
        return False
    inside = holds_prompt(fold(other), prompt) and not holds_prompt(fold(prompt), other)
    return not (inside and holds_prompt(request, other))


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
