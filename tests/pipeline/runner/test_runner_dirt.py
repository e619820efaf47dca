"""The runner begins in a clean worktree, and says what its runs have left there."""

from collections.abc import Callable

import pytest

from adapters.sandbox.bubblewrap import SETTING
from tests.adapters.sandbox.sandboxed import needs_sandbox
from tests.pipeline.runner.runner import runner
from tests.pipeline.target_world import CORE, TargetWorld

pytestmark = pytest.mark.slow
LEAVES = "Path(core.__file__).write_text(core.PROMPT)"
NO_SANDBOX = {SETTING: "none"}


@pytest.mark.parametrize(
    ("body", "env", "code"),
    [
        (LEAVES, NO_SANDBOX, 1),
        pytest.param(LEAVES, {SETTING: ""}, 0, marks=needs_sandbox),
        ("return {}", NO_SANDBOX, 0),
    ],
    ids=["altered", "sandboxed", "unaltered"],
)
def test_a_worktree_that_the_runs_altered_is_told(
    make_target: Callable[..., TargetWorld], body: str, env: dict[str, str], code: int
) -> None:
    """In a sandbox the worktree is read-only: the runs that try to alter it fail, and it stays."""
    world = make_target().small(body=body)
    plans = world.lab / "baseline/train"
    args = ("--baseline-dir", plans, "--prompt-lab-dir", world.lab, "--step", world.step)
    for _ in range(2):
        said = runner(world, *args, "--model", "one", env=env)
        assert said.code == code, said.err
        assert ("'src/notes/core.py'" in said.err) is bool(code)
    answers = {path.read_text() for path in world.lab.glob("history/*/*/outputs/*/answer.txt")}
    assert answers == {"List what matters." + "!" * n for n in range(3)}
    assert (world.target / "src/notes/core.py").read_text() == CORE
    failed = {run["status"] for run in world.runs()}
    assert failed == ({"error"} if body == LEAVES and not code else {"ok"})
