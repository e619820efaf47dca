"""The runner begins in a clean worktree, and says what its runs have left there."""

from collections.abc import Callable

import pytest

from tests.pipeline.runner.runner import runner
from tests.pipeline.target_world import CORE, TargetWorld

pytestmark = pytest.mark.slow
LEAVES = "Path(core.__file__).write_text(core.PROMPT)"


@pytest.mark.parametrize(("body", "code"), [(LEAVES, 1), ("return {}", 0)])
def test_a_worktree_that_the_runs_altered_is_told(
    make_target: Callable[..., TargetWorld], body: str, code: int
) -> None:
    world = make_target().small(body=body)
    plans = world.lab / "baseline/train"
    args = ("--baseline-dir", plans, "--prompt-lab-dir", world.lab, "--step", world.step)
    for _ in range(2):
        said = runner(world, *args, "--model", "one")
        assert said.code == code, said.err
        assert ("'src/notes/core.py'" in said.err) is bool(code)
    answers = {path.read_text() for path in world.lab.glob("history/*/*/outputs/*/answer.txt")}
    assert answers == {"List what matters." + "!" * n for n in range(3)}
    assert (world.target / "src/notes/core.py").read_text() == CORE
