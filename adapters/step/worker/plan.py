"""One plan as the worker sees it: its process, its prints, its report, its bounds."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from ...sandbox.inside import tree
from ...sandbox.inside.captured_output import CapturedOutput, size
from . import child

LONGEST_REPORT = 8 << 20
MEGABYTE = 1 << 20
LOOK_SECONDS = 0.25


class Plan:
    """A forked plan. `fds` are the read ends of its two pipes: prints, report."""

    def __init__(self, pid: int, job: dict[str, Any], fds: tuple[int, int]) -> None:
        self.pid, self.fds, self._job = pid, fds, job
        self._limits = job["limits"]
        self._started = time.monotonic()
        self._looked = self._started
        self._prints = CapturedOutput(job["limits"]["output_mb"] * MEGABYTE)
        self._report: list[bytes] = []
        self._reported = 0
        self._reason: dict[str, str] | None = None
        self.killed: set[int] = set()

    @classmethod
    def fork(
        cls,
        shared: child.LoadedStep,
        job: dict[str, Any],
        others: list[int],
    ) -> Plan:
        """Start a plan's process. `others` are descriptors that it must not hold."""
        prints, prints_end = os.pipe()
        report, report_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            for fd in (*others, prints, report):
                os.close(fd)
            child.run_plan(shared, job, (prints_end, report_end))
        os.close(prints_end)
        os.close(report_end)
        for fd in (prints, report):
            os.set_blocking(fd, False)
        return cls(pid, job, (prints, report))

    @property
    def executes(self) -> bool:
        """Whether it runs the step; else it scores."""
        return bool(self._job["kind"] == "execute")

    def read(self, fd: int) -> bool:
        """Take what a pipe holds; False where it holds nothing."""
        try:
            data = os.read(fd, MEGABYTE)
        except BlockingIOError:
            return False
        if fd == self.fds[1]:
            self._reported += len(data)
            if self._reported <= LONGEST_REPORT:
                self._report.append(data)
            return bool(data)
        if self._prints.add(data):
            self._end("output_limit", f"printed more than {self._limits['output_mb']} MB")
        return bool(data)

    def watch(self, now: float) -> None:
        """End the plan if it is past one of its bounds."""
        seconds = self._limits["seconds"]
        if now - self._started > seconds:
            self._end("time_limit", f"did not end in {seconds:g} seconds")
        if self._reason is not None or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        most = self._limits["processes"]
        count = 1 + len(tree.descendants(self.pid))
        if count > most:
            self._end("process_limit", f"ran {count} processes, {most} are allowed")
        self._measure_files()

    def _measure_files(self) -> None:
        most = self._limits["output_mb"]
        if most and self.executes:
            written = size(self._job["out_dir"])
            if written > most * MEGABYTE:
                self._end("output_limit", f"wrote {written >> 20} MB of files, {most} are allowed")

    def finish(self, status: int) -> dict[str, Any]:
        """The answer about a plan whose process has ended with this status of waitpid."""
        for fd in self.fds:
            while self.read(fd):
                pass
            os.close(fd)
        self._measure_files()
        report = self._read_report(status)
        report["done"] = self._job["id"]
        report["killed"] = len(self.killed)
        report["printed"] = self._prints.count
        report["prints"] = self._prints.text()
        report.setdefault("seconds", time.monotonic() - self._started)
        return report

    def _read_report(self, status: int) -> dict[str, Any]:
        """What the plan reported, or why there is no report."""
        if self._reason is not None:
            return {"error": self._reason, "said": {}}
        try:
            report: Any = json.loads(b"".join(self._report))
        except (ValueError, RecursionError):
            report = None
        if not isinstance(report, dict) or not isinstance(report.get("said"), dict):
            how = _describe_exit(status)
            return {"error": {"kind": "died", "message": f"the process {how}"}, "said": {}}
        return {"error": None, **report}

    def _end(self, kind: str, message: str) -> None:
        if self._reason is None:
            self._reason = {"kind": kind, "message": f"the step {message} and was ended"}
            self.killed |= tree.kill_tree(self.pid)


def _describe_exit(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended by itself with exit code {os.WEXITSTATUS(status)} before the step returned"
