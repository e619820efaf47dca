"""The contents of plan folders: what decides whether an earlier run still holds."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from prompt_lab.store.files import disk_errors

WHOLE = "folder:"
"""Begins a digest of a whole plan folder; digests without it are of inputs and gold alone."""
_CHUNK = 1 << 20


def hash_plan(folder: Path) -> dict[str, str]:
    """path in a plan folder -> sha256 of the bytes there ('' for a folder). Raises StoreError.

    Links are followed. Left out are links that lead nowhere or back up, and what is neither file
    nor folder: a step's copy of the plan lacks them too.
    """
    with disk_errors(folder):
        return dict(_walk(folder, folder, frozenset()))


def digest_files(files: Mapping[str, str]) -> str:
    """One digest of all that `hash_plan` gave."""
    return WHOLE + _sha256(dict(files))


def digest_folder(folder: Path) -> str:
    """The digest of a whole plan folder. Raises StoreError."""
    return digest_files(hash_plan(folder))


def is_under(path: str, names: Iterable[str]) -> bool:
    """Whether a path in a plan folder is one of `names`, or lies in a folder that is."""
    return any(path == name or path.startswith(f"{name}/") for name in names)


def digest_answer_inputs(
    files: Mapping[str, str], inputs: Sequence[str], scoring: Sequence[str] | None
) -> str:
    """The digest of what decides an answer: the inputs, and the names of all that a step is given.

    `scoring` are the names that only score() is given; None: the step is given its inputs alone.
    Of further files the contents are compared with what each run has read (`FilesRead.plan`).
    """
    declared = {path: found for path, found in files.items() if is_under(path, inputs)}
    given = [path for path in files if scoring is not None and not is_under(path, scoring)]
    return _sha256([declared, sorted(given)])


def _walk(root: Path, folder: Path, above: frozenset[Path]) -> Iterator[tuple[str, str]]:
    real = folder.resolve()
    if real in above:
        return
    for entry in folder.iterdir():
        path = entry.relative_to(root).as_posix()
        if entry.is_dir():
            yield path, ""
            yield from _walk(root, entry, above | {real})
        elif entry.is_file():
            yield path, _hash_file(entry)


def _hash_file(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            found.update(data)
    return found.hexdigest()


def _sha256(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
