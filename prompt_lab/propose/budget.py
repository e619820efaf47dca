"""The mutation budget: what a candidate may change. Judged on the changes, never on its word.

Shared by every kind of candidate: an agent's edit of a target and a task's edit of its artifacts.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePosixPath
from unicodedata import category, normalize

from prompt_lab.names import count

REGULAR = "100644"
EXECUTABLE = "100755"
LINK = "120000"
NO_FILE = ""
"""The mode of a file on the side where it is not there."""
SHOWN = 5


class Breach(StrEnum):
    """Every way in which a change can exceed its budget."""

    NOTHING_CHANGED = "nothing_changed"  # no file differs
    BAD_PATH = "bad_path"  # absolute, '..', inside .git, or not a plain name
    OUTSIDE_PATHS = "outside_paths"  # a file that no allowed path covers
    FILE_TYPE = "file_type"  # a suffix that is not allowed
    TOO_MANY_FILES = "too_many_files"
    TOO_MANY_LINES = "too_many_lines"  # added and removed together
    NOT_A_FILE = "not_a_file"  # a link, a submodule, a device
    BINARY = "binary"
    RENAMED = "renamed"
    MODE_CHANGED = "mode_changed"
    DELETED = "deleted"  # a file is gone that the budget does not let go
    TEST_DELETED = "test_deleted"  # a test file, or a test in one, is gone


@dataclass(frozen=True)
class EditBudget:
    """What may change. `paths` are files, folders, or patterns with *, ** and ?; none: nothing.

    `file_types` are suffixes ('.txt', and '' for none at all); no types: any. `protected` is
    never changed, whatever `paths` say.
    """

    paths: tuple[str, ...]
    max_files: int
    max_lines: int
    file_types: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    may_delete: bool = False


@dataclass(frozen=True)
class ChangedFile:
    """One file that differs; a path is as git or the file system spells it, '/' between parts.

    Modes are git's ('100644'); NO_FILE where the file is not there. Lines are counted by a diff.
    """

    path: str
    mode_before: str = REGULAR
    mode_after: str = REGULAR
    added: int = 0
    removed: int = 0
    binary: bool = False
    renamed_from: str = ""
    lost_tests: tuple[str, ...] = ()
    """Names of tests that the file held before, and holds no longer."""


@dataclass(frozen=True)
class Overrun:
    """One breach in words; `paths` are the files that it is about."""

    code: Breach
    text: str
    paths: tuple[str, ...] = ()


def excesses(changes: Sequence[ChangedFile], budget: EditBudget) -> tuple[Overrun, ...]:
    """Every way in which the changes exceed the budget, one entry a code; none: within it.

    >>> budget = EditBudget(paths=("prompts",), max_files=1, max_lines=40, file_types=(".txt",))
    >>> excesses([ChangedFile("prompts/a.txt", added=3, removed=1)], budget)
    ()
    >>> [e.code.value for e in excesses([ChangedFile("prompts/a.py", added=41)], budget)]
    ['file_type', 'too_many_lines']
    """
    if not changes:
        return (Overrun(Breach.NOTHING_CHANGED, "no file was changed"),)
    found: dict[Breach, list[str]] = {}
    for change in changes:
        for code in _breaches(change, budget):
            found.setdefault(code, []).append(change.path)
    by_file = [
        Overrun(code, f"{_WORDS[code]}: {_format_paths(found[code])}", tuple(found[code]))
        for code in Breach
        if code in found
    ]
    return (*by_file, *_totals(changes, budget))


def _breaches(change: ChangedFile, budget: EditBudget) -> set[Breach]:
    """What is wrong with one file, whatever the others are."""
    paths = [change.path, *filter(None, [change.renamed_from])]
    modes = {change.mode_before, change.mode_after} - {NO_FILE}
    deleted = change.mode_after == NO_FILE
    is_file = modes <= {REGULAR, EXECUTABLE}
    checks = {
        Breach.BAD_PATH: not all(map(plain_path, paths)),
        Breach.OUTSIDE_PATHS: not all(is_allowed(path, budget) for path in paths),
        Breach.FILE_TYPE: bool(budget.file_types)
        and not all(PurePosixPath(path).suffix in budget.file_types for path in paths),
        Breach.NOT_A_FILE: not is_file,
        Breach.BINARY: change.binary,
        Breach.RENAMED: bool(change.renamed_from),
        Breach.MODE_CHANGED: is_file and _mode_changed(change),
        Breach.DELETED: deleted and not budget.may_delete,
        Breach.TEST_DELETED: bool(change.lost_tests)
        or (deleted and is_test(change.path))
        or (is_test(change.renamed_from) and not is_test(change.path)),
    }
    return {code for code, holds in checks.items() if holds}


def _mode_changed(change: ChangedFile) -> bool:
    if change.mode_before == NO_FILE:
        return change.mode_after == EXECUTABLE
    return change.mode_after not in (NO_FILE, change.mode_before)


def _totals(changes: Sequence[ChangedFile], budget: EditBudget) -> Iterable[Overrun]:
    if len(changes) > budget.max_files:
        text = f"{count(len(changes), 'file')} changed, {budget.max_files} allowed"
        yield Overrun(Breach.TOO_MANY_FILES, text, tuple(c.path for c in changes))
    lines = sum(c.added + c.removed for c in changes)
    if lines > budget.max_lines:
        text = f"{count(lines, 'line')} added and removed, {budget.max_lines} allowed"
        yield Overrun(Breach.TOO_MANY_LINES, text, tuple(c.path for c in changes))


def is_allowed(path: str, budget: EditBudget) -> bool:
    """Whether a path is among those that may change.

    >>> is_allowed("prompts/deep/a.txt", EditBudget(("prompts",), 1, 1))
    True
    >>> is_allowed("prompts/deep/a.txt", EditBudget(("prompts/*.txt",), 1, 1))
    False
    """
    covered = any(covers(pattern, path) for pattern in budget.paths)
    return covered and not any(covers(p, path, folded=True) for p in budget.protected)


def covers(pattern: str, path: str, *, folded: bool = False) -> bool:
    """Whether a pattern names a path, or a folder above it.

    `folded` compares as a file system does that folds case and Unicode forms.
    """
    if folded:
        pattern, path = _fold(pattern), _fold(path)
    return _expression(pattern.strip("/")).fullmatch(path) is not None


def plain_path(path: str) -> bool:
    r"""Whether a path is a plain way down into the tree on every file system.

    >>> [plain_path(p) for p in ("a/b.txt", "/a", "a/../b", ".GIT/hooks/x", "a\\b", "a/.git ")]
    [True, False, False, False, False, False]
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path:
        return False
    if any(category(sign) in ("Cc", "Cf", "Cs") for sign in path):
        return False
    return not any(_is_git(part) for part in parts)


