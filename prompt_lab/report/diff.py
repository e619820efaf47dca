"""Two versions of a prompt side by side, line against line."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal, NamedTuple

from prompt_lab.report.pairs import Marked, Span, mark_differing_words, spaces, unmarked

Kind = Literal["same", "changed", "removed", "added"]
CONTEXT = 3
ALIKE = 0.4
"""Lines less similar than this are shown as one removed and one added line."""
MAX_PAIRED = 400
"""Blocks that need more line comparisons than this are shown unpaired."""


class DiffLine(NamedTuple):
    """One row; a side without a line has number None."""

    kind: Kind
    left_number: int | None
    left: tuple[Span, ...]
    right_number: int | None
    right: tuple[Span, ...]


class DiffBlock(NamedTuple):
    """Consecutive rows; a folded block is unchanged and far from any change."""

    folded: bool
    lines: tuple[DiffLine, ...]


class Diff(NamedTuple):
    """The whole comparison and its size in lines."""

    blocks: tuple[DiffBlock, ...]
    added: int
    removed: int

    @property
    def is_equal(self) -> bool:
        """Whether both texts are equal."""
        return not (self.added or self.removed)


def side_by_side(before: str, after: str) -> Diff:
    """The rows of both texts; unchanged stretches are folded but for CONTEXT lines."""
    left, right = before.split("\n"), after.split("\n")
    rows: list[DiffLine] = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, left, right, False).get_opcodes():
        if kind == "equal":
            both = zip(range(a0, a1), range(b0, b1), strict=True)
            rows += [
                DiffLine("same", a + 1, unmarked(left[a]), b + 1, unmarked(left[a]))
                for a, b in both
            ]
        else:
            rows += _replaced(_numbered(left, a0, a1), _numbered(right, b0, b1))
    added = sum(row.kind in ("added", "changed") for row in rows)
    removed = sum(row.kind in ("removed", "changed") for row in rows)
    return Diff(tuple(_folded(rows)), added, removed)


Numbered = list[tuple[int, str]]


def _numbered(lines: Sequence[str], start: int, end: int) -> Numbered:
    return [(i + 1, lines[i]) for i in range(start, end)]


def _replaced(left: Numbered, right: Numbered) -> Iterator[DiffLine]:
    """Pair each old line with the first new one that is alike, keeping the order of both."""
    taken = 0
    for number, old in left:
        match = _alike(old, right[taken:]) if len(left) * len(right) <= MAX_PAIRED else None
        if match is None:
            yield DiffLine("removed", number, _whole_line(old), None, ())
            continue
        yield from (_added(*new) for new in right[taken : taken + match])
        new_number, new = right[taken + match]
        marked = _mark_changes(old, new)
        yield DiffLine("changed", number, marked.left, new_number, marked.right)
        taken += match + 1
    yield from (_added(*new) for new in right[taken:])


def _alike(old: str, candidates: Numbered) -> int | None:
    for index, (_, new) in enumerate(candidates):
        if old.split() == new.split() != []:
            return index
        if SequenceMatcher(None, old, new, False).ratio() >= ALIKE:
            return index
    return None


def _mark_changes(old: str, new: str) -> Marked:
    return spaces(old, new) if old.split() == new.split() else mark_differing_words(old, new)


def _added(number: int, text: str) -> DiffLine:
    return DiffLine("added", None, (), number, _whole_line(text))


def _whole_line(text: str) -> tuple[Span, ...]:
    """A line that one side lacks; an empty one is made visible."""
    if text.strip():
        return unmarked(text)
    return (*spaces(text, "").left, Span("⏎", True))


def _folded(rows: Sequence[DiffLine]) -> Iterator[DiffBlock]:
    changed = [i for i, row in enumerate(rows) if row.kind != "same"]
    near = {j for i in changed for j in range(i - CONTEXT, i + CONTEXT + 1)}
    start = 0
    flags = [i in near for i in range(len(rows))]
    for i, (flag, following) in enumerate(zip_longest(flags, flags[1:])):
        if flag != following:
            block = tuple(rows[start : i + 1])
            yield DiffBlock(not flag and len(block) > 1, block)
            start = i + 1
