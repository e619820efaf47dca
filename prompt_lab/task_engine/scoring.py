"""Scoring one side of an attempt: run, check what was touched, score, remember by content."""

import json
import os
import platform
from collections.abc import Callable, Mapping
from errno import EFBIG
from hashlib import sha256
from pathlib import Path

from prompt_lab.ports import CommandResult
from prompt_lab.propose.budget import REGULAR
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.task_engine.command_call import CommandCall
from prompt_lab.task_engine.faults import outside_git
from prompt_lab.task_engine.keep import AttemptDecision
from prompt_lab.task_engine.parts import Command
from prompt_lab.task_engine.paths import ignored, is_artifact, under
from prompt_lab.task_engine.record import AttemptCode, AttemptStatus
from prompt_lab.task_engine.scope import after_command
from prompt_lab.task_engine.score import Scored, ScoreFault, parse_score
from prompt_lab.task_engine.task_context import TaskContext
from prompt_lab.task_engine.task_copy import files
from prompt_lab.task_engine.task_copy.listing import untracked

ANSWER_BYTES = 1 << 20
CACHED = 1
"""Raised whenever what a cached score stands for changes."""


Changed = dict[str, files.FileStamp | None]


class Stopped(Exception):
    """An attempt is over before its scores could be compared."""

    def __init__(self, ruling: AttemptDecision, *, refused: bool = False) -> None:
        super().__init__(ruling.detail)
        self.ruling = ruling
        self.refused = refused
        """A command ended with an exit code of its own: it may have been given nothing to do."""


def score(
    site: TaskContext, replicate: int, log: Path, meanwhile: Callable[[], None] = lambda: None
) -> Scored:
    """The score of the tree as it was reset, from memory where it was scored before.

    `meanwhile` is called before the scorer is run. Raises Stopped where there is no score.
    """
    path = site.store.scores / f"{_key(site, replicate)}.json"
    known = read_if_whole(path, Scored)
    if known is not None:
        return known
    scored = _score(site, replicate, log, meanwhile)
    write_record(path, scored, durable=False)
    return scored


def is_scored(site: TaskContext, replicate: int) -> bool:
    """Whether the tree as it was reset was scored before."""
    return (site.store.scores / f"{_key(site, replicate)}.json").exists()


def ran(site: TaskContext, who: str, call: CommandCall, log: Path) -> CommandResult:
    """Run a command of the task. Raises Stopped where it fails or meets a bound."""
    ended = site.run(call, log / f"{who}.log")
    if ended.reason:
        text = f"the {who} was ended: {_LIMITS[ended.reason]}"
        raise Stopped(AttemptDecision(AttemptStatus.CRASH, AttemptCode(ended.reason), text))
    if ended.code:
        how = f"exit code {ended.code}" if ended.code > 0 else f"signal {-ended.code}"
        said = ended.err.strip().splitlines()[-1:] or ended.out.strip().splitlines()[-1:]
        text = f"the {who} failed ({how})" + (f": {said[0][-300:]}" if said else "")
        code = AttemptCode(f"{who}_failed")
        if said and os.strerror(EFBIG) in said[0]:
            # To lengthen a file without writing to it leaves no other trace of the bound.
            code, text = AttemptCode.FILE_LIMIT, f"{text}: {_LIMITS[AttemptCode.FILE_LIMIT]}"
        text += outside_git(site)
        raise Stopped(AttemptDecision(AttemptStatus.CRASH, code, text), refused=ended.code > 0)
    return ended


def clean(site: TaskContext, changed: Mapping[str, files.FileStamp | None]) -> Changed:
    """What of the changes counts: not what no copy holds, which is taken away."""
    fresh = [name for name in changed if name not in site.tree.indexed_paths]
    passing = {name for name in fresh if ignored(name) and ".git" not in name.split("/")}
    left = [name for name in fresh if name not in passing and not is_artifact(site.artifacts, name)]
    passing |= untracked(site.root, left, site.tools.git)
    for name in passing:
        site.tree.remove(name)
    return {name: value for name, value in changed.items() if name not in passing}


