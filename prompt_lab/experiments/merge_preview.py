"""Refuse a merge whose result would differ from the files that the runs measured."""

from collections.abc import Iterable, Sequence

from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.errors import MergeConflict, TargetError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.sources import sources_of
from prompt_lab.names import Side
from prompt_lab.records import RunRecord, RunRow
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_if_whole, read_rows
from prompt_lab.store.iterations import read_change, read_meta
from prompt_lab.store.layout import MARKER

SHOWN = 5
RECORDS = 40
"""Newest runs of main whose loaded files count."""


def check_base(experiment: Experiment, commit: str, *, onto: str, flag: str) -> None:
    """Raises TargetError where a merge into `onto` would leave other files than those measured.

    The runs of a branch that lacks changes of main do not measure the merge result. Only files
    that the step names count, and those that recorded runs of main have loaded; a change of others
    is reported, since whether the step loads them is known once the iteration has run
    (`missing_changes`).
    """
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    main = workspace.resolve(onto)
    try:
        lost = unmeasured(experiment, commit, onto=main)
    except MergeConflict as error:
        raise MergeConflict(f"{flag}: {error}: {_fix(experiment, onto)}") from error
    if not lost:
        return
    loaded = loaded_files(experiment.context, experiment.step)
    sources = experiment.context.adapter(experiment.step).sources
    used = sorted({*sources, *(loaded or ())}.intersection(lost))
    if used:
        raise TargetError(
            f"{flag}: {onto!r} has changed {_list_paths(used)} since the branch was created,"
            " which the step"
            f" reads: the merge result would differ from what is run. {_fix(experiment, onto)}"
        )
    known = "No recorded run of main has loaded that, so it is no obstacle."
    if loaded is None:
        known = (
            "No run of main is recorded yet: if a run of this iteration loads that, the verdict is"
            " INVALID and says so, before anything is run on verify plans."
        )
    say(f"{onto!r} has changed {_list_paths(lost)} since the branch was created. {known}")


def loaded_files(ctx: LabContext, step: str) -> frozenset[str] | None:
    """Paths in the target that the newest runs of main loaded; None where none is recorded."""
    rows = [row for row in read_rows(ctx.lab.reusable) if row.get("step") == step]
    found: set[str] = set()
    left = RECORDS
    for row in reversed(rows):
        record = read_if_whole(ctx.lab.root / str(row.get("path", "")) / MARKER, RunRecord)
        if record is not None and record.side is Side.BASELINE:
            found |= set(record.sent.files)
            left -= 1
        if not left:
            break
    return frozenset(found) or None


def missing_changes(experiment: Experiment, rows: Sequence[RunRow]) -> list[Reason]:
    """The finding that the branch lacks changes that main had when the iteration was prepared.

    Only files count that any of `rows` has loaded, or that the step names.
    """
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    used = {path for row in rows for path in row.record.sent.files}
    if not used or change.commit == meta.main_commit:
        return []
    used |= set(experiment.context.adapter(experiment.step).sources)
    try:
        lost = unmeasured(experiment, change.commit, onto=meta.main_commit, used=used)
    except MergeConflict:
        return []  # refused before the runs, or said by the code host
    if not lost:
        return []
    text = (
        f"{meta.main!r} has changed {_list_paths(lost)} since {change.branch!r} was created, and"
        " the runs loaded that: the merge result would differ from what was run. "
        + _merge_first(meta.main, change.branch)
    )
    facts = {"expected": meta.main_commit, "found": change.commit, "files": ", ".join(lost)}
    return [Reason(code=Code.BASE_MOVED, text=text, facts=facts)]


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
        f"{_list_paths(lost)} would not be as it was measured. {_merge_first(name, branch)}"
    )


def _merge_first(main: str, branch: str) -> str:
    return f"Merge {main!r} into {branch!r}, and test that with --branch {branch}."


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
