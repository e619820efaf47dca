"""Prepare: decide what the iteration will do, before any call. Writes meta.json."""

from collections.abc import Sequence

from prompt_lab.clock import utc_now
from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.ledger import Grant
from prompt_lab.decide.verdict import Policy
from prompt_lab.experiments.agent_work import agent_of, analysts_of
from prompt_lab.experiments.budget_grant import grant_alpha
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.follow_up import check_follow_up, followed
from prompt_lab.experiments.ideas import check_idea
from prompt_lab.experiments.pareto import start_commit
from prompt_lab.experiments.past import last_synthesis, read_tried_changes
from prompt_lab.experiments.preflight import (
    check_agents,
    check_change,
    check_judge,
    check_step,
    checked_plans,
)
from prompt_lab.experiments.race import rivals_of
from prompt_lab.experiments.registry_target import (
    current_snapshot,
    registry_prompt,
    take_snapshot,
)
from prompt_lab.experiments.rejudge import check_again
from prompt_lab.experiments.revealed_plans import sealed_plans
from prompt_lab.experiments.routed_models import admit_models, log_routes
from prompt_lab.names import Split, split_names
from prompt_lab.records import RECORDED
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import IterationMeta
from prompt_lab.store.plan_sample import sample_plans
from prompt_lab.store.plans import choose_plans, plan_names
from prompt_lab.store.plans import left_out as lacking

SHOWN = 5


def is_prepared(experiment: Experiment) -> bool:
    """Whether meta.json exists and can be read."""
    return read_if_whole(experiment.folder / "meta.json", IterationMeta) is not None


def prepare(experiment: Experiment) -> None:
    """Run all checks that need no call, and write meta.json."""
    context = experiment.context
    target = context.step(experiment.step).target
    if not is_prepared(experiment):
        context.workspace(target).check()
        context.code_host(target).refresh(context.target(target).main)
        take_snapshot(context, target, when=utc_now())
    meta = plan_iteration(experiment)
    for text in left_out(experiment):
        say(text)
    if not is_prepared(experiment):
        names = experiment.model_names or context.defaults.models
        log_routes(context, names, experiment.step, force=experiment.force_model)
    context.lab_repository().ensure()
    experiment.write("meta.json", meta.model_dump_json(indent=2) + "\n")


def plan_iteration(experiment: Experiment) -> IterationMeta:
    """What an iteration with these flags would do; writes nothing.

    Raises LabError for the first fault: found later, it would leave an iteration behind that cannot
    be finished.
    """
    existing = read_if_whole(experiment.folder / "meta.json", IterationMeta)
    if existing is not None:
        return existing
    ctx, defaults = experiment.context, experiment.context.defaults
    step = ctx.step(experiment.step)
    target = ctx.target(step.target)
    policy = ctx.policy(experiment.policy_name)
    names, force = experiment.model_names or defaults.models, experiment.force_model
    models = admit_models(ctx, names, experiment.step, force=force)
    judge, template = check_judge(experiment, models)
    check_agents(experiment)
    check_step(experiment)
    budget = grant_alpha(experiment, policy)
    granted = policy.at_alpha(budget.alpha)
    train = train_plans(experiment, defaults.train_plans)
    verify = verify_plans(experiment, granted, defaults.verify_plans)
    plans = {Split.TRAIN: tuple(train), Split.VERIFY: tuple(verify)}
    sets = {split: checked_plans(experiment, of, split=split) for split, of in plans.items()}
    read_tried_changes(ctx.lab, experiment.step)  # report unreadable plans before the first call
    workspace = ctx.workspace(step.target)
    workspace.check()
    main_commit = workspace.resolve(target.main)
    check_change(experiment, target.main, main_commit)
    replicates = experiment.replicates or defaults.replicates
    follow_up_of = followed(experiment)
    meta = IterationMeta(
        compares_checked_out=True,
        iteration=experiment.number,
        step=experiment.step,
        created=utc_now(),
        models=tuple(m.alias for m in models),
        asked_models=_asked(ctx.select_models(names), models),
        plans=plans,
        replicates=replicates,
        confirm_replicates=experiment.replicates,
        policy=experiment.policy_name,
        target=step.target,
        main=target.main,
        main_commit=main_commit,
        start=experiment.start,
        start_commit=start_commit(experiment, experiment.start) if experiment.start else "",
        follow_up_of=follow_up_of,
        given=experiment.change_ref,
        race=experiment.race,
        rivals=rivals_of(experiment, policy, main_commit, judged=judge is not None),
        analysts=analysts_of(experiment),
        agent="" if experiment.start or follow_up_of is not None else agent_of(experiment),
        judged_by=granted.model_copy(update={"replicates": replicates}),
        judge=judge,
        judge_prompt=template,
        granted=_as_told(experiment, budget, follow_up_of),
        registry_prompt=registry_prompt(ctx, experiment.step),
        snapshot=current_snapshot(ctx, experiment.step),
        awaits_approval=experiment.awaits_approval,
        plan_sets=sets,
        last_synthesis=last_synthesis(ctx.lab, experiment.step, before=experiment.number),
    )
    check_follow_up(experiment, meta)
    check_again(experiment, meta)
    check_idea(experiment, meta)  # an iteration that cannot continue would block the next one
    return meta


