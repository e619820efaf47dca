"""A task with all that an attempt needs: its repository, its store, its tree and its commands."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal
from uuid import uuid4

from prompt_lab.clock import utc_now
from prompt_lab.errors import ConfigError, LabBusy
from prompt_lab.ports import Bounds, CommandFolder, CommandResult, GitFactory, TaskTools
from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import LabLock
from prompt_lab.store.tasks import TaskStore
from prompt_lab.task_engine.command_call import CommandCall, log_output
from prompt_lab.task_engine.faults import site_faults
from prompt_lab.task_engine.guard import guarded_paths, scorer_of
from prompt_lab.task_engine.programs import Reader
from prompt_lab.task_engine.schema import Task, read_task
from prompt_lab.task_engine.scope import artifact_paths, evaluator_paths
from prompt_lab.task_engine.task_copy import files
from prompt_lab.task_engine.task_copy.listing import root_of
from prompt_lab.task_engine.task_copy.sync import Sync
from prompt_lab.task_engine.task_copy.tree import Tree

SANDBOX_HOME = "/tmp"
POLL_SECONDS = 0.1
PHASE_BYTES = 200


@lru_cache(maxsize=8)
def _tree(root: Path, folder: Path, git: GitFactory) -> Tree:
    """Kept from attempt to attempt: it knows what it has copied."""
    return Tree(root, folder, git)


@lru_cache(maxsize=1)
def _engine(pid: int) -> str:
    """What names this process among all that ever used a tree."""
    return f"{pid}-{uuid4().hex}"


@lru_cache(maxsize=8)
def _task(file: Path, _: object) -> Task:
    """A task, read again only where its file has changed."""
    return read_task(file)


@dataclass
class TaskContext:
    """One task.yaml and where it lies. Makes nothing by itself."""

    file: Path
    task: Task
    root: Path
    tools: TaskTools
    removed: dict[str, None] = field(default_factory=dict)
    unenforced: dict[str, None] = field(default_factory=dict)
    command_seconds: float = 0.0
    sandbox_used: Literal["", "bubblewrap", "none"] = ""
    """What the commands ran in; '' before the first one."""

    @classmethod
    def open(cls, file: Path, tools: TaskTools) -> "TaskContext":
        """Read the task and look at its paths. Raises ConfigError with every fault."""
        task = _task(file, files.stamp(file))
        site = cls(file.resolve(), task, root_of(file), tools)
        faults = site_faults(site)
        if faults:
            raise ConfigError([f"{file}: {fault}" for fault in faults])
        return site

    @cached_property
    def store(self) -> TaskStore:
        """Where the engine keeps what it knows of the task."""
        return TaskStore(self.root, self.task.id, self.name)

    @property
    def tree(self) -> Tree:
        """The sandbox's tree."""
        return _tree(self.root, self.store.tree, self.tools.git)

    @property
    def sync(self) -> Sync:
        """The way back into the workspace."""
        return Sync(self.root, self.store)

    @cached_property
    def home(self) -> str:
        """The task's folder from the repository's root; '.' for the root itself."""
        return self.file.parent.relative_to(self.root).as_posix()

    @cached_property
    def name(self) -> str:
        """The task's file, from the repository's root."""
        return self.file.relative_to(self.root).as_posix()

    @cached_property
    def artifacts(self) -> tuple[str, ...]:
        """From the repository's root."""
        return artifact_paths(self.task, self.home)

    @cached_property
    def evaluator(self) -> tuple[str, ...]:
        """What scores, from the repository's root."""
        found = evaluator_paths(self.task, self.name)
        return tuple(path for path in found if (self.root / path).exists())

    @cached_property
    def guarded(self) -> tuple[str, ...]:
        """What neither an artifact nor an output may cover, from the repository's root."""
        return guarded_paths(self.task, self.name, self.scorer.programs, self._real)

    @cached_property
    def scorer(self) -> Reader:
        """What the scorer's words tell of what it runs."""
        return scorer_of(self.task, self.name, str(self.root), self._real)

    def _real(self, path: str) -> str | None:
        whole = self.root / path
        if not os.path.lexists(whole):
            return None
        return os.path.relpath(os.path.realpath(whole), self.root)

    @property
    def no_sandbox(self) -> str:
        """Why commands run without a sandbox; '' where they have one. Never the task's to say."""
        return self.tools.commands.no_sandbox

    @property
    def tree_path_in_sandbox(self) -> Path:
        """Where commands see the tree: at the repository's own path, if in a sandbox."""
        return self.tree.folder if self.no_sandbox else self.root

    @cached_property
    def layered(self) -> bool:
        """Whether what commands change is kept apart from the tree."""
        with disk_errors(self.store.folder):
            self.store.folder.mkdir(parents=True, exist_ok=True)
        return self.tools.commands.has_layers(self.store.folder)

    def run(self, call: CommandCall, log: Path) -> CommandResult:
        """Run a command in the tree, and log what it printed."""
        tree, command = self.tree, call.command
        for folder in ("work/tmp" if self.no_sandbox else "work", command.cwd):
            files.make_folder(tree.folder, folder)
        if not self.layered:
            tree.settle()
        ended = self.tools.commands.run(command.command, command.cwd, *self._surroundings(call))
        if self.layered:
            tree.layers.use(call.layer)
        else:
            tree.touched()
        self.command_seconds += ended.seconds
        self.sandbox_used = "none" if self.no_sandbox else "bubblewrap"
        self.unenforced |= dict.fromkeys(ended.unenforced)
        log_output(log, ended, self.task.logging.output_kb << 10)
        return ended

    def prepare(self, call: CommandCall) -> None:
        """Say that this command is likely to be run next."""
        command = call.command
        self.tools.commands.prepare(command.command, command.cwd, *self._surroundings(call))

    def _surroundings(self, call: CommandCall) -> tuple[dict[str, str], CommandFolder, Bounds]:
        limits, tree = self.task.limits, self.tree
        layer = tree.layers.layer(call.layer) if self.layered else None
        return (
            {**self._environment(), **call.environment},
            CommandFolder(tree.folder, self.root, self.task.network, tree.bytes, layer),
            Bounds(
                call.command.timeout_seconds, limits.memory_mb, limits.processes,
                limits.output_mb, limits.file_mb,
            ),
        )  # fmt: skip

    def phase(self, name: str, attempt: int) -> None:
        """Write what the engine is doing, for `--explain` and for a process that waits."""
        told = {"pid": os.getpid(), "phase": name, "attempt": attempt, "since": utc_now()}
        with disk_errors(self.store.running):
            # Nothing is decided by it: it need not be whole at every moment. It is written over
            # and not emptied first, upon which some file systems wait for the disk.
            handle = os.open(self.store.running, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.pwrite(handle, json.dumps(told).ljust(PHASE_BYTES).encode() + b"\n", 0)
            finally:
                os.close(handle)

    @contextmanager
    def hold_task_lock(self, wait_seconds: float) -> Iterator[None]:
        """Keep other engines off the task. Raises LabBusy where one is still at work."""
        with disk_errors(self.store.folder):
            self.store.folder.mkdir(parents=True, exist_ok=True)
        # The kernel lets go of it when its process ends: a dead engine holds nothing.
        lock = LabLock(self.store.lock)
        until = time.monotonic() + wait_seconds
        while not lock.acquire(shared=False):
            if time.monotonic() >= until:
                raise LabBusy(
                    f"task {self.task.id!r}: another engine is at work on it ({self.at_work()})."
                    " Wait for it, or give --wait more seconds"
                )
            time.sleep(POLL_SECONDS)
        try:
            if self.store.take_tree(_engine(os.getpid())):
                self.tree.touched()  # by another engine, since this one used it
            yield
        finally:
            lock.release()

    def at_work(self) -> str:
        """What the engine that runs now says of itself."""
        try:
            told = json.loads(self.store.running.read_text("utf-8"))
            text = "process {pid} in attempt {attempt}, phase {phase}, since {since}"
            return text.format_map(told)
        except (OSError, ValueError, KeyError, TypeError):
            return "it has not said where it stands"

    def _environment(self) -> dict[str, str]:
        """What every command is given: never our own environment."""
        at = self.tree_path_in_sandbox
        scratch = str(at / "work" / "tmp") if self.no_sandbox else SANDBOX_HOME
        passed = {name: os.environ[name] for name in self.task.environment if name in os.environ}
        return {
            **passed,
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
            ),
            "HOME": scratch,
            "TMPDIR": scratch,
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PROMPTLAB_TASK": self.task.id,
            "PROMPTLAB_TASK_DIR": str(at / self.home),
            "PROMPTLAB_OUT": str(at / "work"),
        }
