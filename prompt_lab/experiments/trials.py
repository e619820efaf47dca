"""The trial of an iteration: as planned, and replayed with the existing rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prompt_lab.decide.verdict import Evidence, Pair, Policy, Trial
from prompt_lab.evaluate.judged import (
    PREFERENCE,
    JudgedLook,
    Known,
    as_judged,
    judged_pairs,
    known_of,
)
from prompt_lab.evaluate.pairs import is_binary, lengths_of, pairs_of, repeat_pairs, whole_pairs
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import compared_rows, version_at
from prompt_lab.experiments.past import difficulty
from prompt_lab.experiments.verdict_facts import VerdictFacts
from prompt_lab.names import Split
from prompt_lab.records import Change, RunRow
from prompt_lab.store.batch import batch_path, read_batch
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.iterations import (
    IterationMeta,
    RunsSummary,
    made_again,
    read_change,
    read_meta,
)
from prompt_lab.store.sealed import whole_verdict


@dataclass(frozen=True)
class ConfirmationDesign:
    """What is fixed before the first run on sealed plans."""

    replicates: Mapping[str, int] = field(default_factory=dict)
    """model -> runs of each plan and side: a deterministic model gets one."""
    difficulty: Mapping[str, float] = field(default_factory=dict)
    """plan -> mean score of earlier baseline runs."""

    @property
    def most_replicates(self) -> int:
        """The replicates of the trial: those of the models that sample."""
        return max(self.replicates.values(), default=1)


def decision_policy(experiment: Experiment, policy: Policy | None = None) -> Policy:
    """The policy that an iteration was prepared with, at the rule that it is decided by.

    `policy` asks another one instead; one that decides by sealed plans does so whatever the rule
    of the iteration was.
    """
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    rule = policy or experiment.context.policy_of(meta)
    version = rule_version_of(experiment)
    if policy is not None and policy.seals:
        version = policy.rule_version
    return rule.model_copy(update={"replicates": meta.replicates, "rule_version": version})


def deciding_split(policy: Policy) -> Split:
    """The plans that the looks of a trial are about."""
    return Split.VERIFY if policy.seals else Split.TRAIN


def trial_of(
    experiment: Experiment,
    policy: Policy | None = None,
    *,
    ran: bool = True,
    facts: VerdictFacts | None = None,
) -> Trial:
    """The trial as it was planned: the policy of the iteration, its models, its deciding plans.

    Those are the sealed plans; under rules 1 and 2 the train plans without those whose answers
    stand in the new prompt. There are none where nothing `ran` on purpose. `policy` asks another
    one instead. `facts` are read from the repository if not given.
    """
    ctx = experiment.context
    meta = read_meta(ctx.lab, experiment.number, experiment.step)
    change = read_change(ctx.lab, experiment.number, experiment.step)
    rule = decision_policy(experiment, policy)
    prompts = (
        facts.prompts
        if facts
        else (version_at(experiment, change.base_commit), version_at(experiment, change.commit))
    )
    if rule.seals:
        plans = meta.plans[Split.VERIFY] if ran else ()
        return _confirmation(experiment, rule, plans, Evidence(lengths=lengths_of(prompts)))
    known = facts.difficulty if facts else None
    if rule.adjust == "difficulty" and known is None:
        known = difficulty(ctx.lab, experiment.step, before=experiment.number)
    return Trial(
        rule,
        meta.models,
        [name for name in meta.plans[Split.TRAIN] if ran and name not in change.shown],
        Evidence(lengths=lengths_of(prompts), difficulty=known),
    )


def _confirmation(
    experiment: Experiment, rule: Policy, plans: Sequence[str], evidence: Evidence
) -> Trial:
    design = confirmation_design(experiment)
    known = dict(design.difficulty)
    update = {"baseline": known, "difficulty": known if rule.adjust == "difficulty" else None}
    return Trial(
        rule.model_copy(update={"replicates": design.most_replicates}),
        read_meta(experiment.context.lab, experiment.number, experiment.step).models,
        plans,
        evidence.model_copy(update=update),
    )


def confirmation_design(experiment: Experiment) -> ConfirmationDesign:
    """Replicates and order of the sealed plans: as recorded with their batch, or as planned now."""
    lab = experiment.context.lab
    path = batch_path(lab, experiment.number, experiment.step, Split.VERIFY.value)
    if path.exists():
        batch = read_batch(path)
        return ConfirmationDesign(batch.replicates(), batch.difficulty)
    meta = read_meta(lab, experiment.number, experiment.step)
    known = _difficulty_of_repeated(experiment)
    if known is None:
        known = difficulty(lab, experiment.step, before=experiment.number, split=Split.VERIFY)
    wanted = {name: known[name] for name in meta.plans[Split.VERIFY] if name in known}
    return ConfirmationDesign(_planned_replicates(experiment), wanted)


def _difficulty_of_repeated(experiment: Experiment) -> dict[str, float] | None:
    """What ordered the plans when the same change was confirmed on the same sealed plans.

    None where it was not. In the same order the same rows decide, which spend no more error budget.
    """
    lab, step = experiment.context.lab, experiment.step
    meta = read_meta(lab, experiment.number, step)
    change = read_change(lab, experiment.number, step)
    for number, its_step in sorted(iterations(lab).items()):
        path = batch_path(lab, number, step, Split.VERIFY.value)
        if its_step != step or number >= experiment.number or not path.exists():
            continue
        earlier = read_if_whole(lab.iteration(number, step) / "change.json", Change)
        its_meta = read_if_whole(lab.iteration(number, step) / "meta.json", IterationMeta)
        if earlier is None or its_meta is None:
            continue
        same_code = (earlier.commit, earlier.base_commit) == (change.commit, change.base_commit)
        if same_code and its_meta.plan_sets.get(Split.VERIFY) == meta.plan_sets.get(Split.VERIFY):
            return read_batch(path).difficulty
    return None


def _planned_replicates(experiment: Experiment) -> dict[str, int]:
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    if meta.confirm_replicates:
        return dict.fromkeys(meta.models, meta.confirm_replicates)
    policy, models = decision_policy(experiment), experiment.context.models
    binary = meta.judge is None and is_binary(compared_rows(experiment, Split.TRAIN))
    return {
        alias: policy.replicates_for(binary=binary, deterministic=models[alias].deterministic)
        for alias in meta.models
    }


def rule_version_of(experiment: Experiment) -> int:
    """The version of the rule that an iteration is decided by.

    A verdict keeps the one that it was made with, and so do looks that have ended. Otherwise it is
    the one that the iteration was prepared with.
    """
    verdict = whole_verdict(experiment.folder)
    if verdict is not None:
        return verdict.rule_version
    runs = read_if_whole(experiment.folder / "runs_train.json", RunsSummary)
    if runs is not None:
        return runs.rule_version
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    return experiment.context.policy_of(meta).rule_version


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
    return rows if known is None else as_judged(rows, known)


def measured_name(experiment: Experiment) -> str:
    """The name of what `rows_for_display` holds as primary score: a judge's is no part of it."""
    judge = read_meta(experiment.context.lab, experiment.number, experiment.step).judge
    return PREFERENCE if judge else experiment.context.step(experiment.step).primary


