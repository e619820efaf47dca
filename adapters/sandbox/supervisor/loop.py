"""The keeper's loop: one command at a time, watched, bounded, and ended with all it started."""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import time
from contextlib import suppress
from typing import Any

from ...bounds import tree
from ...bounds.captured_output import CapturedOutput, largest, size
from ...bounds.cgroups import Group, ResourceLimits
from . import command

MEGABYTE = 1 << 20
TICK_SECONDS = 0.1
LOOK_SECONDS = 0.25
CLEAR_SECONDS = 30.0
"""A process that was killed while the disk worked for it ends when the disk is done."""
OURS = 2
"""Processes of a group that are not the command's: the keeper, and the one that stands by."""


def serve() -> None:
    """Answer JSON lines on standard input with JSON lines on standard output, until it closes."""
    told, asked = os.dup(1), os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    tree.adopt_orphans()
    gc.collect()
    gc.freeze()
    keeper = Supervisor(asked)
    try:
        pending = b""
        while data := os.read(asked, 1 << 16):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                answer = json.dumps(keeper.run(json.loads(line))).encode() + b"\n"
                while answer:
                    answer = answer[os.write(told, answer) :]
    except BrokenPipeError:
        pass  # the engine has ended: no one reads this
    finally:
        keeper.close()


class Supervisor:
    """Runs what the engine asks for; the engine's end is the end of the command."""

    def __init__(self, asked: int) -> None:
        self._asked = asked
        self._cage: ResourceLimits | None = None
        self._group: Group | None = None
        self._bounds = (0, 0)

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """How one command ended."""
        limits = job["limits"]
        cage = self._cage = self._cage or ResourceLimits(limits["cgroups"])
        job["keeper"] = os.getpid()
        if cage.memory:
            limits["address_mb"] = 0
        group = self._bounded(cage, limits["processes"] + OURS, limits["memory_mb"])
        before = group.counts() if group is not None else (0, 0)
        try:
            watched = Watched.start(job)
        except OSError as error:
            return {"failed": command.error_text(error)}
        watched.wait(self._asked)
        told = watched.report()
        after = group.counts() if group is not None else (0, 0)
        told["unbound"] = self._unbound(cage)
        if after[1] > before[1]:
            told["reason"] = "memory_limit"
        elif after[0] > before[0]:
            told["reason"] = told["reason"] or "process_limit"
        return told

    def _bounded(self, cage: ResourceLimits, processes: int, memory_mb: int) -> Group | None:
        """The group that this process is in itself, so that commands are born in it.

        To move each command into a group of its own would cost it 10 ms and more.
        """
        if self._group is None:
            self._group = cage.make("command-0", processes, memory_mb)
            if self._group is not None:
                _spare_us()
                self._group.enter()
        elif (processes, memory_mb) != self._bounds:
            self._group.bound(processes, memory_mb)
        self._bounds = processes, memory_mb
        return self._group

    def _unbound(self, cage: ResourceLimits) -> list[str]:
        found = []
        if not cage.kind:
            found.append("processes are counted periodically, not limited: no cgroup can be made")
        if not cage.memory:
            found.append(
                "memory is limited for each process, not for all together: no cgroup can be made"
            )
        return found

    def close(self) -> None:
        """Leave nothing behind."""
        for pid in tree.children(os.getpid()):
            tree.kill_tree(pid)
        if self._group is not None:
            self._group.step_out()
        if self._cage is not None:
            self._cage.close()


