"""Exclude caches, locks and claims of a lab from git, in whichever repository the lab lies."""

import re
from collections.abc import Sequence
from pathlib import Path

from adapters.git import Git
from prompt_lab.errors import LabError, StoreError
from prompt_lab.store.files import disk_errors, write_text

WORK = "work"
_LOCKS = (
    ".lock",
    ".lock-holder",
    "state.db*",
    "history/*/.[0-9][0-9]",
    "history/*/*/.lock",
    "pulls/.lock",
    "prompts/.lock",
    "prompts/remotes/.*.lock",
    # Plans that are built from traces, and answers to them, hold what people wrote.
    "baseline/*/trace_*/",
    "history/*/*/outputs/trace_*/",
    # Outcomes hold what people asked.
    "promptops/metrics.jsonl",
    "promptops/facts/",
    "web_keys.json",
    ".web_keys.lock",
    # What a killed command leaves of a file that it wrote: .<name>.<process>-<thread>.
    f"**/.*.[0-9]*-{'[0-9]' * 10}*",
)
_HEADER = "# Prompt Lab: files of a lab that can be made again"
_SPECIAL = re.compile(r"([\\*?\[])")
ANYWHERE = {"GIT_CEILING_DIRECTORIES": ""}
"""Lets git find the repository that a folder lies in, and not only one of its own."""


def exclude_lab_files(root: Path) -> None:
    """Exclude work/, locks and claims of a lab from git. May be called again.

    A linked worktree shares info/exclude with the user's other worktrees, whose own work/ must
    stay visible: there the folder excludes itself. Raises StoreError if a file is not writable.
    """
    names: tuple[str, ...] = (f"{WORK}/", *_LOCKS)
    if _is_linked_worktree(root):
        names = _LOCKS
        ignore = root / WORK / ".gitignore"
        if not ignore.exists():
            write_text(ignore, "*\n", durable=False)
    exclude_paths(root, names)


def exclude_paths(folder: Path, patterns: Sequence[str]) -> None:
    """Add patterns that start at `folder` to info/exclude of the repository that it lies in.

    Does nothing in no repository, or in one that git refuses to read: it shows no files there.
    """
    git = Git(folder, ours=False, raises=StoreError)
    try:
        found = git("rev-parse", "--show-prefix", "--git-path", "info/exclude", env=ANYWHERE)
    except LabError:
        return
    prefix, _, path = found.partition("\n")
    if "\n" in path:
        return  # a line end in a folder's name: no pattern can say it
    start = _SPECIAL.sub(r"\\\1", prefix)
    _append_lines(folder / path, [f"/{start}{pattern}" for pattern in patterns])


def _append_lines(path: Path, wanted: Sequence[str]) -> None:
    """Append those lines that a file lacks; what it holds, its rights and links stay."""
    with disk_errors(path):
        before = path.read_bytes() if path.exists() else b""
        present = set(before.splitlines())
        missing = [line for line in wanted if line.encode() not in present]
        if not missing:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        separator = "\n" if before and not before.endswith(b"\n") else ""
        with path.open("ab") as file:
            file.write((separator + "\n".join((_HEADER, *missing)) + "\n").encode())


def _is_linked_worktree(root: Path) -> bool:
    """Whether a lab is or lies in a worktree that shares its repository with another one."""
    git = Git(root, ours=False, raises=StoreError)
    try:
        found = git("rev-parse", "--absolute-git-dir", "--git-common-dir", env=ANYWHERE)
    except LabError:
        return False
    own, _, common = found.partition("\n")
    return (root / common).resolve() != Path(own).resolve()
