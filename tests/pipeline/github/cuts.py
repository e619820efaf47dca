"""A command on a hub that ends at a call to it: killed there, or told by a copy of the world.

A kill leaves the files as they are at that moment. So the world is copied while whoever asked
waits for the answer, and a copy that differs from all before it is started again from. The
emulator's part of the world cannot be copied: there the command is killed.
"""

import copy
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

import luigi

from tests.adapters.code_host.hub.emulator import TOKEN, Emulator
from tests.adapters.code_host.hub.server import Cut
from tests.adapters.code_host.hub.stand_in import StandIn
from tests.adapters.code_host.hub.wire import ask
from tests.pipeline.github.github_world import GitHubWorld
from tests.pipeline.world import World

FORK = multiprocessing.get_context("fork")
When = Literal["before", "after"]
WRITES = ("POST /repos", "PUT", "PATCH", "DELETE")


class Command(NamedTuple):
    """A task as a command line gives it."""

    task: type[luigi.Task]
    flags: Mapping[str, Any]


class Copy(NamedTuple):
    """The world at the moment of a call."""

    call: str
    folder: Path
    stand_in: StandIn


@dataclass
class Trial:
    """The same world over and over, as it was when it was kept."""

    world: World
    emulator: Emulator | None
    kept: dict[str, Path] = field(default_factory=dict)

    def keep(self, name: str) -> Path:
        """Remember the world as it is."""
        self.kept[name] = self.world.root.with_name(f"kept-{name}")
        shutil.copytree(self.world.root, self.kept[name], symlinks=True)
        return self.kept[name]

    def again(self, name: str) -> GitHubWorld:
        """The world as it was, with a repository of the same name on a hub that is new."""
        self._restore(self.kept[name])
        if self.emulator is not None:
            path = f"/repos/{GitHubWorld(self.world).name}"
            ask(self.emulator.port, "DELETE", path, token=TOKEN)
        return GitHubWorld(self.world, self.emulator)

    def copies(self, hub: GitHubWorld, command: Command) -> list[Copy]:
        """Run the command to its end; the world at each of its calls, each state once."""
        found: dict[str, Copy] = {}

        def watch() -> None:
            state = digest_of(self.world.root) + _told(hub.stand_in)
            if state not in found:
                kept = self.keep(f"at-{len(found)}")
                found[state] = Copy(hub.hub.calls[-1], kept, copy.deepcopy(hub.stand_in))

        self._watched(hub, command, watch)
        return list(found.values())

    def writes(self, hub: GitHubWorld, command: Command) -> list[tuple[int, When]]:
        """Run the command to its end; each call that changes something there, before and after.

        A place that is as an earlier one was, on the hub and in the lab, is left out.
        """
        found: dict[tuple[int, str], tuple[int, When]] = {}
        begun: list[int] = []
        done: list[int] = []

        def watch() -> None:
            at, call = len(hub.hub.calls), hub.hub.calls[-1]
            if not (call.startswith(WRITES) or call.endswith("/git-receive-pack")):
                return
            when: When = "after" if at in begun else "before"
            (done if when == "after" else begun).append(at)
            found.setdefault((len(done), digest_of(self.world.root)), (at, when))

        self._watched(hub, command, watch)
        return list(found.values())

    @contextmanager
    def at(self, kept: Copy) -> Iterator[GitHubWorld]:
        """The world of a copy, and its hub; the copy is gone afterwards."""
        self._restore(kept.folder)
        with GitHubWorld(self.world, kept=kept.stand_in) as hub:
            yield hub
        shutil.rmtree(kept.folder)

    def run(
        self, hub: GitHubWorld, command: Command, cut: tuple[int, When] | None = None
    ) -> int | None:
        """The command in a process of its own, killed at that call if there is one."""
        process = FORK.Process(target=_own, args=command)
        # Bound late: the process has its number once it runs.
        kill = lambda: os.killpg(process.pid or 0, signal.SIGKILL)  # noqa: E731
        hub.hub.calls.clear()
        hub.hub.cut = None if cut is None else Cut(*cut, kill)
        process.start()
        process.join(120)
        hub.hub.cut = None
        return process.exitcode

    def _watched(self, hub: GitHubWorld, command: Command, watch: Callable[[], None]) -> None:
        hub.hub.watch = watch
        assert self.run(hub, command) == 0
        hub.hub.watch = lambda: None

    def _restore(self, kept: Path) -> None:
        shutil.rmtree(self.world.root, ignore_errors=True)
        shutil.copytree(kept, self.world.root, symlinks=True)


def _own(task: type[luigi.Task], flags: Mapping[str, Any]) -> None:
    os.setsid()
    run_command(task, flags)


def run_command(task: type[luigi.Task], flags: Mapping[str, Any]) -> None:
    """The command as all that its process does: it ends with 0 or 1."""
    done = luigi.build([task(**flags)], local_scheduler=True, log_level="ERROR")
    os._exit(0 if done else 1)


def digest_of(root: Path) -> str:
    """Of all files that a command which is started again could meet."""
    told = sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name != ".lock-holder":
            told.update(f"\n{path.relative_to(root)}\n".encode())
            told.update(path.read_bytes())
    return told.hexdigest()


def _told(stand_in: StandIn) -> str:
    """All that the stand-in would tell it."""
    pulls = [{**asdict(pull), "looked_at": ""} for pull in stand_in.pulls.all]
    return repr((pulls, stand_in.statuses))
