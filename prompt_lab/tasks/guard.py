"""What no artifact and no output covers: task.yaml, the evaluator, the scorer's program."""

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from unicodedata import normalize

from prompt_lab.tasks.parts import Command
from prompt_lab.tasks.schema import Task

Lookup = Callable[[str], str | None]
"""Path from the root -> where it really is, from the root too; None where nothing is there."""
_SHELL = re.compile(r"(ba|da|k|z|a)?sh")
_PYTHON = re.compile(r"(python|pypy)[\d.]*")
_OTHER = re.compile(
    r"(node|deno|bun|ruby|perl|php|lua|julia|tclsh|guile|java)[\d.]*|Rscript|uv|make"
)


def guarded_paths(task: Task, task_file: str, root: str, real: Lookup) -> tuple[str, ...]:
    """What decides the score and can never be a candidate's, from the repository's root."""
    named = [task_file, *task.evaluator, *_programs(task.scorer, root, real)]
    found = [*named, *(where for path in named if (where := real(path)))]
    return tuple(dict.fromkeys(found))


def artifact_faults(artifacts: Iterable[str], guarded: Iterable[str]) -> Iterator[str]:
    """A sentence for each artifact that is, holds or lies in what scores it."""
    for index, path in enumerate(artifacts):
        for other in guarded:
            if overlap(path, other):
                yield (
                    f"artifacts.{index}: {path!r} covers {other!r}, which scores it: a candidate"
                    " could give itself any score. Keep the two apart"
                )
                break


def output_faults(
    outputs: Iterable[str], artifacts: Iterable[str], guarded: Iterable[str]
) -> Iterator[str]:
    """A sentence for each output within which the runner could write what it is judged by."""
    held = [*artifacts, *guarded]
    for index, path in enumerate(outputs):
        if path == ".":
            yield f"outputs.{index}: '.' is the whole repository: name a folder of its own"
            continue
        other = next((one for one in held if overlap(path, one)), None)
        if other is not None:
            yield f"outputs.{index}: {path!r} covers {other!r}: name a folder of its own"


def overlap(one: str, other: str) -> bool:
    """Whether two paths are one, or one holds the other, on some file system.

    >>> overlap("t/a/", "t/a/b.py"), overlap("t/a", "T/A"), overlap("t/a", "t/ab")
    (True, True, False)
    """
    if "." in (one, other):
        return True
    first, second = (normalize("NFKC", p).casefold().rstrip("/") for p in (one, other))
    return first == second or first.startswith(second + "/") or second.startswith(first + "/")


def _programs(command: Command, root: str, real: Lookup) -> Iterator[str]:
    """The files of the repository that a command runs, not those that it is only told."""
    yield from _run(list(command.command), command.cwd, root, real)


def _run(words: list[str], cwd: str, root: str, real: Lookup) -> Iterator[str]:
    interpreter = ""
    for index, word in enumerate(words):
        name = PurePosixPath(word).name
        runs = any(kind.fullmatch(name) for kind in (_SHELL, _PYTHON, _OTHER))
        interpreter = name if runs else interpreter
        after = words[index + 1] if index + 1 < len(words) else ""
        told = _told(interpreter, word)
        if told == "module":
            yield from _module(after, cwd)
        elif told == "code" and _SHELL.fullmatch(interpreter):
            yield from _run(_split(after), cwd, root, real)
        if told:
            return
        path = _from_root(word, cwd, root)
        if path is None or not (interpreter or (index == 0 and "/" in word)):
            continue
        yield path
        if real(path) is not None and not runs:
            return  # what follows is told to it


def _told(interpreter: str, option: str) -> str:
    """Whether an interpreter is given 'code' or a 'module' by its next word; '' for neither."""
    if not interpreter or not option.startswith("-") or option.startswith("--"):
        return ""
    if _SHELL.fullmatch(interpreter):
        return "code" if option.endswith("c") else ""
    if _PYTHON.fullmatch(interpreter):
        return {"c": "code", "m": "module"}.get(option[-1], "")
    return "code" if option in ("-e", "-p", "-r") and interpreter != "uv" else ""


def _module(name: str, cwd: str) -> Iterator[str]:
    """Where Python looks for a module of the repository, with the packages that it runs first."""
    parts = name.split(".")
    whole = "/".join(parts)
    for path in (f"{whole}.py", f"{whole}/__main__.py", f"{whole}/__init__.py"):
        yield _joined(cwd, path)
    for count in range(1, len(parts)):
        yield _joined(cwd, "/".join(parts[:count]) + "/__init__.py")


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _from_root(word: str, cwd: str, root: str) -> str | None:
    """A word as a path from the root; None where it can be none in the repository."""
    if not word or word.startswith("-") or "\0" in word or len(word) > 4096:
        return None
    path = os.path.relpath(os.path.join(root, cwd, word), root)
    return None if path in (".", "..") or path.startswith("../") else path


def _joined(cwd: str, path: str) -> str:
    return path if cwd == "." else f"{cwd}/{path}"
