"""Record what a run has read: a digest of the plan folder, and files outside of it."""

from collections.abc import Mapping
from pathlib import Path

from prompt_lab.files_read import FilesRead
from prompt_lab.ports import StepAdapter
from prompt_lab.records import RunRecord
from prompt_lab.step_results import ScoreResult, StepResult
from prompt_lab.store.batch import PlannedRun
from prompt_lab.store.plan_files import digest_answer_inputs, digest_files, hash_plan, is_under


class PlanTrace:
    """Hashes the plan folder before and after a run. Both methods raise StoreError."""

    def __init__(self, adapter: StepAdapter, plan_dir: Path, planned: PlannedRun) -> None:
        self._adapter, self._folder, self._planned = adapter, plan_dir, planned
        self._files: Mapping[str, str] = {}

    def begin(self) -> None:
        """Call this before the step is executed."""
        self._files = hash_plan(self._folder)

    def end(self, result: StepResult, score: ScoreResult) -> FilesRead:
        """Call this after scoring. What cannot be determined counts as read."""
        given = _given(self._adapter, self._files)
        read = given if result.plan_read is None else set(result.plan_read) & set(given)
        plan = {name: self._files[name] for name in sorted(read)}
        return self._record(plan, result.outside, score)

    def end_rescored(self, source: RunRecord, score: ScoreResult) -> FilesRead:
        """The same for an answer of the earlier run `source`."""
        read = source.files_read
        return self._record(read.plan, read.outside, score)

    def _record(
        self, plan: Mapping[str, str], outside: Mapping[str, str], score: ScoreResult
    ) -> FilesRead:
        before = digest_files(self._files)
        planned = self._planned.plan_sha256 or before
        return FilesRead(
            plan_sha256=before,
            changed=before != planned or digest_files(hash_plan(self._folder)) != planned,
            plan=dict(plan),
            outside=dict(outside),
            score_outside=score.outside,
        )


def answer_inputs(adapter: StepAdapter, files: Mapping[str, str]) -> str:
    """The digest of the files of a plan that affect an answer (`hash_plan`)."""
    return digest_answer_inputs(files, adapter.inputs, adapter.scoring_files)


def _given(adapter: StepAdapter, files: Mapping[str, str]) -> list[str]:
    """The files that the step could read besides its inputs; the answer key covers only names."""
    if adapter.scoring_files is None:
        return []
    known = (*adapter.scoring_files, *adapter.inputs)
    return [name for name in files if not is_under(name, known)]