def replicates_in(experiment: Experiment, trial: Trial) -> Mapping[str, int]:
    """model -> its own number of replicates, where models of a trial may differ in it."""
    return confirmation_design(experiment).replicates if trial.policy.seals else {}


def ready_pairs(
    rows: Sequence[RunRow], known: Known | None, replicates: Mapping[str, int] | None = None
) -> list[Pair]:
    """The pairs that are ready for a look: both sides ran, and the judge, if any, has answered.

    A model with fewer `replicates` than the others would give the same answers again.
    """
    found = whole_pairs(rows) if known is None else judged_pairs(rows, known)
    return repeat_pairs(found, replicates or {})


def settle_trial(
    trial: Trial,
    rows: Sequence[RunRow],
    known: Known | None,
    replicates: Mapping[str, int] | None = None,
) -> list[RunRow]:
    """Give a trial all rows, and return the rows of the plans that its verdict is about.

    Runs beyond the look that decided, and missing ones, do not change it.
    """
    if trial.update(ready_pairs(rows, known, replicates)) is None and known is None:
        trial.update(repeat_pairs(pairs_of(rows), replicates or {}))
    trial.close()
    return rows_asked_for(trial, rows)


def rows_asked_for(trial: Trial, rows: Sequence[RunRow]) -> list[RunRow]:
    """The rows of the plans that the trial has asked for so far."""
    plans = set(trial.plans_asked_for)
    return [row for row in rows if row.record.plan in plans]
