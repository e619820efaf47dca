"""Runs: make the missing runs of a split, then check what was really run."""

from collections.abc import Iterator, Sequence

from prompt_lab.clock import utc_now
from prompt_lab.errors import StoreError
from prompt_lab.evaluate.answered import told_unanswered
from prompt_lab.evaluate.evidence import not_exercised
from prompt_lab.evaluate.inputs import describe_outside
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.crash import note_taint, refuse_silence
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import rows_now, side_facts, summarise_batch, summary_file
from prompt_lab.experiments.guard_check import guard_under_test
from prompt_lab.experiments.leak_check import leaks_under_test
from prompt_lab.experiments.looks import all_judged, has_both_sides, in_looks, with_looks
from prompt_lab.experiments.needs import Need
from prompt_lab.experiments.trials import (
    confirmation_design,
    deciding_split,
    decision_policy,
    read_judgements,
    replicates_in,
    settle_trial,
    trial_of,
)
from prompt_lab.experiments.verdict_failure import report_failures
from prompt_lab.names import Side, Split
from prompt_lab.records import Change
from prompt_lab.report.terminal import say
from prompt_lab.store.batch import Batch
from prompt_lab.store.iterations import IterationMeta, RunsSummary, read_change, read_meta
from prompt_lab.store.journal import events, note
from prompt_lab.store.runs import is_finished
from prompt_lab.store.sealed import is_sealed


def complete_split(experiment: Experiment, split: Split) -> Iterator[Need]:
    """Make the missing runs of a split and check what was really run.

    The plans that decide are run look by look, those of a screening or a final check all at once.
    Writes runs_<split>.json. Raises StoreError if all runs of a side are missing, Crash if no model
    answered.
    """
    order = order_of(experiment, split)
    if order is None:
        _write(experiment, RunsSummary.nothing(split, "the step reads the same on both sides"))
        return
    found = guard_under_test(experiment, log=True)
    why = "the guard refuses the candidate's prompt"
    if not found:
        found = leaks_under_test(experiment)
        why = "the candidate sends text of verify plans"
    if found:
        _write(experiment, RunsSummary.nothing(split, why, found))
        return
    looks = split is deciding_split(decision_policy(experiment))
    trial = trial_of(experiment) if looks else None
    batch = batch_for(experiment, order)
    _log_reading(experiment, batch)
    if experiment.skip_runner:
        rows = rows_now(experiment, batch)
    elif trial is None:
        rows = yield from all_judged(experiment, batch)
    else:
        rows = yield from in_looks(experiment, batch)
    if not has_both_sides(rows):
        raise StoreError(
            f"{experiment.folder}: the runs of one side are missing, so there is nothing to "
            "compare. Leave --skip-runner out."
        )
    refuse_silence(experiment, batch, rows)
    if text := told_unanswered(rows, sealed=split is Split.VERIFY and is_sealed(experiment.folder)):
        say(text)
    opened = [path for row in rows for path in row.record.sent.files]
    found = leaks_under_test(experiment, opened)
    summary = summarise_batch(experiment, batch, rows).model_copy(update={"leaked": found})
    if summary.read_outside:
        say(describe_outside(summary.read_outside))
    if trial is not None:
        with report_failures(experiment):
            known = read_judgements(experiment, batch.name)
            settle_trial(trial, rows, known, replicates_in(experiment, trial))
            summary = with_looks(summary, batch, trial)
    note_taint(experiment, batch, summary)
    _write(experiment, summary)


def _write(experiment: Experiment, summary: RunsSummary) -> None:
    lab = experiment.context.lab
    for model, numbers in summary.drifted.items():
        note(lab, "baseline_drifted", now=utc_now(), model=model, numbers=numbers)
    version = decision_policy(experiment).rule_version
    summary = summary.model_copy(update={"rule_version": version})
    experiment.write(summary_file(summary.split), summary.model_dump_json(indent=2) + "\n")


def order_of(experiment: Experiment, split: Split) -> BatchOrder | None:
    """The runs of a split; None if the step reads the same files on both sides."""
    lab = experiment.context.lab
    meta = read_meta(lab, experiment.number, experiment.step)
    change = read_change(lab, experiment.number, experiment.step)
    commits = {Side.BASELINE: change.base_commit, Side.CANDIDATE: change.commit}
    facts = {side: side_facts(experiment, commit) for side, commit in commits.items()}
    if not_exercised(facts[Side.BASELINE], facts[Side.CANDIDATE]) is not None:
        return None
    policy = decision_policy(experiment)
    if policy.seals and split is Split.VERIFY:
        design = confirmation_design(experiment)
        return BatchOrder(
            split.value,
            split,
            commits,
            meta.models,
            trial_of(experiment).plans,
            design.most_replicates,
            replicates_of=design.replicates,
            difficulty=design.difficulty,
        )
    if policy.seals:
        plans = screening_plans(meta, change)
    else:
        plans = trial_of(experiment).plans if split is Split.TRAIN else meta.plans[split]
    fresh = split is Split.VERIFY  # only the gate of rules 1 and 2 gets here
    return BatchOrder(
        split.value,
        split,
        commits,
        meta.models,
        plans,
        meta.replicates,
        reuses_sampled=not fresh,
    )


def screening_plans(meta: IterationMeta, change: Change) -> Sequence[str]:
    """The train plans that a candidate is screened on: all whose answers it does not show."""
    return [name for name in meta.plans[Split.TRAIN] if name not in change.shown]


def _log_reading(experiment: Experiment, batch: Batch) -> None:
    """Every use of verify is logged once for each iteration, before it happens."""
    if batch.split is not Split.VERIFY:
        return
    seen = [e.get("iteration") for e in events(experiment.context.lab, "verify_read")]
    root = experiment.context.lab.root
    if experiment.number not in seen and not all(is_finished(root / r.path) for r in batch.runs):
        plans = sorted({r.plan for r in batch.runs})
        note(
            experiment.context.lab,
            "verify_read",
            now=utc_now(),
            iteration=experiment.number,
            plans=len(plans),
        )
