"""What no artifact and no output covers: task.yaml, the evaluator, the scorer's program."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from unicodedata import normalize

from prompt_lab.task_engine.programs import Lookup, Reader
from prompt_lab.task_engine.schema import Task

_SUFFIX = re.compile(
    r"\.(py[cwz]?|zip|so|(ba|k|z)?sh|[cm]?[jt]s|rb|p[lm]|php|lua|jl|r|tcl|scm|java|jar|class|awk|sed|mk)"
)
_NAME = re.compile(
    r"(gnu)?makefile|\.?justfile|rakefile|package\.json|(tox|pytest)\.ini|setup\.cfg|pyproject\.toml"
)
"""Files that say what make, npm, pytest and their like run."""


def guarded_paths(
    task: Task, task_file: str, programs: Iterable[str], real: Lookup
) -> tuple[str, ...]:
    """What decides the score and can never be a candidate's, from the repository's root."""
    named = [task_file, *task.evaluator, *programs]
    found = [*named, *(where for path in named if (where := real(path)))]
    return tuple(dict.fromkeys(found))


def scorer_of(task: Task, task_file: str, root: str, real: Lookup) -> Reader:
    """What the scorer's words tell of what it runs."""
    reader = Reader(root, PurePosixPath(task_file).parent.as_posix(), real)
    reader.run(task.scorer.command, task.scorer.cwd)
    return reader


def is_program(name: str) -> bool:
    """Whether a file's name is that of a program, or of what makes programs run.

    >>> is_program("t/a.py"), is_program("t/Makefile"), is_program("t/SKILL.md")
    (True, True, False)
    """
    path = PurePosixPath(name.casefold())
    return bool(_SUFFIX.fullmatch(path.suffix) or _NAME.fullmatch(path.name))


def hidden_faults(
    task: Task, artifacts: Iterable[str], scorer: Reader, runs: Callable[[str], bool]
) -> Iterator[str]:
    """A sentence for each artifact that may be what a scorer runs whose words cannot tell.

    `runs` says whether an artifact is or holds a program. A declared `evaluator` says it instead.
    """
    if task.evaluator or not scorer.hidden:
        return
    for index, path in enumerate(artifacts):
        if any(_within(path, other) for other in scorer.mentioned):
            what = "is named by the scorer's line, which may run it"
        elif runs(path):
            what = f"is or holds a program, and the scorer {scorer.hidden}"
        else:
            continue
        yield (
            f"artifacts.{index}: {path!r} {what}: a candidate could give itself any score. Name"
            " the program in scorer.command ('python score.py'), or declare it with 'evaluator:'"
        )


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


def _within(artifact: str, path: str) -> bool:
    """Whether a path is an artifact or lies in one, on some file system."""
    first, second = (normalize("NFKC", p).casefold() for p in (artifact, path))
    return first == second or (first.endswith("/") and second.startswith(first))
