"""The JSON object within an answer that says more than that: thoughts, a code fence, a sentence."""

import json
import re

_THOUGHTS = re.compile(r"\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(
    r"^[ \t]*```[\w-]*[ \t]*\r?\n(.*?)^[ \t]*```[ \t]*\r?$", re.DOTALL | re.MULTILINE
)
MOST_STARTS = 50
"""Braces that are tried as the beginning of an object; it bounds the time on a hostile text."""


def extract_object(text: str) -> str:
    """The text of the one JSON object in an answer; the text itself where there is not one alone.

    Thoughts in tags at the start are left out. Then the only code fence counts, else the only
    outermost object. With several it cannot be rest which one is the answer.

    >>> extract_object('<think>{"a": 1}?</think>The answer:\\n```json\\n{"a": 2}\\n```\\n')
    '{"a": 2}'
    >>> extract_object('It is {"a": 2}.'), extract_object('{"a": 1} or {"a": 2}')
    ('{"a": 2}', '{"a": 1} or {"a": 2}')
    """
    rest = text
    while thought := _THOUGHTS.match(rest):
        rest = rest[thought.end() :]
    rest = rest.strip()
    fenced = [block.strip() for block in _FENCED.findall(rest)]
    objects: list[str] = [block for block in fenced if block.startswith("{")]
    if len(objects) == 1:
        return objects[0]
    found = _objects(rest)
    return found[0] if len(found) == 1 else text


def _objects(text: str) -> list[str]:
    """Outermost objects, from left to right."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{")
    for _ in range(MOST_STARTS):
        if at < 0:
            break
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(text[at:end])
        at = text.find("{", end)
    return found
