"""What a path, a suffix, a variable or a command line in a task.yaml may look like."""

import re
import shlex
from collections.abc import Iterable
from unicodedata import category, name, normalize

from prompt_lab.propose.budget import plain_path

IGNORED = ("work", ".venv", ".pytest_cache")
"""Folders at the repository's root that are in no copy and no hash."""


def folder_or_file(value: str) -> str:
    """A path below the task's folder, a folder with '/' at its end. Raises ValueError.

    >>> folder_or_file("prompts/")
    'prompts/'
    """
    if any(sign in value for sign in "*?["):
        raise ValueError(f"{value!r}: name files, or a folder with '/' at its end; no patterns")
    return _normalize_path(value.removesuffix("/")) + ("/" if value.endswith("/") else "")


def repository_path(value: str) -> str:
    """A path below the repository's root, or '.' for the root itself. Raises ValueError.

    >>> repository_path("./work/"), repository_path(".")
    ('work', '.')
    """
    if value in ("", ".", "./"):
        return "."
    return _normalize_path(value.removeprefix("./").removesuffix("/") or value)


def suffix(value: str) -> str:
    """A file's suffix, '.md'; '' for files without one. Raises ValueError."""
    if value and not re.fullmatch(r"\.[^./\\\s]+", value):
        raise ValueError("must be a suffix such as '.md', or '' for files without one")
    return value


def variable(value: str) -> str:
    """The name of an environment variable that is no secret. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError(f"{value!r} is no name of a variable")
    if re.search(r"(?i)(key|token|secret|password|credential)", value):
        raise ValueError(f"{value!r} looks like a secret: no secret reaches a task's commands")
    if value.upper().startswith(("PYTHON", "LD_", "PROMPTLAB_")):
        raise ValueError(f"{value!r} would change what commands load: it is never passed")
    return value


def split_command(line: str) -> list[str]:
    """A command line as words. Raises ValueError where a quote is left open."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ValueError(f"cannot be split into words: {error}") from error


def no_twins(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The paths. Raises ValueError where two are one on some file system, or one holds another."""
    folded = [normalize("NFKC", path).casefold().rstrip("/") for path in paths]
    for index, one in enumerate(folded):
        for other in folded[:index]:
            if one == other or one.startswith(other + "/") or other.startswith(one + "/"):
                raise ValueError(f"{paths[index]!r} is there twice, or lies in another one")
    return paths


def ignored(path: str) -> bool:
    """Whether a path relative to the repository's root belongs to no copy.

    >>> ignored("work/a"), ignored("src/work/a"), ignored("a/__pycache__/b.pyc")
    (True, False, True)
    """
    if path.partition("/")[0] in IGNORED:
        return True
    # Most paths hold neither word: they are not taken apart.
    held = ".git" in path or "__pycache__" in path
    return held and not {".git", "__pycache__"}.isdisjoint(path.split("/"))


def broken_rule(path: str) -> str:
    """Which rule for plain names a path breaks; '' for none.

    >>> broken_rule("a/b.md"), broken_rule("a" + chr(8205))
    ('', 'holds an invisible sign, U+200D (ZERO WIDTH JOINER)')
    """
    parts = path.split("/")
    odd = next((sign for sign in path if category(sign) in ("Cc", "Cf", "Cs")), "")
    if odd:
        kind = "a control sign" if category(odd) == "Cc" else "an invisible sign"
        return f"holds {kind}, U+{ord(odd):04X} ({name(odd, 'without a name')})"
    rules = {
        "holds a backslash, which some file systems take for '/'": "\\" in path,
        "has an empty part, or '.' or '..' as one": not {"", ".", ".."}.isdisjoint(parts),
        "has a part that some file system takes for .git": not plain_path(path),
        "is not in Unicode's composed form (NFC): write letter and accent as one sign": (
            normalize("NFC", path) != path
        ),
        "has a part that begins or ends with a space, or ends with a dot": any(
            part != part.strip() or part.endswith(".") for part in parts
        ),
    }
    return next((rule for rule, broken in rules.items() if broken), "")


def under(paths: Iterable[str], path: str) -> bool:
    """Whether a path is one of `paths` or lies below one; '.' holds all."""
    return any(p in (path, ".") or path.startswith(p.rstrip("/") + "/") for p in paths)


def is_artifact(artifacts: Iterable[str], path: str) -> bool:
    """Whether a path is an artifact itself, or lies in one that is a folder ('/' at its end).

    >>> is_artifact(["a.md", "b/"], "a.md"), is_artifact(["a.md", "b/"], "a.md/x")
    (True, False)
    """
    return any(path == a or (a.endswith("/") and path.startswith(a)) for a in artifacts)


def artifacts_among(artifacts: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Those of many paths that are artifacts.

    >>> artifacts_among(["a.md", "b/"], ["a.md", "b/c", "d"])
    ['a.md', 'b/c']
    """
    given = set(artifacts)
    folders = tuple(one for one in given if one.endswith("/"))
    if not folders:
        return [path for path in paths if path in given]
    return [path for path in paths if path in given or path.startswith(folders)]


def _normalize_path(value: str) -> str:
    if value.startswith(("/", "~")) or re.match(r"[A-Za-z]:", value):
        raise ValueError(f"{value!r} must be a relative path")
    if ".." in value.split("/"):
        raise ValueError(f"{value!r} leads out: '..' is not allowed")
    broken = broken_rule(value)
    if broken:
        raise ValueError(f"{value!r} {broken}")
    return value
