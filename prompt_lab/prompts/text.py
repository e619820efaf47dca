"""Prompt files: plain text, split into a system and a user message at a line `[user]`."""

import re
from collections.abc import Mapping
from typing import NamedTuple

USER_LINE = "[user]"
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Messages(NamedTuple):
    """The two messages of one call."""

    system: str
    user: str


def split(text: str) -> Messages:
    """System and user part of a prompt file, unfilled; without a `[user]` line the user part is ''.

    >>> split("Be brief.\\n[user]\\nText: {ticket}\\n")
    Messages(system='Be brief.', user='Text: {ticket}')
    """
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if line.strip() == USER_LINE:
            return Messages("\n".join(lines[:index]).strip(), "\n".join(lines[index + 1 :]).strip())
    return Messages(text.strip(), "")


def join(messages: Messages) -> str:
    """The prompt file that `split` takes apart again.

    >>> join(Messages("Be brief.", "Text: {ticket}"))
    'Be brief.\\n[user]\\nText: {ticket}\\n'
    """
    if not messages.user:
        return messages.system + "\n"
    return f"{messages.system}\n{USER_LINE}\n{messages.user}\n"


def fill(messages: Messages, inputs: Mapping[str, str]) -> Messages:
    """Put the inputs (placeholder name -> text) in, in one pass: an input's own braces stay text.

    Where the user part is empty it becomes the inputs, one after another.

    >>> fill(Messages("S", "Text: {a}"), {"a": "{b}", "b": "x"}).user
    'Text: {b}'
    """
    if not messages.user:
        return Messages(_put(messages.system, inputs), "\n\n".join(inputs.values()))
    return Messages(_put(messages.system, inputs), _put(messages.user, inputs))


def placeholders(text: str) -> frozenset[str]:
    """Names in braces that a prompt file holds.

    >>> sorted(placeholders("{a} and {b_2} but not {} or { c }"))
    ['a', 'b_2']
    """
    return frozenset(_PLACEHOLDER.findall(text))


def _put(text: str, inputs: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: inputs.get(found.group(1), found.group(0)), text)
