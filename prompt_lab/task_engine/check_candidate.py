"""Whether a candidate is one that the task allows, and what it changes."""

from dataclasses import dataclass, field
from pathlib import Path

from prompt_lab.errors import StoreError
from prompt_lab.store.files import write_text
from prompt_lab.task_engine import scope
from prompt_lab.task_engine.changes import changed_files, diff
from prompt_lab.task_engine.keep import AttemptDecision
from prompt_lab.task_engine.record import AttemptCode, AttemptStatus, DiffSummary
from prompt_lab.task_engine.scoring import Stopped, clean
from prompt_lab.task_engine.task_context import TaskContext
from prompt_lab.task_engine.task_copy.files import FileStamp
from prompt_lab.task_engine.write_record import Versions, printable_path, there


@dataclass
class CandidateCheck:
    """The artifacts as the mutator left them, and how they differ from `old`, as far as is known.

    The whole difference is written into the folder `log`.
    """

    site: TaskContext
    old: Versions
    log: Path
    new: Versions = field(default_factory=dict)
    summary: DiffSummary = field(default_factory=DiffSummary)

    def run(self) -> None:
        """Raises Stopped where the candidate is not one that the task allows."""
        site = self.site
        try:
            changed = clean(site, site.tree.changed_files())
        except StoreError as error:
            raise Stopped(
                AttemptDecision(AttemptStatus.DISCARD, AttemptCode.OUT_OF_SCOPE, str(error))
            ) from error
        stop(scope.out_of_scope(changed, site.artifacts, site.evaluator, site.guarded))
        self.new = dict(self.old)
        for name, stamp in changed.items():
            if stamp is not None:
                stop(_forbidden_file(name, stamp, site.task.limits.file_mb))
            self.new[name] = None if stamp is None else site.tree.take(name)
        before, after = there(self.old), there(self.new)
        changes = changed_files(before, after)
        self.summary = DiffSummary(
            files=tuple(printable_path(change.path) for change in changes),
            added=sum(change.added for change in changes),
            removed=sum(change.removed for change in changes),
        )
        stop(scope.over_budget(site.task, changes, site.artifacts))
        stop(scope.twin_names(after))
        path = self.log / "candidate.diff"
        write_text(path, diff(before, after), durable=False)
        where = path.relative_to(site.root).as_posix()
        self.summary = self.summary.model_copy(update={"diff": where})


def stop(found: AttemptDecision | None) -> None:
    """Raises Stopped where a rule has found something."""
    if found is not None:
        raise Stopped(found)


def _forbidden_file(name: str, stamp: FileStamp, most_mb: int) -> AttemptDecision | None:
    if stamp.links > 1:
        text = f"{name!r} is a hard link"
        return AttemptDecision(AttemptStatus.DISCARD, AttemptCode.LINK, text, files=(name,))
    if stamp.size > most_mb << 20:
        text = f"{name!r} holds more than limits.file_mb"
        return AttemptDecision(AttemptStatus.DISCARD, AttemptCode.BINARY, text, files=(name,))
    return None
