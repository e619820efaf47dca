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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import uuid4

from adapters import bounds
from adapters.isolation.command_limits import CommandLimits, command_limits
from adapters.isolation.orphans import MARK, end_orphans
from adapters.isolation.policy import SandboxPolicy, read_unenforced, ways_of

PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""Variables that every command is given, where they are set."""
CHUNK = 1 << 16
LOOK_SECONDS = 0.25
START = Path(bounds.__path__[0]) / "start.py"
SERVES = "isolation.launcher"
NO_LIMIT_HERE = "this system has no namespaces: the command is not isolated"


@dataclass(frozen=True)
class ProcessLimits:
    """Seconds for the command with all its children; bytes for each of its two outputs.

    Behind walls also: memory of all its processes together, and how many there may be, threads
    included.
    """

    seconds: float
    output: int = 16 << 20
    memory_mb: int = 4096
    processes: int = 512


@dataclass(frozen=True)
class ProcessResult:
    """How it ended. `stopped` is '' or why: 'time', 'output', 'watch', 'memory' or 'processes'.

    `unbound`: walls and bounds that this machine could not build, in words.
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
    limits: ProcessLimits
    watch: Watch | None
    cage: CommandLimits | None = None
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
                first, *rest = data.split(b"\n")
                line += first  # never copied whole before it has come to its end
                whole = [bytes(line), *rest[:-1]] if rest else []
                line = bytearray(rest[-1]) if rest else line
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
    limits: ProcessLimits,
    walls: SandboxPolicy | None = None,
    stdin: bytes = b"",
    watch: Watch | None = None,
) -> ProcessResult:
    """Run to the end, or until a limit is reached; nothing that it began is left running.

    `environment` is all that it gets, beside PASSED. Never raises for what the command does.
    """
    mark = uuid4().hex
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    full = {**passed, **environment, MARK: mark}
    started = time.monotonic()
    with ExitStack() as stack:
        cage = None
        if walls is not None:
            cage = stack.enter_context(command_limits(limits.processes, limits.memory_mb, mark))
        process, told = stack.enter_context(_started(command, cwd, full, walls, cage))
        work = _Run(process, limits, watch, cage)
        _drive(work, stdin)
        return ProcessResult(
            code=process.returncode,
            out=bytes(work.kept.get("out", b"")),
            err=bytes(work.kept.get("err", b"")),
            seconds=time.monotonic() - started,
            stopped=work.stopped,
            unbound=tuple(told()),
            killed=end_orphans(mark),
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
    readers.append(threading.Thread(target=_write_input, args=(process.stdin, stdin), daemon=True))
    for reader in readers:
        reader.start()
    try:
        _await(work)
    finally:
        work.stop(work.stopped)  # what is left of its group ends with it, by Ctrl-C too
        process.wait()
    for reader in readers:
        reader.join(1.0)  # a process outside the group may hold a pipe: it is found below


def _await(work: _Run) -> None:
    """Until it has ended, or met the bound of its time, its memory or its processes."""
    until = time.monotonic() + work.limits.seconds
    while True:
        try:
            work.process.wait(max(0.0, min(LOOK_SECONDS, until - time.monotonic())))
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        if work.cage is not None and (met := work.cage.met()):
            return work.stop(met)
        if ended:
            return None
        if time.monotonic() >= until:
            return work.stop("time")


def _write_input(pipe: IO[bytes], data: bytes) -> None:
    with suppress(OSError), pipe:
        pipe.write(data)


@contextmanager
def _started(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    walls: SandboxPolicy | None,
    cage: CommandLimits | None,
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], list[str]]]]:
    if walls is None or cage is None or sys.platform != "linux":
        with _popen(command, cwd, environment) as process:
            yield process, lambda: [] if walls is None else [NO_LIMIT_HERE]
        return
    ours, theirs = socket.socketpair()
    with (
        TemporaryDirectory(prefix="prompt-lab-way-") as folder,
        ours,
        ways_of(walls, folder) as ways,
    ):
        wanted = {"command": [*command], "cwd": str(cwd), "environment": {**environment}, **ways}
        wanted["parent"] = os.getpid()
        launcher = [sys.executable, "-I", "-S", "-B", str(START), SERVES, str(theirs.fileno())]
        own = {"LC_ALL": "C.UTF-8", MARK: environment[MARK]}
        with _popen(launcher, cwd, own, theirs.fileno()) as process:
            theirs.close()
            cage.take(process.pid)  # it starts nothing before it gets its job
            ours.sendall(json.dumps(wanted).encode() + b"\n")
            yield process, lambda: [*read_unenforced(ours), *cage.unbound]


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
