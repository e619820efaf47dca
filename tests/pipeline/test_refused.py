"""What is refused leaves nothing behind, and is told by its true reason."""

from collections.abc import Callable

import pytest

from tests.pipeline.terminal import STOPPED, luigi
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


def test_a_loop_that_is_refused_leaves_none_behind(make_world: MakeWorld) -> None:
    world = make_world(train=2, verify=2, scout=1)
    said = luigi(world, "Loop", "--models", "nobody")
    assert said.code == 30
    assert "Unknown model 'nobody'" in said.err
    assert not (world.lab / "loops").exists()


def test_a_damaged_end_is_named_and_the_ledger_does_not_say_that_it_goes_on(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=2, verify=2, scout=1)
    assert luigi(world, "Loop", "--iterations", "1").code == 0
    end = world.lab / "loops/1_read_sum/ended.json"
    end.write_text('{"loop": 1')
    said = luigi(world, "Loop", "--number", "1")
    assert said.code
    assert said.err.count(STOPPED) == 1
    assert "ended.json" in said.err
    assert "the loop then goes on" in said.err
    assert luigi(world, "Ledger").code == 0
    page = (world.lab / "index.html").read_text()
    assert "ended.json is damaged." in page
    assert "goes on" not in page
    end.unlink()
    assert luigi(world, "Loop", "--number", "1", "--iterations", "1").code == 0


def test_git_that_fails_is_not_a_branch_that_is_missing(make_world: MakeWorld) -> None:
    world = make_world(train=2, verify=2, scout=1)
    commit = world.branch("idea", {"prompt.txt": "Other words.\n[user]\n{invoice}\n"})
    file = world.target / ".git/objects" / commit[:2] / commit[2:]
    file.chmod(0o644)
    file.write_bytes(b"")
    said = luigi(world, "Iteration", "--branch", "idea")
    assert said.code == 30
    assert "failed: " in said.err
    assert "no such branch" not in said.err
    assert "Traceback" not in said.err


def test_a_file_where_the_target_belongs_and_a_folder_where_a_config_does(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=2, verify=2, scout=1)
    world.target.rename(world.root / "away")
    world.target.write_text("not a folder")
    assert "lab/target is no folder" in luigi(world, "Iteration").err
    config = world.root / "configs/lab.yaml"
    config.unlink()
    config.mkdir()
    assert "lab.yaml: is a folder; put a file in its place" in luigi(world, "Iteration").err
