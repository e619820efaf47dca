"""Refuse a merge whose result would differ from the files that the runs measured."""

from collections.abc import Iterable

from prompt_lab.errors import MergeConflict, TargetError
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.sources import sources_of

SHOWN = 5


def check_base(experiment: Experiment, commit: str, *, onto: str, flag: str) -> None:
    """Raises TargetError where a merge into `onto` would leave other files than those measured.

    The runs of a branch that lacks changes of main do not measure the merge result.
    """
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    main = workspace.resolve(onto)
    try:
        lost = unmeasured(experiment, commit, onto=main)
    except MergeConflict as error:
        raise MergeConflict(f"{flag}: {error}: {_fix(experiment, onto)}") from error
    if lost:
        raise TargetError(
            f"{flag}: {onto!r} has changed {_list_paths(lost)} since the branch was created,"
            " which the step"
            f" reads: the merge result would differ from what is run. {_fix(experiment, onto)}"
        )


def unmeasured(
    experiment: Experiment, commit: str, *, onto: str, used: Iterable[str] = ()
) -> list[str]:
    """Files that the step may read, or are `used`, and that a merge would leave in another state.

    Commits are full ids. Raises MergeConflict. [] where `onto` has the change already.
    """
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    merged = workspace.merge_commit(onto, commit)
    if merged in (onto, commit):
        return []
    # What main alone has lies in its tree, what the branch alone has in the other.
    paths = {
        *sources_of(experiment.context, experiment.step, onto),
        *sources_of(experiment.context, experiment.step, commit),
        *used,
    }
    before, after = workspace.blobs(commit, paths), workspace.blobs(merged, paths)
    return sorted(path for path in paths if before.get(path) != after.get(path))


def base_moved_text(lost: list[str], branch: str, main: tuple[str, str, str]) -> str:
    """The sentence of a verdict; `main` is its name, its commit then, and its commit now."""
    name, then, now = main
    return (
        f"{name!r} has moved from {then[:8]} to {now[:8]} since the runs: merged into that, "
        f"{_list_paths(lost)} would not be as it was measured. Merge {name!r} into {branch!r},"
        " and test "
        f"that with --branch {branch}."
    )


def _list_paths(paths: list[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(map(repr, paths[:SHOWN])) + more


def _fix(experiment: Experiment, main: str) -> str:
    ctx = experiment.context
    folder = ctx.repository(ctx.target(ctx.step(experiment.step).target))
    return (
        f"Check the branch out and run 'git -C {folder} rebase {main}', or merge {main!r} into it;"
        " then run the same command again"
    )
