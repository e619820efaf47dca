"""One attempt: a candidate is made in the sandbox, checked, scored on both sides, kept or not."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from prompt_lab.errors import StoreError
from prompt_lab.store.files import write_text
from prompt_lab.task_engine import scope
from prompt_lab.task_engine.candidate import Maker
from prompt_lab.task_engine.changes import changed_files, diff
from prompt_lab.task_engine.keep import (
    AttemptDecision,
    mean_score,
    next_replicates,
    ruling,
)
from prompt_lab.task_engine.paths import artifacts_among
from prompt_lab.task_engine.record import (
    AttemptCode,
    AttemptRecord,
    AttemptStatus,
    DiffSummary,
    MutationReport,
)
from prompt_lab.task_engine.score import Scored
from prompt_lab.task_engine.scoring import BOUNDS, Stopped, clean, is_scored, score
from prompt_lab.task_engine.task_context import TaskContext
from prompt_lab.task_engine.task_copy.files import Conflict
from prompt_lab.task_engine.task_copy.listing import list_files
from prompt_lab.task_engine.write_record import Versions, printable_path, record_of, there


@dataclass
class ActiveAttempt:
    """One attempt while it goes on. `mutator` replaces the task's own."""

    site: TaskContext
    number: int
    started: str
    mutator: tuple[str, ...] = ()
    candidate: Path | None = None
    old: Versions = field(default_factory=dict)
    new: Versions = field(default_factory=dict)
    baseline: dict[int, Scored] = field(default_factory=dict)
    scored: dict[int, Scored] = field(default_factory=dict)
    told: MutationReport = field(default_factory=MutationReport)
    summary: DiffSummary = field(default_factory=DiffSummary)
    cached: bool = True
    no_baseline: bool = False

    def run(self) -> AttemptRecord:
        """The record; a keep is in the workspace then. Raises LabError where the engine fails."""
        begun = monotonic()
        site = self.site
        site.phase("recover", self.number)
        site.sync.recover()
        site.phase("copy", self.number)
        try:
            site.tree.refresh(site.artifacts)
            found = self._judge()
        except Stopped as stopped:
            found = stopped.ruling
        except Conflict as error:
            found = _changed_meanwhile(error)
        record = record_of(self, found, monotonic() - begun)
        if found.status is AttemptStatus.KEEP:
            record = self._keep(record)
        else:
            self._write(record)
        with suppress(OSError):
            site.store.running.unlink()
        return record

    @property
    def log(self) -> Path:
        """The attempt's folder."""
        return self.site.store.attempt(self.number)

    def _judge(self) -> AttemptDecision:
        site = self.site
        text = site.tools.commands.refusal
        if site.task.jail == "required" and site.no_sandbox:
            text = f"the task requires a sandbox, and there is none: {site.no_sandbox}"
        if text:
            raise Stopped(AttemptDecision(AttemptStatus.CRASH, AttemptCode.NO_SANDBOX, text))
        site.phase("baseline", self.number)
        self._score_baseline(range(2 if site.task.policy.mode == "exact" else 1))
        site.phase("mutate", self.number)
        site.tree.overlay({})
        site.tree.reset()
        self._mutate()
        self._check()
        site.phase("score", self.number)
        while wanted := self._next_replicates():
            self._score_baseline(wanted)
            self._score_candidate(wanted)
        site.phase("decide", self.number)
        return ruling(site.task, self.baseline, self.scored)

    def _next_replicates(self) -> list[int]:
        """The replicates to score next; one will do where there is nothing to compare with."""
        if self.no_baseline:
            return [] if self.scored else [0]
        return next_replicates(self.site.task, self.baseline, self.scored)

    def _score_baseline(self, replicates: Iterable[int]) -> None:
        """Of the workspace as it is; where that cannot be scored, there is no baseline."""
        site = self.site
        missing = [replicate for replicate in replicates if replicate not in self.baseline]
        if self.no_baseline or not missing:
            return
        site.tree.overlay({})
        site.tree.reset()
        for replicate in missing:
            if self.no_baseline:
                break
            self.cached = self.cached and is_scored(site, replicate)
            try:
                self.baseline[replicate] = score(site, replicate, self.log / "baseline")
            except Stopped as stopped:
                self._without_baseline(stopped)
            site.tree.reset()

    def _without_baseline(self, stopped: Stopped) -> None:
        """Go on without one. Raises Stopped where that would let a worse candidate in."""
        site, found = self.site, stopped.ruling
        text = f"the baseline: {found.detail}"
        absent = not artifacts_among(site.artifacts, site.tree.indexed_paths)
        if found.code in BOUNDS:
            raise Stopped(
                AttemptDecision(AttemptStatus.CRASH, AttemptCode.BASELINE_FAILED, text)
            ) from stopped
        if self.baseline or site.store.had_baseline():
            text += ". It could be scored before: fix what has changed, or give the task a new id"
            raise Stopped(
                AttemptDecision(AttemptStatus.CRASH, AttemptCode.BASELINE_FAILED, text)
            ) from stopped
        if not (stopped.refused or absent):
            raise Stopped(found._replace(detail=text)) from stopped
        self.no_baseline = True

    def _score_candidate(self, replicates: list[int]) -> None:
        site = self.site
        site.tree.overlay({n: v for n, v in self.new.items() if v != self.old.get(n)})
        for replicate in replicates:
            site.tree.reset()
            self.scored[replicate] = score(site, replicate, self.log)

    def _mutate(self) -> None:
        """Have the candidate made in the tree."""
        self.old = self._artifacts()
        best = mean_score(self.baseline) if self.baseline else None
        maker = Maker(self.site, self.number, self.mutator, self.candidate)
        self.told = maker.make(best)

    def _check(self) -> None:
        """Raises Stopped where the candidate is not one that the task allows."""
        site = self.site
        try:
            changed = clean(site, site.tree.changed_files())
        except StoreError as error:
            raise Stopped(
                AttemptDecision(AttemptStatus.DISCARD, AttemptCode.OUT_OF_SCOPE, str(error))
            ) from error
        _stop(scope.out_of_scope(changed, site.artifacts, site.evaluator, site.guarded))
        self.new = dict(self.old)
        for name, stamp in changed.items():
            if stamp is not None and stamp.links > 1:
                text = f"{name!r} is a hard link"
                raise Stopped(
                    AttemptDecision(AttemptStatus.DISCARD, AttemptCode.LINK, text, files=(name,))
                )
            if stamp is not None and stamp.size > site.task.limits.file_mb << 20:
                text = f"{name!r} holds more than limits.file_mb"
                raise Stopped(
                    AttemptDecision(AttemptStatus.DISCARD, AttemptCode.BINARY, text, files=(name,))
                )
            self.new[name] = site.tree.take(name)
        before, after = there(self.old), there(self.new)
        changes = changed_files(before, after)
        self.summary = DiffSummary(
            files=tuple(printable_path(change.path) for change in changes),
            added=sum(change.added for change in changes),
            removed=sum(change.removed for change in changes),
        )
        _stop(scope.over_budget(site.task, changes, site.artifacts))
        _stop(scope.twin_names(after))
        path = self.log / "candidate.diff"
        write_text(path, diff(before, after), durable=False)
        where = path.relative_to(site.root).as_posix()
        self.summary = self.summary.model_copy(update={"diff": where})

    def _keep(self, record: AttemptRecord) -> AttemptRecord:
        site = self.site
        site.phase("sync", self.number)
        changed = [name for name in self.new if self.new[name] != self.old.get(name)]
        try:
            if not site.tree.unchanged(site.artifacts):
                raise Conflict(_differing(site))
            site.sync.keep(
                {name: self.old.get(name) for name in changed},
                {name: self.new[name] for name in changed},
                record,
            )
        except Conflict as error:
            found = _changed_meanwhile(error)
            told = {"status": found.status, "reason": found.code, "detail": found.detail}
            record = record.model_copy(update={**told, "files": found.files})
            self._write(record)
        return record

    def _write(self, record: AttemptRecord) -> None:
        store = self.site.store
        store.append(json.loads(record.model_dump_json()))
        write_text(store.record(self.number), record.model_dump_json() + "\n", durable=False)

    def _artifacts(self) -> Versions:
        """Every artifact as the tree holds it."""
        tree = self.site.tree
        return {
            name: tree.take(name)
            for name in artifacts_among(self.site.artifacts, tree.indexed_paths)
        }


def _changed_meanwhile(error: Conflict) -> AttemptDecision:
    return AttemptDecision(
        AttemptStatus.DISCARD,
        AttemptCode.WORKSPACE_CHANGED,
        str(error),
        files=tuple(map(printable_path, error.paths)),
    )


def _stop(found: AttemptDecision | None) -> None:
    if found is not None:
        raise Stopped(found)


def _differing(site: TaskContext) -> list[str]:
    """The files of the workspace that are not what was copied."""
    now = list_files(site.root, site.artifacts, site.tools.git)
    return sorted(site.tree.differing(now)) or ["a file"]
