"""A new commit of texts, stored as git would store them from a checkout."""

from collections.abc import Mapping

from adapters.git import Git, signed
from adapters.workspace._checked_out import attribute_files, check_out, index_of
from adapters.workspace._located import Located


def write_commit(
    clone: Git,
    base: str,
    files: Mapping[str, tuple[Located | None, bytes]],
    *,
    message: str,
    when: str,
) -> str:
    """A commit on top of `base` with these contents, as git checks them out; under no name yet.

    `files` are path -> (the file at `base`, its new content). What .gitattributes says is undone:
    line ends, encodings, idents and filters are of the checkout, not of the commit.
    """
    with index_of(clone, base) as (env, folder):
        there = Git(folder, raises=clone.raises)
        # 'git hash-object' looks for attributes in the worktree only.
        check_out(there, env, attribute_files(clone, base))
        for path, (known, content) in sorted(files.items()):
            where, mode = (known.path, known.mode) if known else (path, "100644")
            blob = there.raw(
                "hash-object", "-w", "--stdin", f"--path={where}", stdin=content, env=env
            )
            item = f"{mode},{blob.decode().strip()},{where}"
            clone("update-index", "--add", "--cacheinfo", item, env=env)
        tree = clone("write-tree", env=env)
    return clone("commit-tree", tree, "-p", base, "-m", message, env=signed(when))
