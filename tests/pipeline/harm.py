"""What is done to a worktree or to the plans, by a run or before any, and what is said then."""

import json
import subprocess
from collections.abc import Callable

from pipeline.wiring import lab_context
from tests.pipeline.target_world import TargetWorld

GOES = "subprocess.run(['git', 'checkout', '-q', 'HEAD~1'], cwd=tree)"
IGNORES = "(tree / '.gitignore').write_text('*\\n')"
SPOILS = "Path('LAB/baseline/train/plan_1/note.txt').write_text('spoilt')"
"""LAB is the lab's folder."""


def on_main(world: TargetWorld, commit: str) -> None:
    git = ["git", "checkout", "-q", "HEAD~1"]
    subprocess.run(git, cwd=lab_context().workspace("notes").worktree(commit), check=True)


def writes(path: str, text: str) -> Callable[[TargetWorld, str], None]:
    def harm(_: TargetWorld, commit: str) -> None:
        (lab_context().workspace("notes").worktree(commit) / path).write_text(text)

    return harm


def only_the_candidate(world: TargetWorld) -> None:
    sides = {r.facts["side"] for r in world.verdict().reasons if "side" in r.facts}
    assert sides == {"candidate"}


def harmed_for_once(world: TargetWorld) -> None:
    """The runs are no evidence, and none is taken over when the same is tried again."""
    only_the_candidate(world)
    events = [json.loads(line)["event"] for line in (world.lab / "journal.jsonl").open()]
    assert "runs_tainted" in events


def plans_named(world: TargetWorld) -> None:
    [reason] = [r for r in world.verdict().reasons if r.code == "other"]
    assert reason.facts["finding"] == "plans_changed"
    assert "plan_1" in reason.facts["plans"]
