"""What belongs to a copy of the workspace: by git where it is a repository, else every file."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from prompt_lab.errors import TargetError
from prompt_lab.ports import GitFactory
from prompt_lab.propose.budget import LINK
from prompt_lab.task_engine.paths import ignored
from prompt_lab.task_engine.task_copy.files import (
    SPECIAL,
    FileStamp,
    git_mode,
    is_unchanged,
    opened,
    stamp,
)


def root_of(task_file: Path) -> Path:
    """The repository that a task lies in: the closest folder above with a .git, else its own."""
    folder = task_file.resolve().parent
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return above
    return folder


def list_files(
    root: Path,
    artifacts: Iterable[str],
    git: GitFactory,
    names: Iterable[str] | None = None,
    seen: Mapping[str, FileStamp | None] = MappingProxyType({}),
) -> dict[str, FileStamp]:
    """Path from the root -> stamp, of every file and link of the workspace that a copy holds.

    Uncommitted files too, but nothing that .gitignore names, unless it is an artifact. A link that
    leads out of the workspace is in no copy, nor is anything that is neither file nor link.
    `names` are what `candidates` gave, where that was asked before; `seen` is an earlier answer.
    """
    found: dict[str, FileStamp] = {}
    with opened(root) as top:
        for name in [*(candidates(root, git) if names is None else names), *artifacts]:
            old = seen.get(name)
            if old is not None and stat.S_ISREG(old.mode) and is_unchanged(name, top, old):
                found[name] = old
                continue
            known = stamp(name.rstrip("/"), top)
            if known is not None and stat.S_ISREG(known.mode):
                if not ignored(name):
                    found[name] = known
                continue
            for path, other in _stamps(root, name.rstrip("/"), known):
                mode = git_mode(other.mode)
                if mode == SPECIAL or ignored(path) or (mode == LINK and _leads_out(root, path)):
                    continue
                found[path] = other
    return found


def candidates(root: Path, git: GitFactory) -> list[str]:
    """The paths that a copy may hold; a folder for all below it."""
    return _by_git(git, root) if (root / ".git").exists() else list(_below(root, ""))


def _stamps(root: Path, name: str, found: FileStamp | None) -> Iterator[tuple[str, FileStamp]]:
    """What is no plain file: a link; or all below, as a submodule is listed as a folder."""
    if found is None:
        return
    if not stat.S_ISDIR(found.mode):
        yield name, found
        return
    for below in _below(root / name, f"{name}/"):
        inner = stamp(os.path.join(root, below))
        if inner is not None:
            yield below, inner


def _by_git(git: GitFactory, root: Path) -> list[str]:
    names = git(root).raw("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [name for name in os.fsdecode(names).split("\0") if name]


def _below(folder: Path, prefix: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                if ignored(path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _below(Path(entry.path), path + "/")
                else:
                    yield path
    except OSError as error:
        raise TargetError(f"{folder}: cannot be read: {error.strerror}") from error


def _leads_out(root: Path, name: str) -> bool:
    return not Path(os.path.realpath(root / name)).is_relative_to(root)


def untracked(root: Path, names: Iterable[str], git: GitFactory) -> set[str]:
    """Those of some new paths that .gitignore names; none where there is no repository."""
    asked = "\0".join(names)
    if not asked or not (root / ".git").exists():
        return set()
    try:
        told = git(root).raw(
            "check-ignore", "-z", "--stdin", stdin=os.fsencode(asked), no_is_fine=True
        )
    except TargetError:
        return set()  # one of them lies behind a link of the workspace: none is taken for ignored
    return {name for name in os.fsdecode(told).split("\0") if name}
