"""A command of others: bounded in time and output, walled in, ended with all that it began."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import uuid4

from adapters.walls.walls import Walls, told, ways_of

PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""Variables that every command is given, where they are set."""
MARK = "PROMPT_LAB_BOX"
"""A variable by which what a command has left behind is found again."""
CHUNK = 1 << 16
ROOT = Path(__file__).parents[2]
NO_LIMIT_HERE = "this system has no namespaces: no wall at all stands around the command"


@dataclass(frozen=True)
class Limits:
    """Seconds for the command with all its children; bytes for each of its two outputs."""

    seconds: float
    output: int = 16 << 20


@dataclass(frozen=True)
class Ended:
    """How it ended. `stopped` is '' or why we ended it: 'time', 'output' or 'watch'.

    `unbound`: walls that this machine could not build, in words.
    """

    code: int
    out: bytes
    err: bytes
    seconds: float
    stopped: str = ""
    unbound: tuple[str, ...] = ()
    killed: int = 0
    """Processes that had to be found and ended one by one."""


Watch = Callable[[bytes], bool]
"""Is shown each line of output; True ends the command."""


@dataclass
class _Run:
    """A command at work, watched by a thread for each of its outputs."""

    process: "subprocess.Popen[bytes]"
    limits: Limits
    watch: Watch | None
    stopped: str = ""
    kept: dict[str, bytearray] = field(default_factory=dict)

    def read(self, name: str, pipe: IO[bytes]) -> None:
        """Keep what comes, up to the limit."""
        kept = self.kept.setdefault(name, bytearray())
        line = bytearray()
        while data := os.read(pipe.fileno(), CHUNK):
            kept += data[: self.limits.output - len(kept)]
            if len(kept) >= self.limits.output:
                return self.stop("output")
            if name == "out" and self.watch is not None:
                *whole, rest = (bytes(line) + data).split(b"\n")
                line = bytearray(rest)
                if any([self.watch(one) for one in whole]):
                    return self.stop("watch")
        return None

    def stop(self, why: str) -> None:
        """End it, with its whole group."""
        self.stopped = self.stopped or why
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    limits: Limits,
    walls: Walls | None = None,
    stdin: bytes = b"",
    watch: Watch | None = None,
) -> Ended:
    """Run to the end, or until a limit is reached; nothing that it began is left running.

    `environment` is all that it gets, beside PASSED. Never raises for what the command does.
    """
    mark = uuid4().hex
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    full = {**passed, **environment, MARK: mark}
    started = time.monotonic()
    with _started(command, cwd, full, walls) as (process, told):
        work = _Run(process, limits, watch)
        _drive(work, stdin)
        seconds = time.monotonic() - started
        unbound = tuple(told())
    return Ended(
        code=process.returncode,
        out=bytes(work.kept.get("out", b"")),
        err=bytes(work.kept.get("err", b"")),
        seconds=seconds,
        stopped=work.stopped,
        unbound=unbound,
        killed=_sweep(mark),
    )


def _drive(work: _Run, stdin: bytes) -> None:
    process = work.process
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    readers = [
        threading.Thread(target=work.read, args=(name, pipe), daemon=True)
        for name, pipe in (("out", process.stdout), ("err", process.stderr))
    ]
    readers.append(threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True))
    for reader in readers:
        reader.start()
    try:
        process.wait(work.limits.seconds)
    except subprocess.TimeoutExpired:
        work.stop("time")
    finally:
        work.stop(work.stopped)  # what is left of its group ends with it, by Ctrl-C too
        process.wait()
    for reader in readers:
        reader.join(1.0)  # a process outside the group may hold a pipe: it is found below


def _feed(pipe: IO[bytes], data: bytes) -> None:
    with suppress(OSError), pipe:
        pipe.write(data)


@contextmanager
def _started(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], walls: Walls | None
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], list[str]]]]:
    if walls is None or sys.platform != "linux":
        with _popen(command, cwd, environment) as process:
            yield process, lambda: [] if walls is None else [NO_LIMIT_HERE]
        return
    ours, theirs = socket.socketpair()
    with (
        TemporaryDirectory(prefix="prompt-lab-way-") as folder,
        ours,
        ways_of(walls, folder) as ways,
    ):
        wanted = {"command": [*command], "cwd": str(cwd), "environment": {**environment}}
        launcher = [sys.executable, "-B", "-m", "adapters.walls.jail", str(theirs.fileno())]
        own = {"PYTHONPATH": str(ROOT), MARK: environment[MARK]}
        with _popen(launcher, cwd, own, theirs.fileno()) as process:
            theirs.close()
            ours.sendall(json.dumps({**wanted, **ways}).encode() + b"\n")
            yield process, lambda: told(ours)


def _popen(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], *fds: int
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=fds,
        start_new_session=True,
    )


def _sweep(mark: str) -> int:
    """End what has left its group and still carries our mark, until none is found."""
    wanted, killed = f"{MARK}={mark}".encode(), 0
    for _ in range(50):
        found = [pid for pid in _pids() if wanted in _environment_of(pid)]
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        if not found:
            break
        time.sleep(0.02)
    return killed


def _pids() -> list[int]:
    with suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return []


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
