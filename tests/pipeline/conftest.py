"""A world in a folder of its own, and the environment that makes this process work in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
