"""`prompt-lab try FILE`: a prompt of a file is tested as a branch would be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.app import main
from prompt_lab.names import Outcome
from tests.pipeline.model_server import ModelServer
from tests.pipeline.terminal import Said, forked
from tests.pipeline.world import HINT, PLAIN, World

pytestmark = pytest.mark.slow
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(policy={"verify": "if_given"})


def run(world: World, *args: str) -> Said:
    return forked(world, lambda: main(["try", *args]), {})


def test_a_better_prompt_of_a_file_is_merged_without_any_git_by_hand(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "my idea.txt"
    file.write_text(BETTER)
    planned = run(world, str(file), "--dry-run")
    assert planned.code == 0
    assert not world.folder(1).exists()
    done = run(world, str(file))
    assert done.code == 0, done.err
    assert world.verdict(1).outcome is Outcome.YES
    assert world.git("show", "main:prompt.txt") == BETTER.rstrip("\n")
    assert world.git("branch", "--list", "try/*").count("try/my-idea-") == 1


def test_a_limit_on_calls_is_kept_and_the_same_command_goes_on_without_paying_twice(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    file = tmp_path / "idea.txt"
    file.write_text(BETTER)
    with ModelServer() as server:
        world = make_world(models={"near": server.config()}, policy={"verify": "if_given"})
        assert "the price of near is unknown" in run(world, str(file), "--max-cost", "1").err
        for made in (10, 20):
            stopped = run(world, str(file), "--max-calls", "10")
            assert stopped.code != 0
            assert "--max-calls 10: the limit of this command is reached" in stopped.err
            assert server.calls.total() == made
        assert run(world, str(file), "--max-calls", "10").code == 0
        assert world.verdict(1).outcome is Outcome.YES
        assert (len(server.calls), max(server.calls.values())) == (24, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (PLAIN.encode(), "is the prompt of 'read_sum' as it is: there is nothing to try"),
        (b" \n", "is empty"),
        (b"\xff\xfe\xfa", "is not UTF-8 text"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_tried_is_one_sentence(
    world: World, tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "idea.txt"
    if content is not None:
        file.write_bytes(content)
    done = run(world, str(file))
    assert done.code != 0
    assert says in done.err
    assert "Traceback" not in done.err
    assert world.git("branch", "--list", "try/*") == ""