def _asked(named: Sequence[ModelConfig], models: Sequence[ModelConfig]) -> tuple[str, ...]:
    """The models that the command named, where routing has taken others."""
    return () if list(named) == list(models) else tuple(model.alias for model in named)


def left_out(experiment: Experiment) -> list[str]:
    """A sentence for each split with plans that lack an input and are therefore left out."""
    adapter, said = experiment.context.adapter(experiment.step), []
    wanted = " or no ".join(map(repr, adapter.inputs))
    for split in Split:
        folder = experiment.context.lab.plans(split)
        found = lacking(folder, adapter.inputs, adapter.outputs)
        if found:
            more = ", …" if len(found) > SHOWN else ""
            said.append(
                f"Left out of {split}, since there is no {wanted}:"
                f" {', '.join(map(repr, found[:SHOWN]))}{more} ({folder})"
            )
    return said


def _as_told(experiment: Experiment, budget: Grant, follow_up_of: int | None) -> Grant:
    """The text about the budget: a follow-up counts as a trial, recorded answers do not."""
    own_process = experiment.context.runs_in_own_process(experiment.step)
    if own_process and experiment.context.defaults.gateway.is_recorded:
        text = f"A {RECORDED}: it can merge nothing, and spends nothing of the error budget."
        return budget.model_copy(update={"text": text})
    if follow_up_of is None:
        return budget
    text = f"{budget.text} It tests the candidate of iteration {follow_up_of} again, and counts."
    return budget.model_copy(update={"text": text})


def train_plans(experiment: Experiment, most: int) -> Sequence[str]:
    """The train plans that --plans names, or a seeded sample of at most so many."""
    available = _plans(experiment, Split.TRAIN)
    wanted = split_names(experiment.plans)
    if wanted:
        return choose_plans(available, wanted, experiment.context.lab.plans(Split.TRAIN))
    policy = experiment.context.policy(experiment.policy_name)
    return sample_plans(available, most, policy.seed) if policy.seals else available[:most]


def verify_plans(experiment: Experiment, policy: Policy, most: int) -> Sequence[str]:
    """The verify plans that decide: at most so many, by the policy's seed; there may be none.

    Raises StoreError where they were revealed. Under rules 1 and 2 they are the first ones.
    """
    if not policy.seals:
        return _plans(experiment, Split.VERIFY)[:most]
    return sample_plans(sealed_plans(experiment, policy), most, policy.seed)


def _plans(experiment: Experiment, split: Split) -> list[str]:
    return plan_names(
        experiment.context.lab, experiment.context.adapter(experiment.step).inputs, split=split
    )
