"""A command on this machine that ends at any moment: the world before each file that it puts in
place, and before each process that it starts. A kill leaves the files as they are just then.

Every fifth place is tried, and the first of each state that a test tells apart; with
PROMPTLAB_EVERY_CUT=1 all of them.
"""

import os
import shutil
import sys
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from tests.pipeline.github.cuts import Command, digest_of, run_command
from tests.pipeline.world import World

MOMENTS = ("os.rename", "subprocess.Popen")
"""Audit events: every file of a lab is put in its place by a rename, git makes all others."""
STRIDE = 1 if os.environ.get("PROMPTLAB_EVERY_CUT") else 5


def moments(world: World, command: Command) -> list[Path]:
    """Run the command to its end; copies of the world on the way, each state once."""
    away = world.root.with_name("moments")
    away.mkdir()
    assert _forked(lambda: _watched(world.root, away, command)) == 0
    return sorted(away.iterdir())


def to_try(found: Sequence[Path], state: Callable[[Path], Hashable]) -> list[tuple[Path, Hashable]]:
    """The moments that are to be tried, each with its state."""
    seen: set[Hashable] = set()
    chosen = []
    for place, moment in enumerate(found):
        known = state(moment)
        if known not in seen or place % STRIDE == 0:
            chosen.append((moment, known))
        seen.add(known)
    return chosen


def go_on(world: World, moment: Path, command: Command) -> int:
    """Start the command again in the world as it was at that moment; its exit code."""
    shutil.rmtree(world.root)
    shutil.copytree(moment, world.root, symlinks=True)
    return _forked(lambda: run_command(*command))


def _watched(root: Path, away: Path, command: Command) -> None:
    seen: set[str] = set()
    busy = False

    def copy(event: str, _: object) -> None:
        nonlocal busy
        if busy or event not in MOMENTS:
            return
        busy = True  # copying, too, is seen by this hook
        state = digest_of(root)
        if state not in seen:
            seen.add(state)
            shutil.copytree(root, away / f"{len(seen):03d}", symlinks=True)
        busy = False

    sys.addaudithook(copy)
    run_command(*command)


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(70)  # a command ends its process by itself
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
