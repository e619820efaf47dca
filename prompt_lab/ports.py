"""What the rules need from the outside world, in the user's words. Adapters implement these."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prompt_lab.config.lab import GatewayConfig, TargetConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.names import Outcome, Side
from prompt_lab.own_process import ModelUrl
from prompt_lab.records import Pull
from prompt_lab.step_results import ScoreResult, StepResult


@dataclass(frozen=True)
class Request:
    """One call of a model: two messages and, perhaps, a JSON schema that the answer must obey."""

    system: str
    user: str
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 256
    seed: int | None = None


@dataclass(frozen=True)
class Answer:
    """What came back. `seconds` is the call alone; `waited` is the time before it could begin."""

    text: str
    input_tokens: int
    output_tokens: int
    seconds: float
    waited: float = 0.0
    retries: int = 0
    finish_reason: str = "stop"
    answered_by: str = ""
    alias: str = ""
    """Which of several models answered; '' where there is only one."""


class Llm(Protocol):
    """A model under one alias. Safe to call from many threads at once."""

    def check(self) -> str | None:
        """Why the model cannot be used (which key is missing), or None. Makes no call."""

    def ask(self, request: Request) -> Answer:
        """One answer. Raises TransientError when the model cannot be reached after retries."""

    def close(self) -> None:
        """Give back connections and processes. Further calls may open them again."""


class LlmFactory(Protocol):
    """Makes the model that a config describes."""

    def __call__(self, config: ModelConfig) -> Llm:
        """Make it. Opens nothing before the first call."""


Ask = Callable[[Request], Answer]


@dataclass(frozen=True)
class StepJob:
    """What a step adapter is given for one run.

    A step in a process of its own uses `models` (the first is primary, the others are
    fallbacks) and `side`, which may have an interpreter of its own; one in ours uses `ask`.
    """

    worktree: Path
    plan_dir: Path
    out_dir: Path
    ask: Ask
    seed: int | None
    models: tuple[ModelUrl, ...] = ()
    side: Side | None = None
    limit_seconds: float | None = None
    """Instead of the step's own limit."""


class StepAdapter(Protocol):
    """One stage of a target's pipeline. `inputs` and `outputs` are file names in a plan folder.

    The class takes its config; one with `in_own_process` takes its TargetLocation too.
    """

    in_own_process: bool
    """Whether it runs in the target's own process, under the target's interpreter."""
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sources: tuple[str, ...]
    """Paths in the target whose content decides what the step sends: prompt first, then schema."""
    scoring_files: tuple[str, ...] | None
    """Names in a plan folder that score() is given and execute() is not; None: execute() is given
    its inputs alone."""

    def execute(self, job: StepJob) -> StepResult:
        """Run once. A bad answer is an `error`; a broken system raises TransientError."""

    def score(self, plan_dir: Path, out_dir: Path) -> dict[str, float]:
        """Named parts in [0, 1] from the outputs, against gold outputs where the plan has them."""

    def score_traced(self, plan_dir: Path, out_dir: Path) -> ScoreResult:
        """`score`, with the files outside that it read."""

    def check(self) -> None:
        """What can be known to be wrong before any worktree. Raises ConfigError or TargetError."""

    def check_gold(self, plan_dir: Path) -> None:
        """Raises the LabError of a plan whose gold cannot score an answer."""

    def find_prompt_fault(self, text: str) -> str | None:
        """Why a prompt would be sent without its input, as the end of a sentence, or None."""

    def describe_prompt(self, text: str) -> str:
        """Which placeholders a prompt has; '' where only its own code would show that."""

    def prompt_in(self, source: str) -> str | None:
        """The prompt's text in the text of `sources[0]`; None where only running it would tell."""

    def prompt_sha256(self, workspace: "Workspace", commit: str, *, stored: bool = False) -> str:
        """Of the prompt as checked out (or `stored`) at a commit; '' if undeterminable."""

    def source_paths(self, worktree: Callable[[], Path]) -> tuple[str, ...]:
        """Every file that a run may load; `worktree` makes the checkout where that takes one."""

    def environment(self, worktree: Callable[[], Path], side: Side) -> dict[str, str]:
        """What a side runs with besides its files: {'': a text}, or {} where there is nothing."""

    def digest_text(
        self, target: TargetConfig, gateway: GatewayConfig, *, answer: bool = False
    ) -> str:
        """What decides a run besides the step's config; if `answer`, only its answer."""

    def close(self) -> None:
        """End worker processes. Further runs start them again."""


