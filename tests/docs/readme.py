"""The code blocks of the README, or of another page, in their order."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block: its language and its text."""

    language: str
    text: str


def blocks(language: str, page: str = "README.md") -> list[Block]:
    """All blocks of one language."""
    text = (ROOT / page).read_text("utf-8")
    return [Block(*found) for found in _BLOCK.findall(text) if found[0] == language]
