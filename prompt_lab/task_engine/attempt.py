"""One attempt: a candidate is made in the sandbox, checked, scored on both sides, kept or not."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from prompt_lab.store.files import write_text
from prompt_lab.task_engine import scope
from prompt_lab.task_engine.candidate import Maker
from prompt_lab.task_engine.check_candidate import CandidateCheck, stop
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
from prompt_lab.task_engine.scoring import (
    BOUNDS,
    Stopped,
    is_scored,
    prepare_scoring,
    score,
)
from prompt_lab.task_engine.task_context import TaskContext
from prompt_lab.task_engine.task_copy.files import Conflict
from prompt_lab.task_engine.task_copy.listing import list_files
from prompt_lab.task_engine.write_record import Versions, printable_path, record_of


@dataclass
class ActiveAttempt:
    """One attempt while it goes on. `mutator` replaces the task's own.

    `another`: the next attempt is likely to follow at once.
    """

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
    another: bool = False

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
        site.tree.layers.clear()
        record = record_of(self, found, monotonic() - begun)
        if found.status is AttemptStatus.KEEP:
            record = self._keep(record)
        else:
            self._write(record)
        with suppress(OSError):
            site.store.running.unlink()
        return record

    @property
    def _maker(self) -> Maker:
        return Maker(self.site, self.number, self.mutator, self.candidate)

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
        check = CandidateCheck(site, self.old, self.log)
        try:
            check.run()
        finally:
            self.new, self.summary = check.new, check.summary
        site.phase("score", self.number)
        while wanted := self._next_replicates():
            self._score_baseline(wanted)
            self._score_candidate(wanted)
        self._look_at_tree()
        site.phase("decide", self.number)
        return ruling(site.task, self.baseline, self.scored)

    def _look_at_tree(self) -> None:
        """Where each command has a layer none can have changed the tree: checked all the same.

        Raises Stopped where artifacts or what scores them are not as they were laid there.
        """
        site = self.site
        if site.layered:
            found = site.tree.altered((*site.evaluator, *site.guarded, *site.artifacts))
            if found:
                site.tree.touched()
            stop(scope.after_command("machine", found, ()))

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
        for replicate, then in zip(replicates, [*replicates[1:], None], strict=True):
            site.tree.reset()
            self.scored[replicate] = score(site, replicate, self.log, partial(self._prepare, then))

    def _prepare(self, replicate: int | None) -> None:
        """Say what is likely to be run next: this replicate's scoring, or another attempt."""
        if replicate is not None:
            prepare_scoring(self.site, replicate)
        elif self.another:
            self._maker.prepare_next(mean_score(self.baseline) if self.baseline else None)

    def _mutate(self) -> None:
        """Have the candidate made in the tree."""
        self.old = self._artifacts()
        best = mean_score(self.baseline) if self.baseline else None
        self.told = self._maker.make(best)

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


def _differing(site: TaskContext) -> list[str]:
    """The files of the workspace that are not what was copied."""
    now = list_files(site.root, site.artifacts, site.tools.git)
    return sorted(site.tree.differing(now)) or ["a file"]
