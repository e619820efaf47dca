"""Private copies of a commit, and what became of them, read back through git."""

from collections.abc import Iterator
from pathlib import Path

from adapters.git import Git, branch_head, checkout_of, hand_over, signed
from adapters.workspace._scratch import scratch_folder
from prompt_lab.errors import TargetError
from prompt_lab.propose.budget import LINK, NO_FILE, ChangedFile, is_test
from prompt_lab.propose.remedy import lost_tests

_NOTHING = "0" * 40


def keep_ref_name(commit: str) -> str:
    """The name in our clone under which a commit is safe from garbage collection."""
    return f"refs/kept/{commit}"


def fetch_commit(clone: Git, source: Path, commit: str, *options: str) -> None:
    """Keep a commit of a repository of the user in our clone. The caller holds the lock."""
    # Read under the user's own settings, which say whose repositories git may trust.
    Git(clone.folder, ours=False)(
        "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--update-shallow", *options,
        str(source.resolve()), f"+{commit}:{keep_ref_name(commit)}",
    )  # fmt: skip


def publish(target: Git, clone: Git, branch: str, commit: str, *, old: str) -> None:
    """Give the target a commit of ours as a new branch, or as the next one after `old`.

    Raises TargetError where another change has the branch, or a checkout stands on it.
    """
    clone("update-ref", keep_ref_name(commit), commit)
    stands = branch_head(target, branch)
    if stands == commit:
        return
    if stands is not None and stands != old:
        raise TargetError(
            f"{target.folder}: branch {branch!r} exists already at {stands!r}, which is"
            f" not this change ({commit!r}): delete it there, or choose another name"
        )
    checkout = checkout_of(target, branch) if stands else None
    if checkout is not None:
        raise TargetError(
            f"{checkout}: stands on branch {branch!r}, which is to be moved on: check out"
            " another branch there"
        )
    hand_over(target, clone.folder.resolve(), keep_ref_name(commit))
    target("update-ref", f"refs/heads/{branch}", commit, stands or _NOTHING)


_SUBMODULE = "160000"


def export(clone: Git, commit: str, folder: Path) -> None:
    """The files of a commit in a new folder, committed there in a repository of its own."""
    folder.mkdir(parents=True)
    with scratch_folder(clone.folder) as scratch:
        index = _index(clone, folder, scratch)
        clone("read-tree", commit, env=index)
        Git(folder)("checkout-index", "-a", "-q", env=index)
    own = Git(folder)
    own("init", "-q", "-b", "main")
    own("add", "-A", "-f")
    own("commit", "-q", "--allow-empty", "-m", "As it is", env=signed("2000-01-01T00:00:00Z"))


def take(clone: Git, base: str, folder: Path, *, message: str, when: str) -> str:
    """A commit on `base` of what the folder holds; what the repository ignores is left out."""
    with scratch_folder(clone.folder) as scratch:
        index = _index(clone, folder, scratch)
        clone("read-tree", base, env=index)
        Git(folder)("add", "-A", env=index)
        tree = clone("write-tree", env=index)
    return clone("commit-tree", tree, "-p", base, "-m", message, env=signed(when))


def changes(clone: Git, base: str, commit: str) -> tuple[ChangedFile, ...]:
    """Every file that differs, with its lines counted and the tests that it lost."""
    raw = clone.raw("diff-tree", "-r", "-z", "--raw", "--numstat", "-M", base, commit)
    fields = iter(raw.decode("utf-8", "replace").split("\0"))
    about: dict[str, tuple[list[str], str]] = {}
    found = []
    for field in fields:
        if field.startswith(":"):
            facts = field[1:].split(" ")
            old = next(fields) if facts[4][0] in "RC" else ""
            about[next(fields)] = (facts, old)
        elif field:
            found.append(_changed_file(clone, field, fields, about))
    return tuple(found)


def contents(clone: Git, base: str, commit: str) -> dict[str, tuple[bytes, bytes]]:
    """path -> its bytes before and after, of every file that differs; a rename is two of them."""
    raw = clone.raw("diff-tree", "-r", "-z", "--raw", "--no-renames", base, commit)
    fields = iter(raw.decode("utf-8", "replace").split("\0"))
    found = {}
    for field in fields:
        if field.startswith(":"):
            before, after, old_blob, new_blob = field[1:].split(" ")[:4]
            found[next(fields)] = (
                b"" if before == _SUBMODULE else _bytes(clone, old_blob),
                b"" if after == _SUBMODULE else _bytes(clone, new_blob),
            )
    return found


def _changed_file(
    clone: Git, field: str, fields: Iterator[str], about: dict[str, tuple[list[str], str]]
) -> ChangedFile:
    added, removed, path = field.split("\t", 2)
    if not path:  # a rename: the old path and the new one follow
        next(fields)
        path = next(fields)
    facts, old = about[path]
    before, after, old_blob, new_blob = facts[:4]
    is_file = not {before, after} & {LINK, _SUBMODULE}
    lost: tuple[str, ...] = ()
    if is_test(old or path) and is_file and set(before) != {"0"}:
        lost = lost_tests(_text(clone, old_blob), _text(clone, new_blob))
    return ChangedFile(
        path=path,
        mode_before=_mode(before),
        mode_after=_mode(after),
        added=int(added) if added != "-" else 0,
        removed=int(removed) if removed != "-" else 0,
        binary=added == "-",
        renamed_from=old if facts[4].startswith("R") else "",
        lost_tests=lost,
    )


def _mode(mode: str) -> str:
    return NO_FILE if set(mode) == {"0"} else mode


def _text(clone: Git, blob: str) -> str:
    return _bytes(clone, blob).decode("utf-8", "replace")


def _bytes(clone: Git, blob: str) -> bytes:
    return b"" if set(blob) == {"0"} else clone.raw("cat-file", "blob", blob)


def _index(clone: Git, folder: Path, scratch: str) -> dict[str, str]:
    """An index of its own, with the clone's objects and the folder's files."""
    return {
        "GIT_INDEX_FILE": str(Path(scratch).resolve() / "index"),
        "GIT_DIR": str(clone.folder.resolve()),
        "GIT_WORK_TREE": str(folder.resolve()),
    }
