"""One plan in the process that was forked for it: bounds, the work, and its report."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from typing import Any

from ...sandbox.inside import rlimits, tree
from . import step
from .ledger import LoadedFiles, belongs
from .reads import FileReads

LONGEST = 4000
"""Characters of a message; the end of a traceback says most."""


class LoadedStep:
    """What the worker has loaded once and every plan is forked with."""

    def __init__(
        self, setup: dict[str, Any], ledger: LoadedFiles, module: Any, reads: FileReads
    ) -> None:
        self.setup, self.ledger, self.module, self.reads = setup, ledger, module, reads
        self.elsewhere = ledger.loaded_outside(setup["packages"], list(sys.modules))
        self._last = ""
        self.settle()

    def settle(self) -> None:
        """What is loaded now is what plans are forked with."""
        self._last = next(reversed(sys.modules))
        self.reads.settle()

    def fresh(self) -> list[str]:
        """The modules that were loaded since, in their order.

        From the end: to touch the thousands that were there already would copy their memory.
        """
        found: list[str] = []
        for name in reversed(sys.modules):
            if name == self._last:
                break
            found.append(name)
        return found[::-1]


def run_plan(shared: LoadedStep, job: dict[str, Any], pipes: tuple[int, int]) -> None:
    """The whole life of a plan's process. `pipes` are (for prints, for the report); ends it."""
    prints, report = pipes
    try:
        os.setsid()
        _quieten(prints, job["worker"])
        limits = job["limits"]
        rlimits.set_rlimits(limits["memory_mb"], limits["output_mb"])
        os.chdir(job["out_dir"] if job["kind"] == "execute" else "/")
        _send(report, _run_and_report(shared, job))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def failure(error: BaseException) -> dict[str, str]:
    """{kind, message} of what went wrong; the message is the last lines of the traceback."""
    kind = getattr(error, "kind", "") if isinstance(error, step.StepFailed) else "exception"
    if isinstance(error, MemoryError):
        kind = "memory_limit"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        kind = "output_limit"
    if isinstance(error, step.StepFailed):
        return {"kind": kind, "message": str(error)[-LONGEST:]}
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {"kind": kind, "message": "".join(lines).strip()[-LONGEST:]}


def _run_and_report(shared: LoadedStep, job: dict[str, Any]) -> dict[str, Any]:
    """Do the work and gather what is evidence of it."""
    started = time.monotonic()
    told: dict[str, Any] = {"error": None, "said": {}}
    shared.reads.begin_plan()
    try:
        if job["kind"] == "score":
            told["scores"] = step.score(shared.module, job)
        else:
            told["said"] = step.execute(shared.module, shared.setup, job)
    except BaseException as error:
        told["error"] = failure(error)
    if job["kind"] == "execute":
        told["prompt_sha256"] = _prompt(shared, told)
        told.update(_evidence(shared))
    told.update(_reads(shared, job))
    told["seconds"] = time.monotonic() - started
    told["cpu_seconds"] = sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    sys.stdout.flush()
    sys.stderr.flush()
    return told


def _prompt(shared: LoadedStep, told: dict[str, Any]) -> str:
    try:
        return step.prompt_sha256(shared.module, told["said"])
    except Exception as error:
        told["error"] = told["error"] or failure(error)
        return ""


def _evidence(shared: LoadedStep) -> dict[str, Any]:
    """What was loaded from where; `lazy`: what only this plan had to load, from elsewhere."""
    ledger, packages, fresh = shared.ledger, shared.setup["packages"], shared.fresh()
    ledger.look_at(shared.setup["sources"])
    loaded = {name: file for name, file in shared.elsewhere.items() if file}
    return {
        "files": ledger.collect(fresh),
        "elsewhere": {**loaded, **ledger.loaded_outside(packages, fresh)},
        "lazy": [name for name in fresh if _outside(ledger, name) and not belongs(name, packages)],
    }


def _reads(shared: LoadedStep, job: dict[str, Any]) -> dict[str, Any]:
    """Files read in the plan folder (None if undeterminable), and outside of all."""
    reads = shared.reads
    seen = reads.complete and shared.setup["mode"] != "command"
    return {
        "plan_read": reads.inside(job["plan_dir"]) if seen else None,
        "outside": reads.outside((job["plan_dir"], job["out_dir"])),
    }


def _outside(ledger: LoadedFiles, name: str) -> bool:
    path = getattr(sys.modules.get(name), "__file__", None)
    return isinstance(path, str) and not ledger.relative_path(path)


def _quieten(prints: int, worker: int) -> None:
    """Let prints go to their own pipe, read nothing, and end when the worker ends."""
    tree.adopt_orphans()
    tree.die_with_parent(worker)
    tree.set_dumpable(True)  # unlike the worker, whose pipes no plan may open
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(prints, 1)
    os.dup2(prints, 2)
    # The streams of before may be blocked, or hold text of the worker itself.
    sys.stdout, sys.stderr = _text_to(1), _text_to(2)


def _text_to(fd: int) -> io.TextIOWrapper:
    raw = io.FileIO(fd, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True
    )


def _send(report: int, told: dict[str, Any]) -> None:
    try:
        text = json.dumps(told)
    except (TypeError, ValueError) as error:
        text = json.dumps({"error": failure(error), "said": {}})
    data = memoryview(text.encode("utf-8", "backslashreplace"))
    while data:
        data = data[os.write(report, data) :]
