"""The worker's loop: load once, fork for each plan, watch them, and tell how each ended.

Started as `start.py step.worker.loop <descriptor to read> <descriptor to write>`: messages
(messages.py) come and go there, and no plan holds either.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import sys
import time
from typing import Any

from ...sandbox.inside import tree
from . import messages, step
from .child import LoadedStep, failure
from .installed import environment_digest
from .ledger import LoadedFiles
from .plan import Plan
from .plan_folders import PlanFolders
from .reads import FileReads

TICK_SECONDS = 0.1
IDLE_SECONDS = 1.0


def serve() -> None:
    """Answer messages until the descriptor that they come from closes."""
    asked, told = int(sys.argv[2]), int(sys.argv[3])
    for fd in (asked, told):
        os.set_inheritable(fd, False)
    tree.set_dumpable(False)
    tree.adopt_orphans()
    worker = Worker(asked, told)
    try:
        worker.run()
    finally:
        worker.close()


class Worker:
    """All plans of one worktree. One thread, so that a fork takes nothing half-done with it."""

    def __init__(self, asked: int, told: int) -> None:
        self._asked, self._told = asked, told
        self._parent = os.getppid()
        self._plans: dict[int, Plan] = {}
        self._shared: LoadedStep | None = None
        self._folders: dict[int, PlanFolders] = {}
        self._root = os.path.join(os.getcwd(), "plans")
        self._open = True
        self._learned: frozenset[str] = frozenset()
        self._helpers: frozenset[int] = frozenset()
        self._selector = selectors.DefaultSelector()
        self._selector.register(asked, selectors.EVENT_READ, self._read_requests)
        self._wake, wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        self._selector.register(self._wake, selectors.EVENT_READ, self._drain)

    def run(self) -> None:
        """Until the parent closes our input or is gone."""
        while self._open and os.getppid() == self._parent:
            for key, _ in self._selector.select(TICK_SECONDS if self._plans else IDLE_SECONDS):
                key.data(key.fd)
            for plan in self._plans.values():
                plan.watch(time.monotonic())
            self._reap()
            self._end_orphans()

    def close(self) -> None:
        """End what still runs, with all its children, and leave nothing behind."""
        for pid in [*self._plans, *tree.children(os.getpid())]:
            tree.kill_tree(pid)
        while self._plans:
            self._reap(wait=True)

    def _stop(self, *_: object) -> None:
        self._open = False

    def _drain(self, fd: int) -> None:
        os.read(fd, 4096)

    def _read_requests(self, fd: int) -> None:
        try:
            request = messages.receive(fd, self._place, times=True)
        except EOFError:
            self._open = False
            return
        if request["kind"] == "setup":
            self._send(self._set_up(request))
        elif self._shared is not None:
            self._start(self._shared, request)

    def _place(self, request: dict[str, Any], path: str) -> str:
        return self._folders_of(request).place(path)

    def _folders_of(self, request: dict[str, Any]) -> PlanFolders:
        number = request["id"]
        if number not in self._folders:
            self._folders[number] = PlanFolders(self._root, number, request["plan"])
        return self._folders[number]

    def _set_up(self, setup: dict[str, Any]) -> dict[str, Any]:
        """Load the target's modules and the step file, and tell what came from where."""
        ledger = LoadedFiles(setup["worktree"])
        ledger.watch()
        reads = FileReads((setup["step_file"], setup["worktree"]), os.getcwd())
        reads.watch()
        sys.path[:0] = setup["import_roots"]
        try:
            for name in setup["preload"]:
                importlib.import_module(name)
            module = step.load(setup["step_file"])
            there = bool(setup["worktree"])
            prompt = step.prompt_sha256(module, {}) if there else ""
            text = step.prompt_text(module, {}) if there else None
        except BaseException as error:
            return {"failed": failure(error)}
        self._shared = LoadedStep(setup, ledger, module, reads)
        self._settle(self._shared)
        # What an import has started, for its own use, is no plan's.
        self._helpers = frozenset(tree.children(os.getpid()))
        ready = {
            "files": ledger.collect(list(sys.modules)),
            "elsewhere": self._shared.elsewhere,
            "prompt_sha256": prompt,
            "prompt": text or "",
            "installed": environment_digest(),
            "unbound": self._unbound(),
        }
        return {"ready": ready}

    def _settle(self, shared: LoadedStep) -> None:
        """What is loaded now stays loaded: no fork has to copy it."""
        shared.settle()
        gc.collect()
        gc.freeze()

    def _unbound(self) -> list[str]:
        """What cannot be bounded on this machine, in words."""
        found = []
        found.append("processes are counted periodically, not limited")
        if not tree.LISTED:
            found.append("descendants cannot be listed: only the process group is ended")
        return found

    def _start(self, shared: LoadedStep, job: dict[str, Any]) -> None:
        job["worker"] = os.getpid()
        others = [self._asked, self._told, self._wake]
        others += [fd for plan in self._plans.values() for fd in plan.fds]
        folders = self._folders_of(job)
        job.update(plan_dir=folders.plan_dir, out_dir=folders.out_dir)
        plan = Plan.fork(shared, job, others)
        self._plans[plan.pid] = plan
        for fd in plan.fds:
            self._selector.register(fd, selectors.EVENT_READ, plan.read)
        self._send({"started": job["id"], "pid": plan.pid})

    def _reap(self, *, wait: bool = False) -> None:
        """Take leave of processes that ended; what a plan left running is ended too."""
        while True:
            try:
                pid, status = os.waitpid(-1, 0 if wait else os.WNOHANG)
            except ChildProcessError:
                self._plans = {}
                return
            if pid == 0:
                return
            plan = self._plans.get(pid)
            if plan is not None:
                self._finish(plan, status)
            if wait:
                return

    def _finish(self, plan: Plan, status: int) -> None:
        for fd in plan.fds:
            self._selector.unregister(fd)
        del self._plans[plan.pid]
        plan.killed |= self._end_orphans()
        answer = plan.finish(status)
        folders = self._folders.pop(answer["done"])
        if answer.get("plan_read") is not None:
            answer["plan_read"] = [*answer["plan_read"], *folders.files_read()]
        kind = (answer["error"] or {}).get("kind")
        kept = plan.executes and kind != "output_limit"
        self._send(answer, folders.outputs() if kept else [])
        folders.remove()
        lazy = answer.pop("lazy", [])
        self._learn(lazy if isinstance(lazy, list) else [])

    def _end_orphans(self) -> set[int]:
        """End what plans that are over have left behind: it has become our own child."""
        found: set[int] = set()
        for _ in range(100):
            ours = self._helpers.union(self._plans)
            strays = [pid for pid in tree.children(os.getpid()) if pid not in ours]
            left = {pid for pid in strays if tree.is_running(pid)} - found
            if not left:
                break
            for pid in left:
                found |= {pid} | tree.kill_tree(pid)
        return found

    def _learn(self, names: list[str]) -> None:
        """Load what a plan had to load for itself, so that the next ones are forked with it.

        Only modules from outside the worktree: those of the worktree are evidence of each run.
        """
        if self._shared is None or self._learned.issuperset(names):
            return
        self._learned |= frozenset(names)
        for name in names:
            try:
                importlib.import_module(name)
            except BaseException:
                continue
        self._settle(self._shared)

    def _send(self, answer: dict[str, Any], files: list[tuple[str, str]] | None = None) -> None:
        try:
            messages.send(self._told, answer, files or [])
        except BrokenPipeError:
            self._open = False
