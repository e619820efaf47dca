"""Whether what a command changed is what the task lets it change."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from unicodedata import normalize

from prompt_lab.propose import budget as rules
from prompt_lab.propose.budget import Breach, ChangedFile, excesses
from prompt_lab.task_engine.keep import AttemptDecision
from prompt_lab.task_engine.parts import Command
from prompt_lab.task_engine.paths import broken_rule, is_artifact, under
from prompt_lab.task_engine.record import AttemptCode, AttemptStatus
from prompt_lab.task_engine.schema import Task

SHOWN = 5
_CODES = {
    Breach.NOT_A_FILE: AttemptCode.LINK,
    Breach.BAD_PATH: AttemptCode.BAD_NAME,
    Breach.OUTSIDE_PATHS: AttemptCode.OUT_OF_SCOPE,
    Breach.NOTHING_CHANGED: AttemptCode.NOTHING_CHANGED,
    Breach.FILE_TYPE: AttemptCode.FILE_TYPE,
    Breach.BINARY: AttemptCode.BINARY,
    Breach.RENAMED: AttemptCode.RENAMED,
    Breach.MODE_CHANGED: AttemptCode.MODE_CHANGED,
    Breach.DELETED: AttemptCode.DELETED,
    Breach.TEST_DELETED: AttemptCode.TEST_DELETED,
    Breach.TOO_MANY_FILES: AttemptCode.TOO_MANY_FILES,
    Breach.TOO_MANY_LINES: AttemptCode.TOO_MANY_LINES,
}
"""In the order in which one of several breaches becomes the reason."""


def artifact_paths(task: Task, home: str) -> tuple[str, ...]:
    """The artifacts from the repository's root; `home` is the task's folder there, '.' for it."""
    return tuple(_join_path(home, path) for path in task.artifacts)


def evaluator_paths(task: Task, task_file: str) -> tuple[str, ...]:
    """What scores, from the repository's root: the task's file, its `evaluator`, and every word of
    a command that may be a path."""
    found = [task_file, *task.evaluator]
    for command in (task.scorer, task.runner):
        found += _possible_paths(command) if command is not None else []
    return tuple(dict.fromkeys(found))


def out_of_scope(
    changed: Collection[str],
    artifacts: Iterable[str],
    evaluator: Iterable[str],
    guarded: Collection[str] = (),
) -> AttemptDecision | None:
    """The discard of a candidate that changes other files than artifacts; None where it does not.

    What is `guarded` may not be changed, even where an artifact's folder holds it.
    """
    own = sorted(path for path in changed if under(guarded, path))
    if own:
        return _discard(AttemptCode.EVALUATOR_CHANGED, "the candidate changes what scores it", own)
    allowed = tuple(artifacts)
    strays = sorted(path for path in changed if not is_artifact(allowed, path))
    scoring = [path for path in strays if under(evaluator, path)]
    if scoring:
        return _discard(
            AttemptCode.EVALUATOR_CHANGED, "the candidate changes what scores it", scoring
        )
    if strays:
        return _discard(
            AttemptCode.OUT_OF_SCOPE, "the candidate changes files that are no artifacts", strays
        )
    return None


def over_budget(
    task: Task, changes: Sequence[ChangedFile], artifacts: Sequence[str]
) -> AttemptDecision | None:
    """The discard of a candidate that exceeds the mutation budget; None where it does not."""
    found = excesses(
        changes,
        rules.EditBudget(
            paths=tuple(path.rstrip("/") for path in artifacts),
            max_files=task.mutation.max_files,
            max_lines=task.mutation.max_lines,
            file_types=task.mutation.file_types,
            may_delete=task.mutation.may_delete,
        ),
    )
    codes = {excess.code: excess for excess in found}
    for breach, code in _CODES.items():
        if breach in codes:
            text, paths = codes[breach].text, codes[breach].paths
            if code is AttemptCode.BAD_NAME:
                text = "; ".join(f"{p!r} {broken_rule(p)}" for p in paths[:SHOWN])
            return AttemptDecision(AttemptStatus.DISCARD, code, text, files=paths)
    return None


def twin_names(names: Iterable[str]) -> AttemptDecision | None:
    """The discard of artifacts that some file system takes for one, or writes in another form."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        folded = normalize("NFKC", name).casefold()
        if folded in seen:
            return _discard(
                AttemptCode.BAD_NAME, "one name on some file systems", [seen[folded], name]
            )
        if normalize("NFC", name) != name:
            return _discard(AttemptCode.BAD_NAME, "not in Unicode's composed form", [name])
        seen[folded] = name
    return None


def after_command(
    who: str, changed: Collection[str], artifacts: Iterable[str]
) -> AttemptDecision | None:
    """The discard of a runner or scorer that changed a file which was there before it."""
    found = sorted(changed)
    if not found:
        return None
    allowed = tuple(artifacts)
    own = [path for path in found if is_artifact(allowed, path)]
    if own:
        return _discard(AttemptCode.ARTIFACT_CHANGED, f"the {who} changed an artifact", own)
    return _discard(
        AttemptCode.EVALUATOR_CHANGED, f"the {who} changed files that it runs among", found
    )


def _discard(code: AttemptCode, text: str, files: Sequence[str]) -> AttemptDecision:
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    detail = f"{text}: {', '.join(map(repr, files[:SHOWN]))}{more}"
    return AttemptDecision(AttemptStatus.DISCARD, code, detail, files=tuple(files[:100]))


def _possible_paths(command: Command) -> list[str]:
    """Words that may be paths; one that is none names no file, and does no harm."""
    words = [word for word in command.command if word and not word.startswith(("-", "/"))]
    return [
        _join_path(command.cwd, word) for word in words if ".." not in PurePosixPath(word).parts
    ]


def _join_path(folder: str, path: str) -> str:
    return path if folder == "." else f"{folder}/{path}"
