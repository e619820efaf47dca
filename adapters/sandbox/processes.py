"""Run a command of others to its end: in its sandbox, within its limits, watched line by line."""

import os
import selectors
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.sandbox.inside.captured_output import CapturedOutput
from adapters.sandbox.launch import LaunchedCommand, file_of, launch
from adapters.sandbox.network import granted_network
from adapters.sandbox.policy import SandboxPolicy
from adapters.sandbox.prepared import NAME, take_prepared
from adapters.sandbox.usage import COUNT_SECONDS, LOOK_SECONDS, ResourceUsage
from prompt_lab.errors import TransientError

CHUNK = 1 << 16
NOT_STARTED = 127
LONGEST_LINE = 8 << 20
"""Bytes of a line that a watch is shown; a longer one is not shown."""
DRAIN_SECONDS = 5.0
_EXEC_FAILED = (b"bwrap: execvp ", f"{NAME}: ".encode())


@dataclass(frozen=True)
class ProcessResult:
    """How it ended. `code` is minus the signal. `stopped` is '' or why it was ended.

    That is: 'time', 'output', 'watch', 'memory', 'processes', or what `look` gave. `unenforced`:
    parts of the policy that this machine does not enforce, in words. `printed`: bytes.
    """

    code: int
    out: bytes
    err: bytes
    seconds: float
    stopped: str = ""
    unenforced: tuple[str, ...] = ()
    printed: int = 0


Watch = Callable[[bytes], bool]
"""Is shown each line of output; True ends the command."""
Look = Callable[[], str]
"""Is asked every LOOK_SECONDS; a reason ends the command."""


def run(
    command: Sequence[str],
    policy: SandboxPolicy,
    cwd: Path,
    stdin: bytes = b"",
    *,
    watch: Watch | None = None,
    look: Look | None = None,
) -> ProcessResult:
    """Run to the end, or until a limit is reached; nothing that it began is left running.

    Raises SandboxUnavailable, TransientError where the sandbox itself fails; nothing for what the
    command does.
    """
    started = time.monotonic()
    with granted_network(policy, sys.executable) as network:
        granted = replace(policy, mounts=(*policy.mounts, *network.mounts))
        try:
            words = [*network.words, *command]
            launched = None if stdin else take_prepared(granted, words, cwd)
            if launched is None:
                with file_of(stdin) as given:
                    launched = launch(granted, words, cwd, given)
        except FileNotFoundError as error:  # without a sandbox
            return ProcessResult(NOT_STARTED, b"", _describe_missing(command[0], error.strerror), 0)
        work = _Supervision(launched, granted, watch, look)
        try:
            work.supervise()
        finally:
            seconds = time.monotonic() - started
            launched.kill()
            code = launched.finish()
            work.drain()
        return work.result(command[0], code, seconds)


class _Supervision:
    """One command, supervised by the thread that waits for it."""

    def __init__(
        self, launched: LaunchedCommand, policy: SandboxPolicy, watch: Watch | None,
        look: Look | None,
    ) -> None:  # fmt: skip
        self._launched, self._limits, self._watch = launched, policy.limits, watch
        self._look = look or (lambda: "")
        self._usage = ResourceUsage(launched, policy.limits)
        self._stopped = ""
        most, kept = self._limits.output, self._limits.kept or self._limits.output
        self._kept = {name: CapturedOutput(most, kept) for name in ("out", "err")}
        self._line = bytearray()

    def supervise(self) -> None:
        """Until it has ended by itself, or is to be ended."""
        begun = looked = time.monotonic()
        pause = LOOK_SECONDS if self._usage.kernel_counts else COUNT_SECONDS
        with selectors.DefaultSelector() as selector:
            for name, fd in self._pipes():
                selector.register(fd, selectors.EVENT_READ, name)
            if self._launched.status >= 0:
                selector.register(self._launched.status, selectors.EVENT_READ, "status")
            while not self._stopped:
                for key, _ in selector.select(pause):
                    if key.data == "status":
                        if not self._launched.read_status():
                            return
                    elif not self._read(key.data, key.fd):
                        selector.unregister(key.fd)
                now = time.monotonic()
                if self._launched.status < 0 and self._launched.process.poll() is not None:
                    return
                if now - begun > self._limits.seconds:
                    self._stopped = "time"
                elif not self._stopped and self._usage.multiplied():
                    self._stopped = "processes"
                elif now - looked >= LOOK_SECONDS and not self._stopped:
                    self._stopped = self._usage.overrun() or self._look()
                    looked = time.monotonic()

    def drain(self) -> None:
        """Take what the pipes still hold, and close them: who wrote there has ended."""
        until = time.monotonic() + DRAIN_SECONDS
        for name, fd in self._pipes():
            os.set_blocking(fd, False)
            with suppress(BlockingIOError):
                while time.monotonic() < until and self._read(name, fd):
                    pass
        self._stopped = self._launched.stopped or self._stopped
        for file in (self._launched.process.stdout, self._launched.process.stderr):
            if file is not None:
                file.close()

    def result(self, program: str, code: int | None, seconds: float) -> ProcessResult:
        """How it ended. Raises TransientError where the command was never begun."""
        err = self._kept["err"].content()
        if err.startswith(_EXEC_FAILED):
            code, err = NOT_STARTED, _describe_missing(program, err.rpartition(b":")[2].decode())
        elif code is None and not self._stopped:
            said = err.decode("utf-8", "replace").strip() or "it ended before the command began"
            raise TransientError(f"the sandbox could not be built: {said}")
        return ProcessResult(
            code=-9 if code is None else code,
            out=self._kept["out"].content(),
            err=err,
            seconds=seconds,
            stopped=self._stopped,
            unenforced=self._launched.unenforced,
            printed=sum(kept.count for kept in self._kept.values()),
        )

    def _pipes(self) -> list[tuple[str, int]]:
        process = self._launched.process
        pipes = (("out", process.stdout), ("err", process.stderr))
        return [(name, pipe.fileno()) for name, pipe in pipes if pipe is not None]

    def _read(self, name: str, fd: int) -> bool:
        """Take what a pipe holds; False at its end."""
        data = os.read(fd, CHUNK)
        if self._kept[name].add(data):
            self._stopped = self._stopped or "output"
        elif name == "out" and self._watch is not None and self._show_lines(data, self._watch):
            self._stopped = self._stopped or "watch"
        return bool(data)

    def _show_lines(self, data: bytes, watch: Watch) -> bool:
        """Show the watch each line that is whole; whether it wants an end."""
        first, *rest = data.split(b"\n")
        if len(self._line) < LONGEST_LINE:
            self._line += first  # never copied whole before it has come to its end
        whole = [bytes(self._line), *rest[:-1]] if rest else []
        self._line = bytearray(rest[-1]) if rest else self._line
        return any([watch(one) for one in whole if len(one) < LONGEST_LINE])


def _describe_missing(program: str, why: str | None) -> bytes:
    return f"{program!r} cannot be started: {(why or '').strip()}\n".encode()
