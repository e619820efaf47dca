"""The trial of an iteration: as planned, and replayed with the existing rows."""

from collections.abc import Sequence

from prompt_lab.decide.verdict import RULE, Evidence, Pair, Policy, Trial, Verdict
from prompt_lab.evaluate.judged import JudgedLook, Known, as_judged, judged_pairs, known_of
from prompt_lab.evaluate.pairs import lengths_of, pairs_of, whole_pairs
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import compared_rows, version_at
from prompt_lab.experiments.past import difficulty
from prompt_lab.experiments.verdict_facts import VerdictFacts
from prompt_lab.names import Split
from prompt_lab.records import RunRow
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.iterations import RunsSummary, made_again, read_change, read_meta


def trial_of(
    experiment: Experiment,
    policy: Policy | None = None,
    *,
    ran: bool = True,
    facts: VerdictFacts | None = None,
) -> Trial:
    """The trial as it was planned: the policy of the iteration, its models, its train plans.

    Plans whose answers stand in the new prompt are left out; all of them where nothing `ran` on
    purpose. `policy` asks another one instead. `facts` are read from the repository if not given.
    """
    ctx = experiment.context
    meta = read_meta(ctx.lab, experiment.number, experiment.step)
    change = read_change(ctx.lab, experiment.number, experiment.step)
    rule = policy or ctx.policy_of(meta)
    prompts = (
        facts.prompts
        if facts
        else (version_at(experiment, change.base_commit), version_at(experiment, change.commit))
    )
    known = facts.difficulty if facts else None
    if rule.adjust == "difficulty" and known is None:
        known = difficulty(ctx.lab, experiment.step, before=experiment.number)
    return Trial(
        rule.model_copy(
            update={"replicates": meta.replicates, "rule_version": rule_version_of(experiment)}
        ),
        meta.models,
        [name for name in meta.plans[Split.TRAIN] if ran and name not in change.shown],
        Evidence(lengths=lengths_of(prompts), difficulty=known),
    )


def rule_version_of(experiment: Experiment) -> int:
    """The version of the rule that an iteration is decided by.

    A verdict keeps the one that it was made with, and so do looks that have ended; looks that
    still go on are taken by the current one.
    """
    verdict = read_if_whole(experiment.folder / "verdict.json", Verdict)
    if verdict is not None:
        return verdict.rule_version
    runs = read_if_whole(experiment.folder / "runs_train.json", RunsSummary)
    return RULE if runs is None else runs.rule_version


def read_judgements(experiment: Experiment, batch: str) -> Known | None:
    """The judgements about a batch so far; None if the scores decide.

    Raises StoreError for a damaged file.
    """
    if read_meta(experiment.context.lab, experiment.number, experiment.step).judge is None:
        return None
    paths = sorted(experiment.folder.glob(f"judged_{batch}_*.json"))
    return known_of(read_record(path, JudgedLook, fix=made_again(path)) for path in paths)


def rows_for_display(experiment: Experiment, split: Split) -> list[RunRow]:
    """The rows of a verdict for pages; with a judge, its choices are the scores."""
    rows, known = compared_rows(experiment, split), read_judgements(experiment, split.value)
    return (
        rows
        if known is None
        else as_judged(rows, known, experiment.context.step(experiment.step).primary)
    )


def ready_pairs(rows: Sequence[RunRow], known: Known | None) -> list[Pair]:
    """The pairs that are ready for a look: both sides ran, and the judge, if any, has answered."""
    return whole_pairs(rows) if known is None else judged_pairs(rows, known)


def settle_trial(trial: Trial, rows: Sequence[RunRow], known: Known | None) -> list[RunRow]:
    """Give a trial all rows, and return the rows of the plans that its verdict is about.

    Runs beyond the look that decided, and missing ones, do not change it.
    """
    if trial.update(ready_pairs(rows, known)) is None and known is None:
        trial.update(pairs_of(rows))
    trial.close()
    return rows_asked_for(trial, rows)


def rows_asked_for(trial: Trial, rows: Sequence[RunRow]) -> list[RunRow]:
    """The rows of the plans that the trial has asked for so far."""
    plans = set(trial.plans_asked_for)
    return [row for row in rows if row.record.plan in plans]
