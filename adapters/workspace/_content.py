"""Files inside commits of the clone: looked up, and written as a new commit.

A commit's id stands for its content: what was looked up once is kept, since each look takes a
process and an iteration looks at the same few files hundreds of times.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.git import Git, signed


@lru_cache(maxsize=4096)
def entry(clone: Git, commit: str, path: str) -> tuple[str, str | None]:
    """(mode, blob id) of a file at a commit; ('', None) where it has none."""
    if path:
        found = clone("ls-tree", "-z", commit, "--", f":(top,literal){path}")
        for line in found.split("\0"):
            mode, kind, blob = (*line.partition("\t")[0].split(" "), "", "")[:3]
            if kind == "blob":
                return mode, blob
    return "", None


@lru_cache(maxsize=64)
def blobs(clone: Git, commit: str) -> Mapping[str, str]:
    """path -> blob id, of every file of a commit, in one call of git."""
    found = {}
    for line in clone("ls-tree", "-r", "-z", commit).split("\0"):
        about, _, path = line.partition("\t")
        kind, blob = (*about.split(" "), "", "", "")[1:3]
        if kind == "blob":
            found[path] = blob
    return found


@lru_cache(maxsize=256)
def content(clone: Git, blob: str) -> bytes:
    """What a blob holds."""
    return clone.raw("cat-file", "blob", blob)


def write_commit(
    clone: Git, base: str, files: Mapping[str, str], *, message: str, when: str
) -> str:
    """A commit on top of `base` with these texts, byte for byte; under no name yet."""
    with TemporaryDirectory(dir=clone.folder) as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch).resolve() / "index")}
        clone("read-tree", base, env=index)
        for path, text in sorted(files.items()):
            mode = entry(clone, base, path)[0] or "100644"
            blob = clone.raw("hash-object", "-w", "--stdin", stdin=text.encode())
            item = f"{mode},{blob.decode().strip()},{path}"
            clone("update-index", "--add", "--cacheinfo", item, env=index)
        tree = clone("write-tree", env=index)
    return clone("commit-tree", tree, "-p", base, "-m", message, env=signed(when))