def is_test(path: str) -> bool:
    """Whether a file is a test by its place or its name.

    >>> [is_test(p) for p in ("tests/a.py", "src/test_a.py", "a.spec.ts", "contest/a.py")]
    [True, True, True, False]
    """
    parts = PurePosixPath(path.casefold()).parts
    if not parts:
        return False
    folders = {"test", "tests", "__tests__", "spec", "specs"}
    named = re.fullmatch(r"test_.*|.*_test\..*|.*\.(test|spec)\..*|conftest\.py", parts[-1])
    return named is not None or not folders.isdisjoint(parts[:-1])


def _is_git(part: str) -> bool:
    """Names that some file system takes for `.git`: other case, dots or spaces at the end."""
    folded = _fold(part).split(":")[0].rstrip(". ")
    return folded in (".git", "git~1")


def _fold(text: str) -> str:
    return normalize("NFKC", text).casefold()


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(signs.get(p) or re.escape(p) for p in parts) + "(?:/.*)?", re.DOTALL)


def _format_paths(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(repr(path) for path in paths[:SHOWN]) + more


_WORDS = {
    Breach.BAD_PATH: "no plain path inside the tree",
    Breach.OUTSIDE_PATHS: "outside the allowed paths",
    Breach.FILE_TYPE: "not of an allowed file type",
    Breach.NOT_A_FILE: "no regular file",
    Breach.BINARY: "binary",
    Breach.RENAMED: "renamed",
    Breach.MODE_CHANGED: "its mode was changed",
    Breach.DELETED: "deleted",
    Breach.TEST_DELETED: "a test is gone",
}