def _spare_us() -> None:
    """Where memory runs out, the kernel is to end the command, not its keeper."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
        file.write(b"-999")


class Watched:
    """A command that runs, seen from the keeper."""

    def __init__(self, pid: int, job: dict[str, Any], fds: tuple[int, int, int]) -> None:
        self._pid, self._job, self._fds = pid, job, fds
        self._limits = job["limits"]
        most = self._limits["output_mb"] * MEGABYTE
        kept = self._limits["kept_bytes"]
        self._prints = {fds[0]: CapturedOutput(most, kept), fds[1]: CapturedOutput(most, kept)}
        self._report = b""
        self._reason, self._status = "", 0
        self._killed: set[int] = set()
        self._started = self._looked = time.monotonic()
        self._seconds = 0.0

    @classmethod
    def start(cls, job: dict[str, Any]) -> Watched:
        """Fork the process that stands for the command. Raises OSError."""
        pipes = [os.pipe() for _ in range(3)]
        try:
            pid = command.begin(job, pipes)
        except OSError:
            for end, _ in pipes:
                os.close(end)
            raise
        finally:
            for _, end in pipes:
                os.close(end)
        return cls(pid, job, (pipes[0][0], pipes[1][0], pipes[2][0]))

    def wait(self, asked: int) -> None:
        """Until it has ended, by itself or because of a bound, with all that it started."""
        with selectors.DefaultSelector() as selector:
            for fd in self._fds:
                os.set_blocking(fd, False)
                selector.register(fd, selectors.EVENT_READ)
            selector.register(asked, selectors.EVENT_READ)
            while self._fds[2] in selector.get_map():
                for key, _ in selector.select(TICK_SECONDS):
                    if key.fd == asked:
                        self._end("engine_gone")
                        selector.unregister(asked)
                    elif not self._read(key.fd):
                        selector.unregister(key.fd)
                self._look()
        self._seconds = time.monotonic() - self._started
        self._clear()
        for fd in self._fds:
            while self._read(fd):
                pass
            os.close(fd)

    def report(self) -> dict[str, Any]:
        """The answer."""
        told: dict[str, Any] = {"exit": None, "left": 0, "failed": ""}
        try:
            told.update(json.loads(self._report))
        except ValueError:
            told["failed"] = "" if self._reason else "the process that stands for it has died"
        told["left"] = max(told["left"], len(self._killed))
        told["reason"] = self._reason or self._explain_file_limit(told["exit"])
        told["seconds"] = self._seconds
        told["printed"] = sum(prints.count for prints in self._prints.values())
        told["out"], told["err"] = (self._prints[fd].text() for fd in self._fds[:2])
        return told

    def _read(self, fd: int) -> bool:
        """Take what a pipe holds; False at its end, or where it holds nothing now."""
        try:
            data = os.read(fd, MEGABYTE)
        except BlockingIOError:
            return False
        if fd == self._fds[2]:
            self._report += data
        elif self._prints[fd].add(data):
            self._end("output_limit")
        return bool(data)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._started > self._limits["seconds"]:
            self._end("time_limit")
        if self._reason or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if len(tree.descendants(self._pid)) > self._limits["processes"]:
            self._end("process_limit")
        elif size(self._job["tree"]) > self._limits["tree_bytes"]:
            self._end("file_limit")

    def _explain_file_limit(self, code: int | None) -> str:
        """Why a command failed that was not ended: perhaps a file that may not grow further."""
        most = self._limits["file_mb"] * MEGABYTE
        if code == -signal.SIGXFSZ or (code and largest(self._job["tree"]) >= most):
            return "file_limit"
        return ""

    def _end(self, reason: str) -> None:
        if not self._reason:
            self._reason = reason
            self._killed |= tree.kill_tree(self._pid)

    def _clear(self) -> None:
        """End what the command left behind: it has become our own child."""
        until = time.monotonic() + CLEAR_SECONDS
        while time.monotonic() < until:
            left = tree.children(os.getpid())
            if not left:
                return
            for pid in left:
                self._killed |= {pid} if pid != self._pid and tree.is_running(pid) else set()
                self._killed |= tree.kill_tree(pid)
            while True:
                try:
                    if os.waitpid(-1, os.WNOHANG)[0] == 0:
                        break
                except ChildProcessError:
                    return
            time.sleep(0.001)