class Workspace(Protocol):
    """Commits and worktrees of a target, on a shared clone that is ours alone."""

    def check(self) -> None:
        """Raises TargetError if the repository cannot be used: not git, no main, dirty tree."""

    def resolve(self, ref: str) -> str:
        """The full commit id of a branch, tag or commit. Raises TargetError."""

    def message(self, commit: str) -> str:
        """What a commit says, as it was written."""

    def blob(self, commit: str, path: str) -> str | None:
        """Git blob id of a file as it is checked out at a commit; None where there is none."""

    def blobs(self, commit: str, paths: Iterable[str], *, stored: bool = False) -> dict[str, str]:
        """path -> blob id as checked out (or `stored`) at a commit, of paths that are files."""

    def read(self, commit: str, path: str, *, stored: bool = False) -> str:
        """Text of a file as checked out (or `stored`). Raises TargetError where there is none."""

    def check_files(self, commit: str, paths: Iterable[str]) -> None:
        """Raises TargetError for a pointer, a submodule that is missing, a link that leads out."""

    def check_worktree(self, commit: str, paths: Iterable[str]) -> None:
        """See that a clean worktree holds these files as they are checked out now."""

    def worktree(self, commit: str) -> Path:
        """A detached worktree at that commit, made on first use."""

    def put_back(self, commit: str) -> Path:
        """The same worktree with all undone that runs have left in it."""

    def tidy(self, commit: str) -> None:
        """Take away what git ignores there; what else is not the commit's stays to be seen."""

    def observe(self, worktree: Path) -> tuple[str, bool]:
        """(HEAD, tree is clean) of a worktree as it is now."""

    def dirt(self, worktree: Path) -> tuple[str, ...]:
        """Paths in a worktree that are not the commit's, be they ignored by git."""

    def commit_files(
        self,
        base: str,
        branch: str,
        files: Mapping[str, str],
        *,
        message: str,
        when: str,
        append: bool = False,
    ) -> str:
        """One commit on a new branch, or with `append` on one that stands at `base`; repeatable."""

    def revert(
        self, base: str, branch: str, commit: str, *, since: str = "", message: str, when: str
    ) -> str:
        """A new branch on `base` with one commit that reverts a merge, or all commits `since` one.

        Repeatable. Raises TargetError."""

    def merge_commit(self, base: str, commit: str) -> str:
        """The commit that a merge would leave; the one that has the other. Raises MergeConflict."""

    def diff(self, base: str, commit: str) -> str:
        """Unified diff between two commits."""


class PromptSource(Protocol):
    """Where the prompts of a target come from."""

    def read(self, name: str, version: str) -> str:
        """The text of a prompt (or its schema) at a version. Raises TargetError."""


class LabRepository(Protocol):
    """The lab's own git history: what Prompt Lab writes is committed to it, by path."""

    def ensure(self) -> None:
        """Make the repository where there is none, or only a part of one. May be called again."""

    def find_obstacle(self) -> str:
        """Why nothing can be committed now, in a sentence; '' where it can."""

    def list_uncommitted(self, paths: Iterable[str]) -> list[str]:
        """Those paths that no commit holds yet."""

    def commit(
        self,
        paths: Sequence[str],
        message: str,
        *,
        when: str,
        contents: Mapping[str, str] | None = None,
    ) -> str:
        """Commit exactly these paths; `contents` has the text of files written only afterwards."""


