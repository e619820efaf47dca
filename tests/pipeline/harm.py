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


MOVES_REF = """if hasattr(core, 'WILD'):
        import subprocess
        with_ref = ['git', '-C', 'LAB/target', 'update-ref', 'refs/heads/main', 'better']
        subprocess.run(with_ref, check=True)"""
"""No sandbox prevents it."""


def ref_named(world: TargetWorld) -> None:
    [reason] = [r for r in world.verdict().reasons if r.code == "other"]
    assert reason.facts["finding"] == "refs_moved"
    assert reason.facts["refs"].startswith("refs/heads/main from ")
    assert "refs/heads/main" in reason.text
    assert reason.text in (world.folder / "report.html").read_text().replace("&#39;", "'")


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
