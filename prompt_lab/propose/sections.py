"""The parts of a prompt file that strategies write: the system half, and blocks within it."""

from collections.abc import Sequence
from typing import NamedTuple

from prompt_lab.prompts.text import USER_LINE, find_user_line, placeholders

FIELDS = "The fields of the answer:"
CONTRACT = "Answer with one JSON object and no other text. Its keys are exactly these:"
EXAMPLES = "Examples:"


class Halves(NamedTuple):
    """A prompt file: all before the `[user]` line, and all from it on."""

    system: str
    user: str


def halves(text: str) -> Halves:
    """Take a prompt file apart without losing a character.

    >>> halves("Be brief.\\n[user]\\n{note}")
    Halves(system='Be brief.\\n', user='[user]\\n{note}')
    """
    lines = text.split("\n")  # splitlines() would take U+2028 and a form feed for line ends
    index = find_user_line(lines)
    if index is None:
        return Halves(text, "")
    system = "".join(f"{line}\n" for line in lines[:index])
    return Halves(system, "\n".join(lines[index:]))


def with_system(text: str, system: str) -> str:
    """The prompt file with another system half; the rest to the letter."""
    return f"{system.strip()}\n{halves(text).user}"


def block(system: str, header: str) -> list[str] | None:
    """The `- ` lines under a header line; None where the header is not there.

    >>> block("Read.\\n\\nExamples:\\n- a\\n- b\\nDone.", "Examples:")
    ['- a', '- b']
    """
    lines = system.split("\n")
    place = _place(lines, header)
    return None if place is None else lines[place[0] + 1 : place[1]]


def put_block(system: str, header: str, lines: Sequence[str]) -> str:
    """The system half with these lines under the header: in the block's place, else at the end."""
    old = system.split("\n")
    place = _place(old, header)
    if place is None:
        return append(system, "\n".join([header, *lines]))
    return "\n".join([*old[: place[0]], header, *lines, *old[place[1] :]])


def append(system: str, addition: str) -> str:
    """Text after a blank line, or alone where there is none before it."""
    return f"{system.rstrip()}\n\n{addition}" if system.strip() else addition


def one_line(text: str) -> str:
    """White space of any kind as single spaces.

    >>> one_line(" a\\n  b ")
    'a b'
    """
    return " ".join(text.split())


def is_inert(text: str) -> bool:
    """Whether text from elsewhere may stand in a prompt: it fills nothing and ends no half.

    >>> is_inert("12 EUR {each}"), is_inert("[user]"), is_inert('{"amount": 12}')
    (False, False, True)
    """
    return not placeholders(text) and all(line.strip() != USER_LINE for line in text.split("\n"))


def _place(lines: Sequence[str], header: str) -> tuple[int, int] | None:
    for start, line in enumerate(lines):
        if line.strip() == header:
            end = start + 1
            while end < len(lines) and lines[end].startswith("- "):
                end += 1
            return start, end
    return None