class CodeHost(Protocol):
    """Where pull requests live. Every call may be repeated without a second effect.

    Any call raises CodeHostError where the host refuses, or does not answer; the same call may
    then be made again.
    """

    def refresh(self, base: str) -> None:
        """Move `base` of the target on to what the host has. Raises where the two have parted."""

    def open_pull(self, branch: str, *, base: str, title: str, body: str, when: str) -> Pull:
        """The open pull request of a branch of the target, opened if there is none."""

    def check_branch(self, branch: str, *, base: str) -> None:
        """Raises what open_pull and verify would say of a branch that is given; writes nothing."""

    def get(self, number: int) -> Pull:
        """Raises CodeHostError where there is none."""

    def verify(self, number: int, *, base: str) -> Pull:
        """The pull request as a run may start from it, its head a commit of the target.

        Raises PullEnded where it is not open, MergeConflict where it conflicts with `base`,
        CodeHostError where it goes into another branch or its head is gone.
        """

    def comment(self, number: int, *, key: str, body: str, when: str) -> str:
        """Write a comment, or edit the one with the same key. Returns its id."""

    def comments(self, number: int) -> dict[str, str]:
        """key -> body, oldest first."""

    def label(self, number: int, label: str, *, when: str) -> None:
        """Add a label."""

    def unlabel(self, number: int, label: str, *, when: str) -> None:
        """Take a label off, if it is there."""

    def status(self, number: int, *, commit: str, outcome: Outcome, text: str, when: str) -> None:
        """Say on the tested commit how it was judged, so that a rule of `base` can ask for it."""

    def merge(self, number: int, *, expected_head: str, message: str, when: str) -> str:
        """Merge; returns the merge commit, which `base` of the target then has.

        Raises HeadMoved, PullEnded where it is closed or was merged at another head,
        MergeConflict, or MergeRefused where a rule of the host forbids it.
        """

    def close(self, number: int, *, when: str) -> None:
        """Close without merging. Raises PullEnded where it is merged."""


NO_JAIL = "no jail: the file system, the network and other processes are open to commands: {why}"


@dataclass(frozen=True)
class Bounds:
    """What a command may take. `kept_bytes`: of its prints, from the beginning and the end."""

    seconds: float
    memory_mb: int
    processes: int
    output_mb: int
    file_mb: int
    kept_bytes: int = 1 << 20
    cgroups: bool = True


@dataclass(frozen=True)
class CommandFolder:
    """Where a command runs: `tree` on this machine, which it sees at `at` if there is a jail."""

    tree: Path
    at: Path
    jail: bool
    network: bool = False
    tree_bytes: int = 0
    """What the tree holds before the command."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. `code` is minus the signal, None where it never began or was ended.

    `reason` is '' or the bound that it met: time_limit, memory_limit, process_limit, output_limit,
    file_limit. `left` counts the processes that it had left running, which were ended.
    """

    code: int | None
    reason: str
    out: str
    err: str
    seconds: float
    printed: int
    left: int
    unbound: tuple[str, ...] = ()


class CommandRunner(Protocol):
    """Starts the commands of a task, bounds what they take, and ends what they leave."""

    @property
    def no_jail(self) -> str:
        """Why this machine allows no jail; '' where it does."""

    def run(
        self,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        place: CommandFolder,
        limits: Bounds,
    ) -> CommandResult:
        """Run one command to its end. Raises TransientError where the sandbox itself fails."""


class GitCommand(Protocol):
    """Git in one folder."""

    def raw(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        no_is_fine: bool = False,
    ) -> bytes:
        """Standard output as it came; `no_is_fine`: also where git answers 'no' (exit code 1)."""


GitFactory = Callable[[Path], GitCommand]
"""Git in the folder of a user's own checkout."""


@dataclass(frozen=True)
class TaskTools:
    """What the task engine needs from the outside world."""

    commands: CommandRunner
    git: GitFactory
