"""What differs between two versions of some files, as the mutation budget counts it."""

from collections.abc import Mapping
from difflib import SequenceMatcher, unified_diff
from typing import NamedTuple

from prompt_lab.propose.budget import NO_FILE, ChangedFile

COMPARED = 4000
"""Lines beyond which two texts are not compared line by line, since that takes too long."""
ALIKE = 0.6


class Version(NamedTuple):
    """A file on one side: its mode as git writes it, and its bytes. No file: ('', b'')."""

    mode: str
    data: bytes

    @property
    def text(self) -> str | None:
        """Its text; None where it is binary."""
        if b"\0" in self.data:
            return None
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None


NOTHING = Version(NO_FILE, b"")
Versions = Mapping[str, Version]


def changed_files(before: Versions, after: Versions) -> list[ChangedFile]:
    """Every file that differs, by its path; a file that moved is there once, under its new path."""
    paths = [p for p in sorted({**before, **after}) if before.get(p) != after.get(p)]
    moved = _moves(before, after, paths)
    return [
        _changed_file(path, before.get(moved.get(path, path), NOTHING), after.get(path, NOTHING),
                 moved.get(path, ""))
        for path in paths
        if path not in moved.values()
    ]  # fmt: skip


def diff(olds: Versions, news: Versions) -> str:
    """One unified diff of all text that differs; what is too long or binary is named only."""
    parts = []
    for path in sorted({**olds, **news}):
        old, new = olds.get(path, NOTHING), news.get(path, NOTHING)
        if old == new:
            continue
        before, now = _lines(old), _lines(new)
        if before is None or now is None or max(len(before), len(now)) > COMPARED:
            parts.append(f"{path}: {len(old.data)} bytes became {len(new.data)}\n")
            continue
        names = ("a/" + path if old.mode else "/dev/null", "b/" + path if new.mode else "/dev/null")
        for line in unified_diff(before, now, *names):
            parts.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(parts)


def _changed_file(path: str, old: Version, new: Version, moved_from: str) -> ChangedFile:
    added, removed = _counts(old, new)
    binary = old.text is None or new.text is None
    return ChangedFile(path, old.mode, new.mode, added, removed, binary, moved_from)


def _lines(version: Version) -> list[str] | None:
    text = version.text
    return None if text is None else text.splitlines(keepends=True)


def _counts(old: Version, new: Version) -> tuple[int, int]:
    """(lines added, lines removed); of long texts all between what they share at both ends."""
    before, after = _lines(old), _lines(new)
    if before is None or after is None:
        return 0, 0
    least, start, end = min(len(before), len(after)), 0, 0
    while start < least and before[start] == after[start]:
        start += 1
    while end < least - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old_part, new_part = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old_part), len(new_part)) > COMPARED:
        return len(new_part), len(old_part)
    blocks = SequenceMatcher(None, old_part, new_part, autojunk=False).get_matching_blocks()
    same = sum(block.size for block in blocks)
    return len(new_part) - same, len(old_part) - same


def _moves(before: Versions, after: Versions, paths: list[str]) -> dict[str, str]:
    """New path -> old path, of files that moved with most of their lines."""
    gone = [p for p in paths if p not in after]
    found: dict[str, str] = {}
    for path in (p for p in paths if p not in before):
        for old in gone:
            if old not in found.values() and _alike(before[old], after[path]):
                found[path] = old
                break
    return found


def _alike(old: Version, new: Version) -> bool:
    if old.data == new.data:
        return bool(old.data)
    before, after = _lines(old), _lines(new)
    if not before or not after or max(len(before), len(after)) > COMPARED:
        return False
    return SequenceMatcher(None, before, after, autojunk=False).ratio() > ALIKE
