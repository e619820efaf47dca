"""A target that is a shallow clone: changes are judged, merged and reverted, or it is deepened."""

from collections.abc import Callable

import pytest

from prompt_lab.names import Outcome
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import HINT, PLAIN, World

pytestmark = pytest.mark.slow
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A target whose history is longer than its clone will be."""
    made = make_world(train=6, verify=6)
    _commit(made, {"notes.txt": "1\n"})
    return made


def _commit(world: World, files: dict[str, str]) -> None:
    world.write(world.target, files)
    world.git("add", "-A")
    world.git("commit", "-q", "-m", "Theirs")


def _make_shallow(world: World, *options: str) -> None:
    """Put a clone of depth 1 in the place of the target, as a CI checks it out."""
    whole = world.root / "whole"
    world.target.rename(whole)
    url = f"file://{whole}"
    world.git("clone", "-q", "--depth=1", *options, url, str(world.target), at=world.root)


def test_a_change_is_merged_and_reverted_though_main_has_moved(world: World) -> None:
    _make_shallow(world)
    before = world.git("rev-parse", "HEAD:prompt.txt")
    world.branch("idea", {"prompt.txt": BETTER})
    _commit(world, {"notes.txt": "moved\n"})
    assert luigi(world, "Iteration", "--branch", "idea").code == 0
    assert world.verdict(1).outcome is Outcome.YES
    assert world.git("show", "main:notes.txt") == "moved"
    assert HINT in world.git("show", "main:prompt.txt")
    assert luigi(world, "Revert", "--number", "1", "--reason", "trial").code == 0
    assert world.git("rev-parse", "main:prompt.txt") == before
    assert world.git("show", "main:notes.txt") == "moved"
    assert world.git("rev-parse", "--is-shallow-repository") == "true"


@pytest.mark.parametrize("options", [(), ("--no-single-branch",)])
def test_what_is_missing_is_named_before_anything_is_spent(
    world: World, options: tuple[str, ...]
) -> None:
    world.branch("idea", {"prompt.txt": BETTER})
    _commit(world, {"notes.txt": "moved\n"})
    _make_shallow(world, *options)
    command = f"git -C {world.target} fetch --unshallow"
    if options:
        world.git("branch", "-q", "idea", "origin/idea")
    else:
        command += " origin idea:idea"
    for more in (("--dry-run",), ()):
        stops(luigi(world, "Iteration", "--branch", "idea", *more), TASK, f"run '{command}'")
    assert not world.folder(1).exists()
    assert not (world.lab / "history").exists()
    world.git(*command.split(" ")[3:])
    assert luigi(world, "Iteration", "--branch", "idea").code == 0
    assert world.verdict(1).outcome is Outcome.YES


def test_a_merge_whose_parents_are_missing_is_not_reverted_before_they_are_fetched(
    world: World,
) -> None:
    world.branch("idea", {"prompt.txt": BETTER})
    assert luigi(world, "Iteration", "--branch", "idea").code == 0
    tree = world.git("rev-parse", "main^1^{tree}")
    _make_shallow(world)
    # Another machine: our own clone of the target is not there.
    (world.lab / "work").rename(world.root / "work")
    command = f"git -C {world.target} fetch --unshallow"
    said = luigi(world, "Revert", "--number", "1")
    stops(said, TASK, f"run '{command}'")
    assert not (world.folder(1) / "reverted.json").exists()
    world.git(*command.split(" ")[3:])
    assert luigi(world, "Revert", "--number", "1").code == 0
    assert world.git("rev-parse", "main^{tree}") == tree
