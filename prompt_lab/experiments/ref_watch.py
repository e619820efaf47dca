"""Compare the refs of the user's repository before and after target code runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prompt_lab.clock import utc_now
from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.records import Change
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import REVERTED, Conclusion, Reverted
from prompt_lab.store.journal import events, note
from prompt_lab.store.layout import Lab

REFS_MOVED = "refs_moved"
_OURS = "refs/heads/prompt-lab/"
"""Branches that iterations of this lab make, also in other processes."""


@contextmanager
def watched_refs(ctx: LabContext, number: int, step: str) -> Iterator[None]:
    """Note in the journal each ref of the repository that changes while the block runs.

    Only for a step whose code runs: a prompt file changes nothing.
    """
    if not ctx.runs_in_own_process(step):
        yield
        return
    workspace = ctx.workspace(ctx.step(step).target)
    before = workspace.refs()
    try:
        yield
    finally:
        moved = _compare(before, workspace.refs())
        if moved:
            note(ctx.lab, REFS_MOVED, now=utc_now(), iteration=number, step=step, refs=moved)


def find_moved_refs(experiment: Experiment) -> tuple[str, ...]:
    """What moved during this iteration's runs and was not moved by this lab, sorted.

    Each as 'refs/heads/main from <commit> to <commit>'; '-' is no commit.
    """
    lab = experiment.context.lab
    seen = [
        event["refs"]
        for event in events(lab, REFS_MOVED)
        if (event.get("iteration"), event.get("step")) == (experiment.number, experiment.step)
        and isinstance(event.get("refs"), dict)
    ]
    if not seen:
        return ()
    own, merged = _own_branch(experiment), _merged_commits(lab)
    return tuple(sorted({
        f"{name} from {before[:12]} to {after[:12]}"
        for refs in seen
        for name, (before, after) in refs.items()
        if name == own or not (name.startswith(_OURS) or after in merged)
    }))  # fmt: skip


def describe_moved_refs(moved: tuple[str, ...]) -> Reason:
    """The finding that makes the iteration INVALID."""
    text = (
        "Refs of the repository were changed while target code ran, and not by this lab:"
        f" {'; '.join(moved)}. See 'git reflog' for who did it, put back what is not yours,"
        " and start a new iteration."
    )
    return Reason(
        code=Code.OTHER, text=text, facts={"finding": REFS_MOVED, "refs": "; ".join(moved)}
    )


def _compare(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        name: [before.get(name, "-"), after.get(name, "-")]
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def _own_branch(experiment: Experiment) -> str:
    change = read_if_whole(experiment.folder / "change.json", Change)
    return f"refs/heads/{change.branch}" if change else ""


def _merged_commits(lab: Lab) -> set[str]:
    """Commits that this lab has made main: merges and reverts."""
    found = set()
    for folder in (lab.root / "analysis").glob("*"):
        conclusion = read_if_whole(folder / "conclusion.json", Conclusion)
        reverted = read_if_whole(folder / REVERTED, Reverted)
        found |= {record.merged_commit for record in (conclusion, reverted) if record}
    return found - {""}
