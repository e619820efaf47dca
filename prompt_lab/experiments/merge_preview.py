"""Refuse a merge whose result would differ from the files that the runs measured."""

from collections.abc import Iterable

from prompt_lab.errors import MergeConflict, TargetError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.sources import sources_of
from prompt_lab.records import RunRecord
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_if_whole, read_rows
from prompt_lab.store.layout import MARKER

SHOWN = 5
RECORDS = 40
"""Newest runs whose loaded files count."""


def check_base(experiment: Experiment, commit: str, *, onto: str, flag: str) -> None:
    """Raises TargetError where a merge into `onto` would leave other files than those measured.

    The runs of a branch that lacks changes of main do not measure the merge result. Where runs of
    the step are recorded, the files count that they loaded, and others that the step could load
    are only reported; a verdict checks the files of its own runs again.
    """
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    main = workspace.resolve(onto)
    try:
        lost = unmeasured(experiment, commit, onto=main)
        loaded = loaded_files(experiment.context, experiment.step) if lost else None
    except MergeConflict as error:
        raise MergeConflict(f"{flag}: {error}: {_fix(experiment, onto)}") from error
    if loaded is not None and not loaded.intersection(lost):
        say(
            f"{onto!r} has changed {_list_paths(lost)} since the branch was created. No recorded "
            "run of the step has loaded that, so it is no obstacle."
        )
        return
    if loaded is not None:
        lost = sorted(loaded.intersection(lost))
    if lost:
        raise TargetError(
            f"{flag}: {onto!r} has changed {_list_paths(lost)} since the branch was created,"
            " which the step"
            f" reads: the merge result would differ from what is run. {_fix(experiment, onto)}"
        )


def loaded_files(ctx: LabContext, step: str) -> frozenset[str] | None:
    """Paths in the target that the newest runs of the step loaded; None where none is recorded."""
    rows = [row for row in read_rows(ctx.lab.reusable) if row.get("step") == step]
    found: set[str] = set()
    for row in rows[-RECORDS:]:
        record = read_if_whole(ctx.lab.root / str(row.get("path", "")) / MARKER, RunRecord)
        found |= set(record.sent.files if record else ())
    return frozenset(found) | frozenset(ctx.adapter(step).sources) if found else None


def unmeasured(
    experiment: Experiment, commit: str, *, onto: str, used: Iterable[str] | None = None
) -> list[str]:
    """Files that the step loads and that a merge would leave in another state than at `commit`.

    They are those that are `used`; None: all that the step may load. Commits are full ids. Raises
    MergeConflict. [] where `onto` has the change already.
    """
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    merged = workspace.merge_commit(onto, commit)
    if merged in (onto, commit):
        return []
    paths = set(used or ())
    if used is None:
        # What main alone has lies in its tree, what the branch alone has in the other.
        for tree in (onto, commit):
            paths |= set(sources_of(experiment.context, experiment.step, tree))
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