def prepare_scoring(site: TaskContext, replicate: int) -> None:
    """Say that a scoring is likely to come next."""
    site.prepare(_call(site, site.task.runner or site.task.scorer, replicate))


def _call(site: TaskContext, command: Command, replicate: int) -> CommandCall:
    """Of the runner or the scorer, which share a layer. The next replicate has another one."""
    seed = "0" if site.task.policy.mode == "exact" else str(replicate)
    environment = {"PROMPTLAB_SEED": seed, "PROMPTLAB_REPLICATE": seed}
    return CommandCall(command, environment, f"score-{replicate % 2}")


def _score(site: TaskContext, replicate: int, log: Path, meanwhile: Callable[[], None]) -> Scored:
    task = site.task
    site.tree.reset()
    seconds = site.command_seconds
    if task.runner is not None:
        ran(site, "runner", _call(site, task.runner, replicate), log)
        _check_runner(site)
    if task.scorer.parse.file:
        site.tree.remove(task.scorer.parse.file)
    meanwhile()
    ended = ran(site, "scorer", _call(site, task.scorer, replicate), log)
    try:
        scored = parse_score(_answer(site, ended), task.scorer.parse, task.objective)
    except ScoreFault as fault:
        raise Stopped(
            AttemptDecision(AttemptStatus.CRASH, fault.code, f"the scorer: {fault}")
        ) from fault
    return scored.model_copy(update={"seconds": site.command_seconds - seconds})


def _check_runner(site: TaskContext) -> None:
    """Nothing that was there may have changed; what is new and no output is taken away."""
    tree = site.tree
    changed = clean(site, tree.changed_files())
    strays = [name for name in changed if not under(site.task.outputs, name)]
    before = [name for name in changed if name in tree.indexed_paths]
    ruling = after_command("runner", before, site.artifacts)
    own = [name for name in strays if is_artifact(site.artifacts, name)]
    ruling = ruling or after_command("runner", own, site.artifacts)
    if ruling is not None:
        raise Stopped(ruling)
    for name in strays:
        tree.remove(name)
        site.removed[name] = None


def _answer(site: TaskContext, ended: CommandResult) -> str:
    """What the scorer said: its standard output, or the file that it wrote."""
    name = site.task.scorer.parse.file
    if not name:
        return ended.out
    path = site.tree.changes / name
    found = files.stamp(path)
    through = any(above.is_symlink() for above in path.parents if above != site.tree.changes)
    if found is None or files.git_mode(found.mode) != REGULAR or through:
        raise ScoreFault(AttemptCode.SCORE_MISSING, f"it wrote no file {name!r}")
    if found.size > ANSWER_BYTES:
        raise ScoreFault(AttemptCode.SCORE_UNREADABLE, f"{name!r} holds over {ANSWER_BYTES} bytes")
    with files.opened_own(path) as file:
        return file.read(ANSWER_BYTES).decode("utf-8", "replace")


def _key(site: TaskContext, replicate: int) -> str:
    """What equal scores are expected by: the files, how they are scored, and by which Python."""
    task = site.task
    told = {
        "version": CACHED,
        "files": site.tree.digest,
        "task": task.model_dump(
            mode="json",
            include={"runner", "scorer", "objective", "limits", "network", "jail", "outputs"},
        ),
        "exact": task.policy.mode == "exact",
        "environment": {name: os.environ.get(name) for name in task.environment},
        "python": platform.python_version(),
        "replicate": replicate,
    }
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


_LIMITS = {
    "time_limit": "its timeout_seconds are over",
    "memory_limit": "limits.memory_mb is used up",
    "process_limit": "it asked for more than limits.processes",
    "output_limit": "it printed more than limits.output_mb",
    "file_limit": "it wrote more than limits.file_mb",
}
BOUNDS = frozenset(map(AttemptCode, _LIMITS))
"""What says nothing of the files that were scored."""
