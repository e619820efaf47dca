"""Making a candidate in the sandbox: by a mutator, or from a folder of changed files."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from prompt_lab.errors import StoreError
from prompt_lab.store.files import write_text
from prompt_lab.task_engine.command_call import CommandCall
from prompt_lab.task_engine.keep import AttemptDecision
from prompt_lab.task_engine.parts import Command
from prompt_lab.task_engine.paths import IGNORED
from prompt_lab.task_engine.record import AttemptCode, AttemptStatus, MutationReport
from prompt_lab.task_engine.scoring import Stopped, prepare_scoring, ran
from prompt_lab.task_engine.task_context import TaskContext
from prompt_lab.task_engine.task_copy import files

HISTORY = "work/history.jsonl"
HISTORY_ROWS = 100
HISTORY_BYTES = 1 << 20
TOLD = "work/mutation.json"
TOLD_BYTES = 1 << 20


@dataclass
class Maker:
    """Who makes the candidate of an attempt; `mutator` replaces the task's own."""

    site: TaskContext
    number: int
    mutator: tuple[str, ...] = ()
    candidate: Path | None = None

    def make(self, best: float | None) -> MutationReport:
        """Change the tree; what the mutator says of it. `best` is the baseline's score, if any.

        Raises Stopped where the mutator fails.
        """
        if self.candidate is not None:
            most = self.site.task.limits.file_mb << 20
            _lay_over(self.candidate, self.site.tree.folder, most)
            self.site.tree.touched()
            return MutationReport()
        site, command = self.site, self._command()
        files.make_folder(site.tree.folder, "work")
        write_text(site.tree.folder / HISTORY, self._history(), durable=False)
        prepare_scoring(site, 0)
        call = self._call(command, self.number, best)
        ran(site, "mutator", call, site.store.attempt(self.number))
        return _read_mutation_report(site.tree.changes)

    def prepare_next(self, best: float | None) -> None:
        """Say that the next attempt's candidate is likely to be made from the same baseline."""
        if self.candidate is None:
            self.site.prepare(self._call(self._command(), self.number + 1, best))

    def _call(self, command: Command, number: int, best: float | None) -> CommandCall:
        environment = {
            "PROMPTLAB_ATTEMPT": str(number),
            "PROMPTLAB_SEED": str(number),
            "PROMPTLAB_HISTORY": str(self.site.tree_path_in_sandbox / HISTORY),
            "PROMPTLAB_BASELINE_SCORE": "" if best is None else f"{best:.17g}",
        }
        return CommandCall(command, environment, "mutator")

    def _command(self) -> Command:
        command = self.site.task.mutator
        if self.mutator:
            known = command.model_dump() if command else {}
            return Command.model_validate({**known, "command": self.mutator, "cwd": "."})
        if command is None:
            text = "the task has no mutator: name one with --mutator, or give --candidate"
            raise Stopped(AttemptDecision(AttemptStatus.CRASH, AttemptCode.MUTATOR_FAILED, text))
        return command

    def _history(self) -> str:
        rows = self.site.store.rows(HISTORY_BYTES)[-HISTORY_ROWS:]
        return "".join(json.dumps({**row, "verdict": None}) + "\n" for row in rows)


def _read_mutation_report(tree: Path) -> MutationReport:
    """What the mutator left in work/mutation.json; nothing where that is no plain, small file."""
    path = tree / TOLD
    if path.parent.is_symlink():
        return MutationReport()
    try:
        with files.opened_own(path) as file:
            return MutationReport.model_validate_json(file.read(TOLD_BYTES))
    except (OSError, ValidationError):
        return MutationReport()


def _lay_over(candidate: Path, tree: Path, most: int) -> None:
    """Copy a folder's files, of `most` bytes in all, into the tree, links as links.

    Raises Stopped.
    """
    try:
        # The candidate may be a whole repository: its .git is none of the changes.
        found, _ = files.scan(candidate, (*IGNORED, ".git"))
        odd = [name for name, one in found.items() if files.git_mode(one.mode) == files.SPECIAL]
        if odd:
            text = f"neither a file nor a link: {', '.join(map(repr, odd[:5]))}"
            raise Stopped(
                AttemptDecision(
                    AttemptStatus.DISCARD, AttemptCode.LINK, text, files=tuple(odd[:100])
                )
            )
        # Before anything is copied: a sparse file takes no room where it lies, but here it would.
        size = sum((candidate / name).lstat().st_size for name in found)
        if size > most:
            text = f"--candidate holds {size >> 20} MB, limits.file_mb allows {most >> 20}"
            raise Stopped(AttemptDecision(AttemptStatus.CRASH, AttemptCode.FILE_LIMIT, text))
        for name in found:
            files.copy(candidate / name, tree, name)
    except OSError as error:
        raise _bad_candidate(f"{error.filename or candidate}: {error.strerror}") from error
    except StoreError as error:
        raise _bad_candidate(str(error)) from error
    if not found:
        raise _bad_candidate(
            f"{candidate}: holds no file: lay the changed files out in it as in the repository"
        )


def _bad_candidate(text: str) -> Stopped:
    return Stopped(
        AttemptDecision(AttemptStatus.CRASH, AttemptCode.BAD_FLAG, f"--candidate: {text}")
    )
