"""Which blob a path of a commit leads to: through symbolic links, and into submodules."""

from collections.abc import Callable
from typing import NamedTuple

from adapters.git import Git
from adapters.workspace import _trees as _content
from prompt_lab.errors import TargetError
from prompt_lab.propose.budget import LINK

SUBMODULE = "160000"
MOST_LINKS = 40
FetchSubmodule = Callable[[str, str], bool]
"""(path, commit) -> whether the clone holds that commit, fetched from the target if need be."""


class Located(NamedTuple):
    """A file: the commit of its own repository, and where it lies there."""

    commit: str
    path: str
    mode: str
    blob: str


class MissingSubmodule(TargetError):
    """A path in a submodule whose commit the target does not hold."""

    def __init__(self, path: str, submodule: str) -> None:
        self.submodule = submodule
        super().__init__(f"{path!r} lies in the submodule {submodule!r}, which is not checked out")


def locate(clone: Git, commit: str, path: str, fetch: FetchSubmodule) -> Located | None:
    """The file that a path names at a commit; None where it names none.

    Raises TargetError for a link that leads out of the target, MissingSubmodule for a path in a
    submodule that cannot be fetched.
    """
    tree = _content.entries(clone, commit)
    done: list[str] = []
    todo = path.split("/")[::-1]
    links = 0
    while todo:
        part = todo.pop()
        if part == ".." and not done:
            raise TargetError(f"{path!r} is a symbolic link that leads out of the target")
        if part == "..":
            done.pop()
        if part in ("", ".", ".."):
            continue
        done.append(part)
        here = "/".join(done)
        mode, blob = tree.get(here, ("", ""))
        if mode == LINK:
            links += 1
            todo += _destination(clone, path, blob, links)
            done.pop()
        elif mode == SUBMODULE and todo:
            if not fetch(here, blob):
                raise MissingSubmodule(path, here)
            inner = "/".join(todo[::-1])
            return locate(clone, blob, inner, fetch_below(here, fetch))
    mode, blob = tree.get("/".join(done), ("", ""))
    return Located(commit, "/".join(done), mode, blob) if mode and mode != SUBMODULE else None


def fetch_below(folder: str, fetch: FetchSubmodule) -> FetchSubmodule:
    """`fetch` for paths that start in a submodule of the target."""
    return lambda path, commit: fetch(f"{folder}/{path}", commit)


def _destination(clone: Git, path: str, blob: str, links: int) -> list[str]:
    """The parts of what a link says, last one first."""
    target = _content.content(clone, blob).decode("utf-8", "surrogateescape")
    if target.startswith("/"):
        raise TargetError(f"{path!r} is a symbolic link that leads out of the target")
    if links > MOST_LINKS:
        raise TargetError(f"{path!r} is a symbolic link that leads back to itself")
    return target.split("/")[::-1]
