"""What git checks out of a commit: line ends, encodings, idents and filters are applied.

A run reads files as git checks them out, so that is what its evidence is compared with. The
commit's own .gitattributes decide, and the filter drivers of the user's git configuration.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from adapters.git import Git
from adapters.workspace import _trees as _content
from adapters.workspace._located import Located
from adapters.workspace._scratch import scratch_folder
from prompt_lab.evaluate.answers import blob_id
from prompt_lab.prompts.files import pointer_command

_CONVERTING = ("eol", "ident", "filter", "working-tree-encoding")
"""Attributes that may change a file at checkout; 'text' alone does not where LF is native."""
_NO_VALUE = ("unspecified", "unset")


class CheckedOut:
    """Contents and ids of files as git checks them out; those that are no pointers are kept."""

    def __init__(self, clone: Git) -> None:
        self._clone = clone
        self._converting: dict[str, dict[str, bool]] = {}
        self._ids: dict[tuple[str, str], str] = {}

    def ids(self, files: Iterable[Located]) -> dict[Located, str]:
        """The blob id of each file's content; the commit's own where git changes nothing."""
        found: dict[Located, str] = {}
        for commit, located in _by_commit(files).items():
            plain = self._plain(commit, located)
            known = {f: self._ids[commit, f.path] for f in located if (commit, f.path) in self._ids}
            found |= {f: f.blob for f in located if f in plain} | known
            rest = [f for f in located if f not in found]
            for file, data in self._converted(commit, rest):
                found[file] = blob_id(data)
                if pointer_command(data) is None:  # a pointer may be fetched meanwhile
                    self._ids[commit, file.path] = found[file]
        return found

    def contents(self, files: Iterable[Located]) -> Iterator[tuple[Located, bytes]]:
        """Each file's content."""
        for commit, located in _by_commit(files).items():
            plain = self._plain(commit, located)
            for file in located:
                if file in plain:
                    yield file, _content.content(self._clone, file.blob)
            yield from self._converted(commit, [f for f in located if f not in plain])

    def attribute(self, file: Located, name: str) -> str:
        """The value of a file's attribute; '' where it has none."""
        with index_of(self._clone, file.commit) as (env, _):
            told = self._clone.raw("check-attr", "--cached", "-z", name, "--", file.path, env=env)
        value = told.decode("utf-8", "replace").split("\0")[2]
        return "" if value in _NO_VALUE else value

    def _plain(self, commit: str, files: Iterable[Located]) -> set[Located]:
        """Those of the files that git checks out as the commit holds them."""
        files = set(files)
        if not attribute_files(self._clone, commit):
            return files
        known = self._converting.setdefault(commit, {})
        new = sorted(file.path for file in files if file.path not in known)
        if new:
            with index_of(self._clone, commit) as (env, _):
                known |= attributes_change(self._clone, env, new)
        return {file for file in files if not known[file.path]}

    def _converted(self, commit: str, files: list[Located]) -> Iterator[tuple[Located, bytes]]:
        if not files:
            return
        with index_of(self._clone, commit) as (env, folder):
            check_out(Git(folder, raises=self._clone.raises), env, [file.path for file in files])
            for file in files:
                yield file, (folder / file.path).read_bytes()


@lru_cache(maxsize=64)
def attribute_files(clone: Git, commit: str) -> tuple[str, ...]:
    """The paths of every .gitattributes in a commit."""
    paths = _content.entries(clone, commit)
    return tuple(path for path in paths if path.rpartition("/")[2] == ".gitattributes")


def check_out(folder: Git, env: Mapping[str, str], paths: Iterable[str]) -> None:
    """Write files of the index of `env` into its worktree, which is `folder`."""
    names = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    folder.raw("checkout-index", "-q", "-z", "--stdin", stdin=names, env=env)


def attributes_change(clone: Git, env: Mapping[str, str], paths: list[str]) -> dict[str, bool]:
    """path -> whether an attribute may change the file at checkout, by the index of `env`."""
    told = clone.raw(
        "check-attr", "--cached", "-z", "--stdin", *_CONVERTING,
        stdin="".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape"), env=env,
    )  # fmt: skip
    fields = told.decode("utf-8", "surrogateescape").split("\0")[:-1]
    found = dict.fromkeys(paths, False)
    for path, attribute, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        found[path] |= value not in _NO_VALUE and (attribute, value) != ("eol", "lf")
    return found


@contextmanager
def index_of(clone: Git, commit: str) -> Iterator[tuple[dict[str, str], Path]]:
    """The environment of an index that holds a commit, and its worktree, an empty folder."""
    with scratch_folder(clone.folder) as scratch:
        folder = Path(scratch).resolve() / "tree"
        folder.mkdir()
        env = {
            "GIT_INDEX_FILE": str(folder.with_name("index")),
            "GIT_DIR": str(clone.folder.resolve()),
            "GIT_WORK_TREE": str(folder),
        }
        clone("read-tree", commit, env=env)
        yield env, folder


def _by_commit(files: Iterable[Located]) -> dict[str, list[Located]]:
    found: dict[str, list[Located]] = {}
    for file in dict.fromkeys(files):
        found.setdefault(file.commit, []).append(file)
    return found
