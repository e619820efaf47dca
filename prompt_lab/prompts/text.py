"""Prompt files: plain text, split into a system and a user message at a line `[user]`."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

USER_LINE = "[user]"
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_DOUBLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


class PromptMessages(NamedTuple):
    """The two messages of one call."""

    system: str
    user: str


def split(text: str) -> PromptMessages:
    """System and user part of a prompt file, unfilled; without a `[user]` line the user part is ''.

    >>> split("Be brief.\\n[user]\\nText: {ticket}\\n")
    Messages(system='Be brief.', user='Text: {ticket}')
    """
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if line.strip() == USER_LINE:
            return PromptMessages(
                "\n".join(lines[:index]).strip(), "\n".join(lines[index + 1 :]).strip()
            )
    return PromptMessages(text.strip(), "")


def join_messages(messages: PromptMessages) -> str:
    """The prompt file that `split` takes apart again.

    >>> join(Messages("Be brief.", "Text: {ticket}"))
    'Be brief.\\n[user]\\nText: {ticket}\\n'
    """
    if not messages.user:
        return messages.system + "\n"
    return f"{messages.system}\n{USER_LINE}\n{messages.user}\n"


def fill_placeholders(messages: PromptMessages, inputs: Mapping[str, str]) -> PromptMessages:
    """Put the inputs (placeholder name -> text) in, in one pass: an input's own braces stay text.

    Where the user part is empty it becomes the inputs, one after another.

    >>> fill(Messages("S", "Text: {a}"), {"a": "{b}", "b": "x"}).user
    'Text: {b}'
    """
    if not messages.user:
        return PromptMessages(_substitute(messages.system, inputs), "\n\n".join(inputs.values()))
    return PromptMessages(_substitute(messages.system, inputs), _substitute(messages.user, inputs))


def placeholders(text: str) -> frozenset[str]:
    """Names in braces that a prompt file holds.

    >>> sorted(placeholders("{a} and {b_2} but not {} or { c }"))
    ['a', 'b_2']
    """
    return frozenset(_PLACEHOLDER.findall(text))


def unsent(text: str, inputs: Iterable[str]) -> str | None:
    """Why an input would never reach the model: its placeholder is missing, perhaps misspelt.

    >>> unsent("Be brief.\\n[user]\\nRead: {txt}", ["text"])
    "holds no '{text}', where the input goes: it says '{txt}'"
    >>> unsent("[user]\\nRead: {text} and {other}", ["text"])
    """
    names = tuple(inputs)
    there = placeholders(text)
    missing = [name for name in names if name not in there]
    strange = {f"{{{n}}}": n for n in sorted(there - set(names))}
    strange |= {found[0]: found[1] for found in _DOUBLE.finditer(text)}
    close = {m: [s for s, n in strange.items() if get_close_matches(n, [m])] for m in missing}
    wrong = next((name for name in missing if close[name]), None)
    if wrong is None and (not split(text).user or len(missing) < len(names) or not names):
        return None
    name = wrong or missing[0]
    said = close[name] or list(strange)
    instead = f": it says {said[0]!r}" if said else ""
    return f"holds no {f'{{{name}}}'!r}, where the input goes{instead}"


def _substitute(text: str, inputs: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: inputs.get(found.group(1), found.group(0)), text)
