"""Markdown that text from a model or a target cannot break out of, and its fenced JSON blocks."""

import re
from collections.abc import Iterable, Sequence

from prompt_lab.records import RECORDED, ending

_SPECIAL = re.compile(r"([\\`*\[\]<>|~]|^[#+-]|(?<![^\W_])_|_(?![^\W_]))")
_MENTION = re.compile(r"@(?=\w)")
_WORD_JOINER = "\u2060"  # keeps a code host from telling the person so named
_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>[^`\n]*)")
_TICKS = re.compile(r"`+")


def label(recorded: bool) -> str:
    """What every page says that is made from recorded answers; '' for others."""
    return f"**{RECORDED}**: no evidence for the prompts." if recorded else ""


def plain_line(text: str, most: int = 120) -> str:
    """Text as one line of at most `most` characters that is shown as it is, in a table too.

    >>> plain_line("a|b\\n`c`")
    'a\\\\|b \\\\`c\\\\`'
    """
    return _MENTION.sub(f"@{_WORD_JOINER}", _SPECIAL.sub(r"\\\1", cut_line(text, most)))


def cut_line(text: str, most: int = 120) -> str:
    """Text on one line, cut at `most` characters.

    >>> cut_line("one\\ntwo  three", 9)
    'one two …'
    """
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= most else one_line[: most - 1] + "…"


def last_line(text: str, most: int = 120) -> str:
    """How a message ends, on one line of at most `most` characters: a traceback says it last."""
    return cut_line(ending(text, most), most)


def block(text: str, info: str = "") -> str:
    """A fenced block; its fence is longer than any run of backticks inside."""
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def json_block(json_text: str) -> str:
    """A fenced block of JSON. Backticks are written as an escape, which says the same in JSON."""
    return block(json_text.replace("`", "\\u0060"), "json")


def last_json_block(text: str) -> str | None:
    """What the last closed ```json block holds, or None. Blocks inside another block are text."""
    found, opened, inside = None, "", list[str]()
    is_json = False
    for row in text.replace("\r\n", "\n").split("\n"):
        match = _FENCE.match(row)
        if not opened and match:
            opened, inside = match["marks"], []
            is_json = match["info"].strip().casefold() == "json"
        elif opened and match and _closes(match, opened):
            found = "\n".join(inside) if is_json else found
            opened = ""
        elif opened:
            inside.append(row)
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are markdown already; '' without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *lines])


def section(title: str, *parts: str) -> str:
    """A heading with its parts; '' when all of them are empty."""
    filled = [part for part in parts if part]
    return "\n\n".join([f"## {title}", *filled]) if filled else ""


def page(*parts: str) -> str:
    """The parts that are not empty, as one document."""
    return "\n\n".join(part for part in parts if part) + "\n"


def most(rows: Sequence[Sequence[str]], limit: int) -> tuple[Sequence[Sequence[str]], str]:
    """The first rows and, where some are left out, a line that says how many."""
    left = len(rows) - limit
    return rows[:limit], f"… and {left} more." if left > 0 else ""


def _closes(match: re.Match[str], opened: str) -> bool:
    marks = match["marks"]
    return marks[0] == opened[0] and len(marks) >= len(opened) and not match["info"].strip()
