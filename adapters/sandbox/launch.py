"""Start a command in its sandbox, and end it with all that it started."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from adapters.pipes import is_readable
from adapters.sandbox.bubblewrap import (
    describe_refusal,
    describe_waiver,
    find_bubblewrap,
    opened_settings,
    options,
)
from adapters.sandbox.control_group import ControlGroup
from adapters.sandbox.inside import low_ports, tree
from adapters.sandbox.limits import apply_limits, count_spared
from adapters.sandbox.policy import SandboxPolicy
from adapters.sandbox.seccomp import NO_FILTER, filter_program
from prompt_lab.errors import SandboxUnavailable, TransientError

START_SECONDS = 30.0
END_SECONDS = 30.0
FIRST_FREE_PORT = 1024
LONGEST_STATUS = 1 << 16
_READ_ONLY = 0xF
"""Seals of a memory file: F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE."""
NO_SANDBOX = (
    "no sandbox: the file system, the network and other processes are open to commands, and what"
    " they start may outlive them, since {why}"
)


class ApplyLimits(Protocol):
    """`apply_limits`: bounds the first process of a command before the command begins."""

    def __call__(
        self, pid: int, policy: SandboxPolicy, spared: int, *, sandboxed: bool
    ) -> tuple[ControlGroup, tuple[str, ...]]:
        """The group, and what is not bounded, in words."""


@dataclass
class LaunchedCommand:
    """A command that runs. `root` is the process with which all others end.

    `status`: reads what bubblewrap reports and ends when it does; -1 without a sandbox. `gone`
    becomes readable when `root` has ended. `group` bounds it, `spared` processes are not its own.
    """

    process: "subprocess.Popen[bytes]"
    root: int
    status: int = -1
    gone: int = -1
    unenforced: tuple[str, ...] = ()
    group: ControlGroup = field(default_factory=ControlGroup)
    spared: int = 0
    stopped: str = ""
    _reported: bytes = field(default=b"", repr=False)
    _finished: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read_status(self) -> bool:
        """Take what bubblewrap reports; False once there is no more."""
        data = os.read(self.status, LONGEST_STATUS)
        self._reported += data
        return bool(data)

    def read_first_process(self, seconds: float) -> int:
        """What bubblewrap reports first. Raises ValueError or KeyError where it does not."""
        while b"\n" not in self._reported:
            if not is_readable(self.status, seconds) or not self.read_status():
                break
        return int(json.loads(self._reported.partition(b"\n")[0])["child-pid"])

    def kill(self) -> None:
        """End all of it. Of a sandbox the first process is enough: the kernel ends the others."""
        with self._lock:  # never by a number or a descriptor that has another meaning by now
            if self._finished:
                return
            if self.gone >= 0:
                with suppress(OSError):
                    signal.pidfd_send_signal(self.gone, signal.SIGKILL)
            elif self.root > 1:
                tree.kill_tree(self.root)

    def finish(self) -> int | None:
        """Wait until all of it has ended: the exit code, or minus the signal.

        None where the sandbox was never built. `stopped` is then the limit that it met, or ''.
        """
        code = self.process.wait()
        if self.gone >= 0:
            is_readable(self.gone, END_SECONDS)
        with self._lock:
            self._finished = True
            if self.gone >= 0:
                os.close(self.gone)
        self.stopped = self.group.overrun()
        self.group.close(keep=not self.stopped)
        if self.status < 0:
            return code
        with suppress(OSError):
            while self.read_status():
                pass
            os.close(self.status)
        return _exit_code(self._reported)


def launch(
    policy: SandboxPolicy,
    command: Sequence[str],
    cwd: Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    *,
    pass_fds: tuple[int, ...] = (),
    apply: ApplyLimits = apply_limits,
) -> LaunchedCommand:
    """Start a command. Raises SandboxUnavailable, or TransientError where it cannot be built."""
    refusal = describe_refusal(f"{command[0]!r} was")
    if refusal:
        raise SandboxUnavailable(refusal)
    if why := describe_waiver():
        bare = _launch_bare(policy, command, cwd, stdin, pass_fds)
        bare.unenforced = (NO_SANDBOX.format(why=why), *bare.unenforced)
        return bare
    return _launch_inside(policy, command, cwd, stdin, pass_fds, apply)


def _launch_bare(
    policy: SandboxPolicy,
    command: Sequence[str],
    cwd: Path,
    stdin: int | IO[bytes],
    fds: tuple[int, ...],
) -> LaunchedCommand:
    process = subprocess.Popen(
        list(command), cwd=cwd, env=dict(policy.environment), stdin=stdin,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, pass_fds=fds,
    )  # fmt: skip
    group, unenforced = apply_limits(process.pid, policy, 0, sandboxed=False)
    return LaunchedCommand(process, process.pid, unenforced=unenforced, group=group)


def _launch_inside(
    policy: SandboxPolicy,
    command: Sequence[str],
    cwd: Path,
    stdin: int | IO[bytes],
    fds: tuple[int, ...],
    apply: ApplyLimits,
) -> LaunchedCommand:
    status, status_end = os.pipe()
    block, release = os.pipe()
    filters = filter_program()
    words = [*options(policy), "--chdir", str(cwd)]
    words += ["--json-status-fd", str(status_end), "--block-fd", str(block)]
    with file_of(filters) as rules, opened_settings() as (settings, setting_words):
        words = [*setting_words, *words]
        words += ["--seccomp", str(rules)] if filters else []
        # By a descriptor: keys among the variables must not stand in the list of processes.
        with file_of(b"".join(os.fsencode(word) + b"\0" for word in words)) as arguments:
            try:
                process = subprocess.Popen(
                    [find_bubblewrap(), "--args", str(arguments), "--", *command],
                    env={}, cwd="/", stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    pass_fds=(status_end, block, rules, arguments, *settings, *fds),
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                for fd in (status, release):
                    os.close(fd)
                raise TransientError(f"bubblewrap cannot be started: {error}") from error
            finally:
                os.close(status_end)
                os.close(block)
    unenforced = () if filters else (NO_FILTER,)
    started = LaunchedCommand(process, 0, status, unenforced=unenforced)
    try:
        _take(started, policy, apply)
        with suppress(BrokenPipeError):  # it has failed by now, and says why when it is waited for
            os.write(release, b"x")
    finally:
        os.close(release)
    return started


def _take(started: LaunchedCommand, policy: SandboxPolicy, apply: ApplyLimits) -> None:
    """Learn the first process of the sandbox, which waits, and bound it."""
    try:
        started.root = started.read_first_process(START_SECONDS)
        started.gone = os.pidfd_open(started.root)
        started.spared = count_spared(policy, sandboxed=True)
        started.group, unenforced = apply(started.root, policy, started.spared, sandboxed=True)
        started.unenforced += unenforced
        if any(port < FIRST_FREE_PORT for _, port in policy.network or ()):
            _open_low_ports(started.root)
    except (ValueError, KeyError, OSError) as error:
        # All of it: the first process waits, does not end with its parent yet, and holds the pipes.
        tree.kill_tree(started.process.pid)
        said = (started.process.communicate()[1] or b"").decode("utf-8", "replace").strip()
        for fd in (started.status, started.gone):
            if fd >= 0:
                os.close(fd)
        raise TransientError(f"the sandbox could not be built: {said or error}") from error


def _open_low_ports(pid: int) -> None:
    """Let the sandbox's own loopback have the port of a granted address, such as 443."""
    words = [sys.executable, "-I", "-S", "-B", low_ports.__file__, str(pid)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    if done.returncode:
        raise OSError(f"no low port can be opened: {done.stderr.strip()[-200:]}")


def _exit_code(reported: bytes) -> int | None:
    for line in reported.splitlines():
        with suppress(ValueError, TypeError, KeyError):
            code = int(json.loads(line)["exit-code"])
            return 128 - code if 128 < code <= 128 + signal.NSIG else code
    return None


@contextmanager
def file_of(data: bytes) -> Iterator[int]:
    """A descriptor from which these bytes can be read; nothing else names the file."""
    sealable = sys.platform == "linux"
    if sealable:
        fd = os.memfd_create("prompt-lab", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        if sealable:
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _READ_ONLY)
        yield fd
    finally:
        os.close(fd)
