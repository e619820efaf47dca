"""Sandboxes built ahead: a command that is likely to come waits in one while another runs.

To build a sandbox and to bound it takes longer than to start a command in it. In a sandbox that
waits there is a shell of the machine, which reads a line from us, goes to the command's folder and
becomes the command. So nothing of the command has run before it is asked for with an equal policy,
words and folder; and where our process dies, the sandbox ends as any other does.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from adapters.sandbox.bubblewrap import describe_refusal, describe_waiver
from adapters.sandbox.launch import LaunchedCommand, launch
from adapters.sandbox.policy import SandboxPolicy
from prompt_lab.errors import LabError

MOST = 2
"""Sandboxes that wait at a time; the oldest makes room."""
SHELL = "/bin/dash"
"""Where it is not, nothing is prepared: other shells add to the environment of a command."""
NAME = "prompt-lab-start"
"""What the shell calls itself where it cannot start a command."""
_WAIT = 'read -r go && cd "$1" && shift && unset OLDPWD go && exec "$@" </dev/null'
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC
_Built = tuple[LaunchedCommand, int]


@dataclass
class _Prepared:
    """One that waits. `sources`: what it shows, held open so that no other gets its number."""

    owner: int
    policy: SandboxPolicy
    command: tuple[str, ...]
    cwd: Path
    sources: tuple[int, ...]
    built: "Future[_Built]"

    def fits(self, policy: SandboxPolicy, command: Sequence[str], cwd: Path) -> bool:
        """Whether it would be built in the same way now."""
        asked = (os.getpid(), policy, tuple(command), cwd)
        if asked != (self.owner, self.policy, self.command, self.cwd):
            return False
        shown = zip(self.sources, _sources(policy), strict=True)
        with suppress(OSError):
            return all(os.path.samestat(os.fstat(fd), path.stat()) for fd, path in shown)
        return False

    def close(self) -> None:
        """Let go of what it shows."""
        for fd in self.sources:
            os.close(fd)

    def drop(self) -> None:
        """End it: its command never begins. Of a parent process nothing is ended."""
        self.close()
        if self.owner != os.getpid():
            return
        with suppress(LabError):
            waiting, begin = self.built.result()
            os.close(begin)
            _end(waiting)


_waiting: list[_Prepared] = []


def prepare(policy: SandboxPolicy, command: Sequence[str], cwd: Path) -> None:
    """Begin to build the sandbox of a command, beside what else is done. Never fails.

    Not where a sandbox needs addresses granted, which are open only while its command runs.
    """
    if policy.network or describe_waiver() or describe_refusal("") or not os.path.exists(SHELL):
        return
    if any(one.fits(policy, command, cwd) for one in _waiting):
        return
    while len(_waiting) >= MOST:
        _waiting.pop(0).drop()
    sources: list[int] = []
    try:
        for path in _sources(policy):
            sources.append(os.open(path, _FOLDER))
    except OSError:
        for fd in sources:
            os.close(fd)
        return
    built = _thread(os.getpid()).submit(_build, policy, tuple(command), cwd)
    _waiting.append(_Prepared(os.getpid(), policy, tuple(command), cwd, tuple(sources), built))


def take_prepared(
    policy: SandboxPolicy, command: Sequence[str], cwd: Path
) -> LaunchedCommand | None:
    """The command, begun in the sandbox that was prepared for it; None where there is none."""
    if describe_waiver():
        return None
    for one in _waiting:
        if one.fits(policy, command, cwd):
            _waiting.remove(one)
            one.close()
            return _begin(one)
    return None


def drop_prepared() -> None:
    """End all that wait."""
    while _waiting:
        _waiting.pop().drop()


def _sources(policy: SandboxPolicy) -> list[Path]:
    found = [path for mount in policy.mounts for path in (mount.source, mount.changes)]
    return [path for path in found if path is not None]


def _begin(one: _Prepared) -> LaunchedCommand | None:
    try:
        waiting, begin = one.built.result()
    except LabError:
        return None
    try:
        os.write(begin, b"\n")
    except BrokenPipeError:  # another process has ended it
        _end(waiting)
        return None
    finally:
        os.close(begin)
    return waiting


def _end(waiting: LaunchedCommand) -> None:
    waiting.kill()
    waiting.finish()
    for pipe in (waiting.process.stdout, waiting.process.stderr):
        if pipe is not None:
            pipe.close()


def _build(policy: SandboxPolicy, command: Sequence[str], cwd: Path) -> _Built:
    words = (SHELL, "-c", _WAIT, NAME, str(cwd), *command)
    end, begin = os.pipe()
    try:
        return launch(policy, words, Path("/"), end), begin
    except BaseException:
        os.close(begin)
        raise
    finally:
        os.close(end)


@lru_cache(maxsize=1)
def _thread(_: int) -> ThreadPoolExecutor:
    """The thread of this process that builds; a sandbox ends with the thread that built it."""
    return ThreadPoolExecutor(1, "sandbox")
