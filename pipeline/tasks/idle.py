"""What a process of a luigid says when it ends although its task is not done by it."""

import atexit
import json
import mmap
import os
import socket
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import luigi
from luigi.scheduler import scheduler

from pipeline.console import has_reported, report_idle
from prompt_lab.names import Side, count

QUERY_SECONDS = 3.0
"""How long luigid may take to say who else is at work."""
_flags = mmap.mmap(-1, 2)
"""Shared with forks: whether the command's own task ended here, and whether any task failed."""
_DONE, _FAILED = 0, 1


@dataclass(frozen=True)
class OtherProcess:
    """Another process of the same luigid that has tasks of this lab under way."""

    host: str
    pid: int
    silent_seconds: float
    """How long luigid has heard nothing of it."""
    families: Mapping[str, int]
    """How many tasks of each kind it has."""

    @property
    def is_gone(self) -> bool:
        """Whether it is certain that the process has ended; False for one of another machine."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


@dataclass
class _Command:
    root: luigi.Task | None = None
    address: str = ""


_command = _Command()


def note_root(task: luigi.Task) -> None:
    """Remember the first task of a command that works through a luigid, and where that listens."""
    if _command.root is None:
        core = luigi.interface.core()
        _command.root = task
        address = core.scheduler_url or f"http://{core.scheduler_host}:{core.scheduler_port}"
        _command.address = address.rstrip("/")
        atexit.register(_report)


def idle_sentence(others: Sequence[OtherProcess], *, complete: bool, delay: float) -> str:
    """What happens now, and when to run the command again.

    `delay`: seconds of silence after which luigid hands out again what a process had.
    """
    if complete:
        return (
            "Another process has finished this task: run the same command again to read how it "
            "ended."
        )
    if not others:
        return (
            "Nothing is left for this process, and luigid knows of no other one at work on this "
            "lab (it may have been restarted): run the same command again now; it continues from "
            "what is finished."
        )
    other = min(others, key=lambda one: one.silent_seconds)
    work = ", ".join(
        family if number == 1 else count(number, family)
        for family, number in sorted(other.families.items())
    )
    where = f"process {other.pid} on {other.host}"
    wait = max(1, round(delay - other.silent_seconds + 1))
    if other.is_gone:
        return (
            f"Nothing is left for this process: {where} ended while it was at work on {work}, "
            f"which luigid hands out again in {wait} seconds: run the same command again then."
        )
    return (
        f"Nothing is left for this process: {where} is at work on {work} (last heard of "
        f"{round(other.silent_seconds)} seconds ago). Run the same command again once that is "
        f"done; if that process has died, {wait} seconds from now."
    )


def others_at_work(address: str, lab_id: str) -> list[OtherProcess]:
    """Processes that have tasks of the lab under way, by luigid's own word. Raises OSError."""
    workers = _ask(address, "worker_list", include_running=False)
    now = max((one["last_active"] for one in workers), default=0.0)
    busy: dict[str, dict[str, int]] = {}
    for status in ("RUNNING", "BATCH_RUNNING"):
        tasks = _ask(address, "task_list", status=status, upstream_status="", limit=False)
        for task in tasks.values():
            # A batch is one task more than its members, which stand for it.
            is_batch = task["params"].get("side", Side.BASELINE) not in list(Side)
            if task["params"].get("lab_id") == lab_id and not is_batch:
                families = busy.setdefault(task["worker_running"], {})
                families[task["name"]] = families.get(task["name"], 0) + 1
    found = []
    for one in workers:
        mine = one.get("pid") == os.getpid() and one.get("host") == socket.gethostname()
        if one["name"] in busy and not mine:
            silent = max(0.0, now - one["last_active"])
            found.append(OtherProcess(one["host"], one["pid"], silent, busy[one["name"]]))
    return found


def _ask(address: str, method: str, **given: object) -> Any:
    body = urlencode({"data": json.dumps(given)}).encode()
    with urllib.request.urlopen(f"{address}/api/{method}", body, QUERY_SECONDS) as answer:
        return json.load(answer)["response"]


@luigi.Task.event_handler(luigi.Event.SUCCESS)
def _note_success(task: luigi.Task) -> None:
    if task is _command.root:
        _flags[_DONE] = 1


@luigi.Task.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def _note_present(task: luigi.Task) -> None:
    _note_success(task)


@luigi.Task.event_handler(luigi.Event.FAILURE)
def _note_failure(_: luigi.Task, __: BaseException) -> None:
    _flags[_FAILED] = 1


def _report() -> None:
    root = _command.root
    if root is None or _flags[_DONE] or _flags[_FAILED] or has_reported():
        return
    others: list[OtherProcess] = []
    complete = root.complete()
    if not complete:
        try:
            others = others_at_work(_command.address, str(vars(root).get("lab_id", "")))
        except (OSError, ValueError, KeyError):
            others = []
    delay = float(scheduler().worker_disconnect_delay)
    report_idle(idle_sentence(others, complete=complete, delay=delay))
