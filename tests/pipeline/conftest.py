"""A world in a folder of its own, and the environment that makes this process work in it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.wiring import lab_context
from tests.loopback import free_port, listens
from tests.pipeline import finished_worlds as finished
from tests.pipeline.finished_worlds import CopyWorld, Prepare
from tests.pipeline.github.github_world import BETTER, GitHubWorld
from tests.pipeline.target_world import TargetWorld
from tests.pipeline.world import REPOSITORY, World
from tests.processes import until


@pytest.fixture
def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """Make a world; the process then works in it."""

    def make(**given: Any) -> World:
        world = World(tmp_path / "world", **given).make()
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        return world

    return make


@pytest.fixture(scope="session")
def finished_worlds() -> dict[Prepare, World]:
    """What copy_world has made so far."""
    return {}


@pytest.fixture
def copy_world(
    finished_worlds: dict[Prepare, World],
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CopyWorld:
    """Copy a world as a function of a module leaves it; the process then works in the copy."""

    def enter(world: World) -> World:
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        return world

    def make(**given: Any) -> World:
        return enter(World(tmp_path_factory.mktemp("finished") / "world", **given).make())

    def copy(prepare: Prepare) -> World:
        if prepare not in finished_worlds:
            finished_worlds[prepare] = prepare(make)
        return enter(finished.copy_world(finished_worlds[prepare], tmp_path / "world"))

    return copy


@pytest.fixture
def make_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., TargetWorld]]:
    """Make a world; this process then works in it, and its workers end with the test."""
    made: list[TargetWorld] = []

    def make(folder: str = "world", **given: Any) -> TargetWorld:
        made.append(TargetWorld(tmp_path / folder, **given))
        enter(made[-1])
        return made[-1]

    def enter(world: TargetWorld) -> None:
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)

    yield make
    for world in made:
        enter(world)
        lab_context().adapter(world.step).close()
        lab_context().close_gateways()


@pytest.fixture
def hub(make_world: Callable[..., World]) -> Iterator[GitHubWorld]:
    """A world on our stand-in of GitHub, with a branch 'idea' that is better."""
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    with GitHubWorld(world) as made:
        world.branch("idea", {"prompt.txt": BETTER})
        yield made


def _is_up_or_ended(server: "subprocess.Popen[bytes]", port: int) -> bool:
    return server.poll() is not None or listens(port)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where a luigid with our settings listens."""
    program = str(Path(sys.executable).with_name("luigid"))
    log = tmp_path / "luigid.log"
    for _ in range(5):  # another process may have taken the free port meanwhile
        number = free_port()
        where = ["--address", "127.0.0.1", "--port", str(number), "--state-path", f"{tmp_path}/s"]
        with (
            log.open("w") as out,
            subprocess.Popen([program, *where], cwd=REPOSITORY, stdout=out, stderr=out) as luigid,
        ):
            try:
                until(partial(_is_up_or_ended, luigid, number))
                if luigid.poll() is None:
                    yield number
                    return
            finally:
                luigid.terminate()
    pytest.fail(f"luigid does not start:\n{log.read_text()}")
