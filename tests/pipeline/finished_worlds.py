"""Worlds whose iterations are concluded: made once in each process, then copied for each test."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from prompt_lab.names import Outcome
from tests.pipeline.world import World

MakeWorld = Callable[..., World]
Prepare = Callable[[MakeWorld], World]
"""Makes a world and runs iterations in it; none of them may stay open."""
CopyWorld = Callable[[Prepare], World]


def make_improved(make_world: MakeWorld) -> World:
    """The default world after its first iteration, which ended with YES."""
    world = make_world()
    assert world.iterate()
    assert world.verdict(1).outcome is Outcome.YES
    return world


def copy_world(world: World, root: Path) -> World:
    """The world at another place, without lab/work, which the next command makes again."""

    def leave_out(folder: str, _: list[str]) -> list[str]:
        return ["work"] if folder == str(world.lab) else []

    shutil.copytree(world.root, root, symlinks=True, ignore=leave_out)
    return replace(world, root=root)
