"""Findings that void a comparison: wrong code, changed worktrees and plans, drift, moved heads."""

from collections.abc import Mapping, Sequence

from prompt_lab.decide.verdict import Code, Reason, Verdict
from prompt_lab.errors import MergeConflict
from prompt_lab.evaluate.evidence import examine
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import compared_rows, summary_file, summary_of
from prompt_lab.experiments.merge_preview import base_moved_text, unmeasured
from prompt_lab.experiments.ref_watch import describe_moved_refs
from prompt_lab.experiments.verdict_facts import VerdictFacts, commits_of
from prompt_lab.names import Side, Split
from prompt_lab.records import RunRow
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import VERDICT, RunsSummary, read_change, read_meta


def find_summary(experiment: Experiment, split: Split) -> RunsSummary | None:
    """What `Runs` wrote about a split, or None where it has not ended."""
    return (
        summary_of(experiment, split)
        if (experiment.folder / summary_file(split)).exists()
        else None
    )


def comparison_findings(
    experiment: Experiment, rows: Sequence[RunRow], facts: VerdictFacts
) -> list[Reason]:
    """Findings that make the comparison INVALID: wrong code, changed worktrees, drift."""
    commits = commits_of(experiment)
    found = list(examine(rows, {side: facts.sides[side].facts_for(rows) for side in commits}))
    leaked: list[Reason] = []
    for split in Split:
        summary = find_summary(experiment, split)
        if summary is None:
            continue
        found = [*integrity_findings(summary, commits), *found, *drift_findings(summary)]
        leaked += [reason for reason in summary.leaked if reason not in leaked]
    return [*leaked, *found]


def drift_findings(summary: RunsSummary) -> list[Reason]:
    """One finding for each model whose reused baseline has drifted; no figure of sealed plans."""
    sealed = summary.split is Split.VERIFY
    return [
        Reason(
            code=Code.BASELINE_DRIFTED,
            text=f"The reused baseline of {model} no longer holds"
            + (" on the sealed plans." if sealed else f": {numbers}"),
            facts={"model": model},
        )
        for model, numbers in summary.drifted.items()
    ]


def head_moved(experiment: Experiment) -> list[Reason]:
    """The finding that the pull request is no longer at the commit that was run, if so."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    if change.pull is None:
        return []
    target = read_meta(experiment.context.lab, experiment.number, experiment.step).target
    pull = experiment.context.code_host(target).get(change.pull)
    if pull.head == change.commit:
        return []
    now = f"has moved to {pull.head[:8]}" if pull.head else "is gone"
    text = (
        f"Branch {pull.branch!r} {now} since {change.commit[:8]} was run: "
        f"test it as a new iteration with --pr {pull.number}."
    )
    facts = {"expected": change.commit, "found": pull.head}
    return [Reason(code=Code.HEAD_MOVED, text=text, facts=facts)]


def base_moved(experiment: Experiment) -> list[Reason]:
    """The finding that a merge would now leave files that the runs did not measure, if so."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    main = experiment.context.workspace(meta.target).resolve(meta.main)
    rows = [row for split in Split for row in compared_rows(experiment, split)]
    adapter = experiment.context.adapter(experiment.step)
    used = {*adapter.sources, *(path for row in rows for path in row.record.sent.files)}
    try:
        lost = unmeasured(experiment, change.commit, onto=main, used=used)
    except MergeConflict:
        return []  # the code host says so, and how to fix it
    if not lost:
        return []
    text = base_moved_text(lost, change.branch, (meta.main, meta.main_commit, main))
    facts = {"expected": meta.main_commit, "found": main, "files": ", ".join(lost)}
    return [Reason(code=Code.BASE_MOVED, text=text, facts=facts)]


def merge_time_findings(experiment: Experiment) -> list[Reason]:
    """Findings of the moment of the merge, which cannot be reproduced later."""
    verdict = read_if_whole(experiment.folder / VERDICT, Verdict)
    return recorded_findings(verdict, Code.BASE_MOVED) if verdict else []


def recorded_findings(verdict: Verdict, code: Code) -> list[Reason]:
    """The findings of a kind that a verdict was made with."""
    return [reason for reason in verdict.reasons if reason.code is code]


def integrity_findings(summary: RunsSummary, commits: Mapping[Side, str]) -> list[Reason]:
    """Findings about worktrees, plans and refs that changed during the runs."""
    found = [describe_moved_refs(summary.refs_moved)] if summary.refs_moved else []
    if names := summary.plans_changed:
        text = (
            f"The plans were changed while the runs went on: {_format_names(names)}. Put them back."
        )
        facts = {"finding": "plans_changed", "plans": ", ".join(names)}
        found.append(Reason(code=Code.OTHER, text=text, facts=facts))
    for side, (head, clean) in summary.observed.items():
        if head != commits[side]:
            found.append(
                Reason(
                    code=Code.WRONG_COMMIT,
                    text=f"After the runs the {side.value} worktree stood at {head[:12]}, "
                    f"not at {commits[side][:12]}.",
                    facts={"side": side.value, "expected": commits[side], "found": head},
                )
            )
        paths = summary.dirt.get(side, ())
        if not clean:
            found.append(
                Reason(
                    code=Code.DIRTY_TREE,
                    text=f"After the runs the {side.value} worktree was not as its commit has it"
                    f"{_format_paths(paths)}.",
                    facts={"side": side.value, **({"paths": ", ".join(paths)} if paths else {})},
                )
            )
    return found


def _format_paths(paths: Sequence[str]) -> str:
    return f": {_format_names(paths)}" if paths else ""


def _format_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more
