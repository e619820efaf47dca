"""The files that a diff changes, and words of one language that it adds to code."""

import re
from collections.abc import Iterator

from pydantic import Field
from unidiff import PatchSet
from unidiff.errors import UnidiffParseError

from prompt_lab.analyze.words import tokens
from prompt_lab.records import Record

_LITERAL = re.compile(r"""(?P<mark>["'])(?P<text>(?:\\.|(?!(?P=mark)).)*)(?P=mark)""")
_COMPARES = re.compile(
    r"[=!]=|\bin\b|\bre\.\w+\(|\.(?:startswith|endswith|search|match|fullmatch|find|index|count|"
    r"replace|split|sub)\(|\b(?:case|frozenset|set)\b"
)
_LISTED = re.compile(
    r"^\s*(?:\w+\s*(?::[^=]+)?=\s*)?[\[({]*\s*(?:STR\s*,\s*)+(?:STR)?\s*[\])}]*,?\s*$"
)
_ESCAPE = re.compile(r"\\[a-zA-Z]|\[[^\]]*\]|\(\?[a-zA-Z:=!<]+|\{[^}]*\}")
_MESSAGE = re.compile(r"\b(?:raise|print|log\w*|warn\w*|description|help)\b|\"\"\"|'''")


class FileDiff(Record):
    """One file of a diff."""

    path: str
    added: int
    removed: int


class HardWord(Record):
    """A literal with words of a language, in a line of code that compares text."""

    path: str
    line: int = Field(description="in the new file")
    literal: str
    code: str


def file_diffs(diff: str) -> tuple[FileDiff, ...]:
    """The files of a unified diff with their added and removed lines; none if it is not one."""
    return tuple(
        FileDiff(path=file.path, added=file.added, removed=file.removed)
        for file in _parse_diff(diff)
    )


def hard_words(diff: str) -> tuple[HardWord, ...]:
    """Added lines of Python files in which text is compared with words of some language.

    Known by structure: a literal of several words, or of alternatives in a pattern, beside a
    comparison, a search, or among others in a collection. Messages and descriptions are not meant.
    """
    return tuple(
        HardWord(path=file.path, line=line.target_line_no or 0, literal=literal, code=line.value)
        for file in _parse_diff(diff)
        if file.path.endswith((".py", ".pyi"))
        for hunk in file
        for line in hunk
        if line.is_added
        for literal in _suspects(line.value)
    )


def _parse_diff(diff: str) -> PatchSet:
    try:
        return PatchSet(diff)
    except UnidiffParseError:
        return PatchSet("")


def _suspects(code: str) -> Iterator[str]:
    if _MESSAGE.search(code) or code.lstrip().startswith("#"):
        return
    literals = [match["text"] for match in _LITERAL.finditer(code)]
    bare = _LITERAL.sub("STR", code)
    if not (_COMPARES.search(bare) or _LISTED.match(bare)):
        return
    worded = [literal for literal in literals if _words_in(literal)]
    for literal in worded:
        if len(_words_in(literal)) >= 2 or len(worded) >= 3 or not literal.isascii():
            yield literal


def _words_in(literal: str) -> list[str]:
    """Words made of letters; identifiers and paths are left out."""
    text = _ESCAPE.sub(" ", literal)
    return [word for word in tokens(text) if len(word) >= 2 and word.isalpha() and "_" not in word]
