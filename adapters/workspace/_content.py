"""Files inside commits of the clone, as git stores them.

A commit's id stands for its content: what was looked up once is kept, since each look takes a
process and an iteration looks at the same few files hundreds of times.
"""

from collections.abc import Mapping
from functools import lru_cache

from adapters.git import Git


@lru_cache(maxsize=64)
def entries(clone: Git, commit: str) -> Mapping[str, tuple[str, str]]:
    """path -> (mode, id) of every file, link and submodule of a commit, in one call of git."""
    found = {}
    told = clone.raw("ls-tree", "-r", "-z", commit).decode("utf-8", "surrogateescape")
    for line in told.split("\0")[:-1]:
        about, _, path = line.partition("\t")
        mode, _, blob = about.split(" ")
        found[path] = (mode, blob)
    return found


@lru_cache(maxsize=256)
def content(clone: Git, blob: str) -> bytes:
    """What a blob holds."""
    return clone.raw("cat-file", "blob", blob)
