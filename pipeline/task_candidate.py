"""Making a candidate in the sandbox: by a mutator, or from a folder of changed files."""

import json
from dataclasses import dataclass
from pathlib import Path

from adapters.sandbox import files
from pipeline.task_scoring import Stopped, ran
from pipeline.task_site import Site
from prompt_lab.errors import TargetError
from prompt_lab.store.files import read_if_whole, write_text
from prompt_lab.tasks.keep import Ruling
from prompt_lab.tasks.parts import Command
from prompt_lab.tasks.record import Code, Status
from prompt_lab.tasks.told import Told

HISTORY = "work/history.jsonl"
HISTORY_ROWS = 100
HISTORY_BYTES = 1 << 20
TOLD = "work/mutation.json"


@dataclass
class Maker:
    """Who makes the candidate of an attempt; `mutator` stands in for the task's own."""

    site: Site
    number: int
    mutator: tuple[str, ...] = ()
    candidate: Path | None = None

    def make(self, best: float | None) -> Told:
        """Change the tree; what the mutator says of it. `best` is the baseline's score, if any.

        Raises Stopped where the mutator fails.
        """
        if self.candidate is not None:
            _lay_over(self.candidate, self.site.tree.folder)
            self.site.tree.touched()
            return Told()
        site, command = self.site, self._command()
        files.make_folder(site.tree.folder, "work")
        write_text(site.tree.folder / HISTORY, self._history(), durable=False)
        more = {
            "PROMPTLAB_ATTEMPT": str(self.number),
            "PROMPTLAB_SEED": str(self.number),
            "PROMPTLAB_HISTORY": str(site.seen / HISTORY),
            "PROMPTLAB_BASELINE_SCORE": "" if best is None else f"{best:.17g}",
        }
        ran(site, "mutator", command, more, site.store.attempt(self.number))
        path = site.tree.folder / TOLD
        if path.is_symlink() or path.parent.is_symlink():
            return Told()
        return read_if_whole(path, Told) or Told()

    def _command(self) -> Command:
        command = self.site.task.mutator
        if self.mutator:
            known = command.model_dump() if command else {}
            return Command.model_validate({**known, "command": self.mutator, "cwd": "."})
        if command is None:
            text = "the task has no mutator: name one with --mutator, or give --candidate"
            raise Stopped(Ruling(Status.CRASH, Code.MUTATOR_FAILED, text))
        return command

    def _history(self) -> str:
        rows = self.site.store.rows(HISTORY_BYTES)[-HISTORY_ROWS:]
        return "".join(json.dumps({**row, "verdict": None}) + "\n" for row in rows)


def _lay_over(candidate: Path, tree: Path) -> None:
    """Copy a folder's files into the tree, links as links."""
    found, _ = files.scan(candidate)
    if not found:
        raise TargetError(
            f"{candidate}: holds no file: lay the changed files out in it as in the repository"
        )
    for name in found:
        files.copy(candidate / name, tree, name)
