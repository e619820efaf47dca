"""Collect the evidence for a verdict, and call the decision engine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prompt_lab.decide.reason_order import FAILED_GUARDS_FIRST
from prompt_lab.decide.verdict import Code, Pair, Policy, Reason, ReasonOrder, Verdict
from prompt_lab.errors import MergeConflict
from prompt_lab.evaluate.evidence import examine, no_observable_effect, recorded_answers_warning
from prompt_lab.evaluate.judged import agreement_of, judgements_on, shortfall, with_agreement
from prompt_lab.evaluate.pairs import evidence_of, pairs_of
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import (
    batch_of,
    compared_rows,
    rows_now,
    summary_file,
    summary_of,
)
from prompt_lab.experiments.merge_preview import base_moved_text, unmeasured
from prompt_lab.experiments.needs import Need, SplitNeeded
from prompt_lab.experiments.ref_watch import describe_moved_refs
from prompt_lab.experiments.trials import read_judgements, ready_pairs, settle_trial, trial_of
from prompt_lab.experiments.verdict_facts import (
    VerdictFacts,
    commits_of,
    gather_facts,
    read_facts,
)
from prompt_lab.experiments.verdict_failure import report_failures
from prompt_lab.names import Side, Split
from prompt_lab.records import RunRow
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.store.iterations import FACTS, RunsSummary, read_change, read_meta


@dataclass(frozen=True)
class Case:
    """The evidence for and against a candidate."""

    policy: Policy
    train: Sequence[RunRow]
    verify: Sequence[RunRow] | None
    findings: Sequence[Reason]
    facts: VerdictFacts


def decide_iteration(
    experiment: Experiment,
    policy: Policy | None = None,
    *,
    found: Sequence[Reason] = (),
    order: ReasonOrder = FAILED_GUARDS_FIRST,
    recorded: Verdict | None = None,
) -> tuple[Verdict, Case]:
    """The verdict on what has been run so far, by the policy that the iteration was prepared with.

    `policy` asks what another one would have said; `found` voids the comparison as well; `order`
    is that of a recorded verdict. With `recorded`, the verdict that a replay computes again, the
    state of pull request, main and target comes from what was recorded then; a repository is read
    only for verdicts from before facts were recorded. Raises VerdictFailed where the decision
    engine does not get to a verdict.
    """
    with report_failures(experiment):
        return _decide(experiment, policy, found, order, recorded)


def _decide(
    experiment: Experiment,
    policy: Policy | None,
    found: Sequence[Reason],
    order: ReasonOrder,
    recorded: Verdict | None,
) -> tuple[Verdict, Case]:
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    rows = rows_now(experiment, batch_of(experiment, "train"))
    read_verify = _summary(experiment, Split.VERIFY) is not None
    verify = rows_now(experiment, batch_of(experiment, "verify")) if read_verify else None
    facts = read_facts(experiment) if recorded else None
    facts = facts or gather_facts(experiment, [*rows, *(verify or [])])
    trial = trial_of(experiment, policy, ran=bool(rows), facts=facts)
    facts = facts.model_copy(update={"difficulty": trial.evidence.difficulty})
    known = read_judgements(experiment, "train")
    train = settle_trial(trial, rows, known)
    seen = agreement_of(judgements_on(train, known or {}))
    findings = [
        *_findings(experiment, [*train, *(verify or [])], facts),
        *(_recorded_findings(recorded, Code.HEAD_MOVED) if recorded else head_moved(experiment)),
        *(found or _merge_time_findings(experiment)),
    ]
    case = Case(trial.policy, train, verify, findings, facts)
    kept = recorded_answers_warning([*train, *(verify or [])])
    evidence = evidence_of(
        train,
        case.findings,
        prompts=facts.prompts,
        verify=None if verify is None else all_pairs(experiment, "verify", verify),
        violations=[
            *(shortfall(seen, meta.judge) if meta.judge else ()),
            *([kept.text] if kept else ()),
        ],
        remarks=[remark for remark in (kept, no_observable_effect(train)) if remark],
    )
    verdict = trial.conclude_with(evidence, order)
    verdict = verdict.model_copy(update={"follow_up_of": meta.follow_up_of})
    return with_agreement(verdict, seen, meta.judge) if meta.judge else verdict, case


def write_verdict(experiment: Experiment) -> Iterator[Need]:
    """Decide on train; on a promising result run verify and decide again. Writes verdict.json."""
    verdict, case = decide_iteration(experiment)
    if verdict.needs_verify:
        yield SplitNeeded(Split.VERIFY)
        verdict, case = decide_iteration(experiment)
    record_verdict(experiment, verdict, case)


def record_verdict(experiment: Experiment, verdict: Verdict, case: Case) -> None:
    """Write the facts that the verdict was made from, then verdict.json."""
    write_record(experiment.folder / FACTS, case.facts)
    write_record(experiment.folder / "verdict.json", verdict)


def all_pairs(experiment: Experiment, batch: str, rows: Sequence[RunRow]) -> list[Pair]:
    """The pairs of a batch that is decided in one look; with scores, also incomplete pairs."""
    known = read_judgements(experiment, batch)
    return pairs_of(rows) if known is None else ready_pairs(rows, known)


def _summary(experiment: Experiment, split: Split) -> RunsSummary | None:
    return (
        summary_of(experiment, split)
        if (experiment.folder / summary_file(split)).exists()
        else None
    )


def _findings(experiment: Experiment, rows: Sequence[RunRow], facts: VerdictFacts) -> list[Reason]:
    """Findings that make the comparison INVALID: wrong code, changed worktrees, drift."""
    commits = commits_of(experiment)
    found = list(examine(rows, {side: facts.sides[side].facts_for(rows) for side in commits}))
    leaked: list[Reason] = []
    for split in Split:
        summary = _summary(experiment, split)
        if summary is None:
            continue
        found = [*integrity_findings(summary, commits), *found, *drift_findings(summary)]
        leaked += [reason for reason in summary.leaked if reason not in leaked]
    return [*leaked, *found]


def drift_findings(summary: RunsSummary) -> list[Reason]:
    """One finding for each model whose reused baseline has drifted."""
    return [
        Reason(
            code=Code.BASELINE_DRIFTED,
            text=f"The reused baseline of {model} no longer holds: {numbers}",
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
        f"test it with --branch {pull.branch}."
    )
    facts = {"expected": change.commit, "found": pull.head}
    return [Reason(code=Code.HEAD_MOVED, text=text, facts=facts)]


def base_moved(experiment: Experiment) -> list[Reason]:
    """The finding that a merge would now leave files that the runs did not measure, if so."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    main = experiment.context.workspace(meta.target).resolve(meta.main)
    if main == meta.main_commit:
        return []
    rows = [row for split in Split for row in compared_rows(experiment, split)]
    used = {path for row in rows for path in row.record.sent.files}
    try:
        lost = unmeasured(experiment, change.commit, onto=main, used=used)
    except MergeConflict:
        return []  # the code host says so, and how to fix it
    if not lost:
        return []
    text = base_moved_text(lost, change.branch, (meta.main, meta.main_commit, main))
    facts = {"expected": meta.main_commit, "found": main, "files": ", ".join(lost)}
    return [Reason(code=Code.BASE_MOVED, text=text, facts=facts)]


def _merge_time_findings(experiment: Experiment) -> list[Reason]:
    """Findings of the moment of the merge, which cannot be reproduced later."""
    verdict = read_if_whole(experiment.folder / "verdict.json", Verdict)
    return _recorded_findings(verdict, Code.BASE_MOVED) if verdict else []


def _recorded_findings(verdict: Verdict, code: Code) -> list[Reason]:
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
