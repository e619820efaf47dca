"""What a mutator may say of itself, in work/mutation.json."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.result import Verdict

VERSION: Literal[1] = 1
NO_ATTEMPT = 0
"""The number of an attempt that was never begun."""


class AttemptStatus(StrEnum):
    """How an attempt ended."""

    KEEP = "keep"  # better, and now in the workspace
    DISCARD = "discard"  # not better, or against a rule
    CRASH = "crash"  # nothing could be compared


class AttemptCode(StrEnum):
    """Every reason that a record can carry."""

    BETTER = "better"  # keep: better by more than the noise
    NO_BASELINE = "no_baseline"  # keep (or discard): there is nothing to compare with
    NOT_BETTER = "not_better"  # equal or worse
    GAIN_TOO_SMALL = "gain_too_small"  # better by less than minimum_gain
    NOT_SHOWN = "not_shown"  # better in the mean, not beyond chance
    NOISY = "noisy"  # mode 'exact', and equal input gave different scores
    CONSTRAINT = "constraint"  # a metric lies outside its bound
    NOTHING_CHANGED = "nothing_changed"  # the candidate is the baseline
    OUT_OF_SCOPE = "out_of_scope"  # a file outside the artifacts was changed
    EVALUATOR_CHANGED = "evaluator_changed"  # a file that scores was changed
    ARTIFACT_CHANGED = "artifact_changed"  # the runner or the scorer changed an artifact
    LINK = "link"  # a symbolic or hard link, a device, a pipe, a socket
    BAD_NAME = "bad_name"  # a name that is no plain path on every file system
    TOO_MANY_FILES = "too_many_files"
    TOO_MANY_LINES = "too_many_lines"
    FILE_TYPE = "file_type"
    BINARY = "binary"
    RENAMED = "renamed"
    MODE_CHANGED = "mode_changed"
    DELETED = "deleted"
    TEST_DELETED = "test_deleted"
    WORKSPACE_CHANGED = "workspace_changed"  # another user changed the artifacts meanwhile
    BAD_TASK = "bad_task"  # crash: the task.yaml has faults
    BAD_FLAG = "bad_flag"  # crash: what the command line gives or asks for cannot be used
    BASELINE_FAILED = "baseline_failed"  # crash: it met a bound, or could be scored before
    MUTATOR_FAILED = "mutator_failed"  # crash: ended with another exit code than 0
    RUNNER_FAILED = "runner_failed"
    SCORER_FAILED = "scorer_failed"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    PROCESS_LIMIT = "process_limit"
    OUTPUT_LIMIT = "output_limit"
    FILE_LIMIT = "file_limit"
    SCORE_MISSING = "score_missing"  # the scorer said nothing, or not the score's field
    SCORE_UNREADABLE = "score_unreadable"  # not one JSON object
    SCORE_NOT_FINITE = "score_not_finite"  # NaN or Infinity
    SCORE_OUT_OF_RANGE = "score_out_of_range"  # not between objective.low and objective.high
    NO_SANDBOX = "no_sandbox"  # there is none, and the operator or the task demands one
    BUSY = "busy"  # another engine is at work on this task
    ENGINE = "engine"  # the engine itself could not go on: a full disk, say


class _RecordModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class DiffSummary(_RecordModel):
    """What the candidate changes, in numbers."""

    files: tuple[str, ...] = Field(default=(), description="paths from the repository's root")
    added: int = Field(default=0, description="lines")
    removed: int = Field(default=0, description="lines")
    diff: str = Field(default="", description="path of the whole diff, from the repository's root")


class AttemptRecord(_RecordModel):
    """One attempt. Scores are in the scorer's own unit; times in seconds; money in US dollars."""

    version: Literal[1] = VERSION
    kind: Literal["attempt"] = "attempt"
    task_id: str = Field(description="the task's id; '' where its task.yaml could not be read")
    attempt: int = Field(description="counts from 1 for each task; 0: nothing was begun")
    status: AttemptStatus
    reason: AttemptCode = Field(description="why, as a code")
    detail: str = Field(description="why, in a sentence that names files and numbers")
    candidate_score: float | None = None
    baseline_score: float | None = None
    gain: float | None = Field(
        default=None, description="how much better, in units of the score: positive is better"
    )
    metrics: dict[str, float] = Field(default={}, description="of the candidate")
    baseline_metrics: dict[str, float] = {}
    diff_summary: DiffSummary = DiffSummary()
    files: tuple[str, ...] = Field(default=(), description="the files that the reason is about")
    verdict: Verdict | None = Field(
        default=None, description="of the engine of verdicts, in every mode but 'exact'"
    )
    scorings: int = Field(default=0, description="how often the candidate was scored")
    baseline_cached: bool = Field(default=False, description="no baseline had to be scored")
    duration_seconds: float = 0.0
    command_seconds: float = Field(default=0.0, description="of these, in the task's own commands")
    cost_usd: float = Field(default=0.0, description="as mutator and scorer tell it")
    mutation: str = Field(default="", description="what the mutator says it did")
    candidate: str = Field(default="", description="sha256 of the candidate's artifacts")
    removed: tuple[str, ...] = Field(
        default=(), description="files of the runner outside 'outputs', taken away before scoring"
    )
    unenforced: tuple[str, ...] = Field(
        default=(), description="limits that this machine cannot enforce, in words"
    )
    sandbox: Literal["", "bubblewrap", "none"] = Field(
        default="", description="what the commands ran in; '' where none was run"
    )
    layers: bool = Field(
        default=False, description="changes of commands were kept apart from the tree (overlayfs)"
    )
    started: str = Field(default="", description="UTC, ISO 8601")


class Undo(_RecordModel):
    """A keep that was taken back: its own line in results.jsonl."""

    version: Literal[1] = VERSION
    kind: Literal["undo"] = "undo"
    task_id: str
    undone: int = Field(description="the attempt whose keep was taken back")
    files: tuple[str, ...] = Field(description="the files restored")
    started: str


class MutationReport(BaseModel):
    """Free words and money; what cannot be read is left out, since it decides nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    description: str = Field(default="", max_length=2000, description="what was changed, and why")
    cost_usd: float = Field(default=0.0, ge=0, description="what the mutation cost, US dollars")
