"""Whether a template is there already but for a few characters, by rapidfuzz."""

from collections.abc import Iterable
from typing import Final

from rapidfuzz import fuzz, process

from prompt_lab.evaluate.normalize import normalize_text

SAME_TEMPLATE: Final = 92.0
"""Similarity (rapidfuzz ratio, of 100) of two abstracted texts from which one is enough."""


def find_duplicate(text: str, others: Iterable[tuple[str, str]]) -> str:
    """The key of the nearest of `others` (key, text) that is the same but for details; '' if none.

    >>> find_duplicate("Name the source of each {{NUMBER_1}}.", [("a", "name the source of each")])
    ''
    """
    known = {key: normalize_text(other) for key, other in others}
    found = process.extractOne(
        normalize_text(text), known, scorer=fuzz.ratio, score_cutoff=SAME_TEMPLATE
    )
    return str(found[2]) if found else ""
