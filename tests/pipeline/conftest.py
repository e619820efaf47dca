"""A world in a folder of its own, and the environment that makes this process work in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.wiring import lab_context
from tests.pipeline.github.github_world import BETTER, GitHubWorld
from tests.pipeline.target_world import TargetWorld
from tests.pipeline.world import World


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Make a world; the process then works in it."""

    def make(**given: Any) -> World:
        world = World(tmp_path / "world", **given).make()
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        return world

    return make


@pytest.fixture
def make_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., TargetWorld]]:
    """Make a world; this process then works in it, and its workers end with the test."""
    made: list[TargetWorld] = []

    def make(**given: Any) -> TargetWorld:
        made.append(TargetWorld(tmp_path / "world", **given))
        for name, value in made[0].env.items():
            monkeypatch.setenv(name, value)
        return made[0]

    yield make
    for world in made:
        lab_context().adapter(world.step).close()
        lab_context().close_gateways()


@pytest.fixture
def hub(make_world: Callable[..., World]) -> Iterator[GitHubWorld]:
    """A world on our stand-in of GitHub, with a branch 'idea' that is better."""
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    with GitHubWorld(world) as made:
        world.branch("idea", {"prompt.txt": BETTER})
        yield made
