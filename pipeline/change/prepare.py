"""Prepare: fix what the iteration will do before anything is called. Writes meta.json."""

from collections.abc import Sequence

from adapters.registry import OWN_PROCESS
from adapters.workspace.lab_repository import LabRepository
from pipeline.base import Phase, utc_now
from pipeline.change.again import check_again
from pipeline.change.agents import agent_of, analysts_of
from pipeline.change.budget import grant_alpha
from pipeline.change.check import check_agents, check_change, check_judge, check_step, checked_plans
from pipeline.change.follow_up import check_follow_up, followed
from pipeline.change.front import start_commit
from pipeline.change.ideas import check_idea
from pipeline.change.past import last_synthesis, read_tried_changes
from pipeline.logs import say
from pipeline.params import names
from prompt_lab.decide.ledger import Grant
from prompt_lab.names import Split
from prompt_lab.records import RECORDED
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import IterationMeta
from prompt_lab.store.plans import choose_plans, plan_names
from prompt_lab.store.plans import left_out as lacking

SHOWN = 5


class Prepare(Phase):
    """Check everything that can be checked without a call, and write the iteration down."""

    FILE = "meta.json"

    def complete(self) -> bool:
        """Prepared, and the file is whole."""
        return read_if_whole(self.folder / self.FILE, IterationMeta) is not None

    def work(self) -> None:
        """Gather names, check them, write meta.json."""
        target = self.context.step(self.step).target
        if not self.complete():
            self.context.workspace(target).check()
            self.context.code_host(target).refresh(self.context.target(target).main)
        meta = plan_iteration(self)
        for text in left_out(self):
            say(text)
        LabRepository(self.context.lab.root).ensure()
        self.write(meta.model_dump_json(indent=2) + "\n")


def plan_iteration(phase: Phase) -> IterationMeta:
    """What an iteration with these flags would do. Reads; writes nothing.

    Raises the LabError of the first thing that is wrong, since what is found only later would
    leave an iteration behind that nothing can be made of.
    """
    existing = read_if_whole(phase.folder / "meta.json", IterationMeta)
    if existing is not None:
        return existing
    ctx, defaults = phase.context, phase.context.defaults
    step = ctx.step(phase.step)
    target = ctx.target(step.target)
    policy = ctx.policy(defaults.policy)
    models = ctx.choose_models(phase.model_names or defaults.models, phase.step)
    judge, template = check_judge(phase, models)
    check_agents(phase)
    check_step(phase)
    train = train_plans(phase, defaults.train_plans)
    verify = _plans(phase, Split.VERIFY)[: defaults.verify_plans]
    plans = {Split.TRAIN: tuple(train), Split.VERIFY: tuple(verify)}
    sets = {split: checked_plans(phase, of, split=split) for split, of in plans.items()}
    read_tried_changes(ctx.lab, phase.step)  # what it cannot read is better said before the first call
    workspace = ctx.workspace(step.target)
    workspace.check()
    main_commit = workspace.resolve(target.main)
    check_change(phase, target.main, main_commit)
    replicates = phase.replicates or defaults.replicates
    budget = grant_alpha(phase, policy)
    follow_up_of = followed(phase)
    meta = IterationMeta(
        iteration=phase.number,
        step=phase.step,
        created=utc_now(),
        models=tuple(m.alias for m in models),
        plans=plans,
        replicates=replicates,
        policy=defaults.policy,
        target=step.target,
        main=target.main,
        main_commit=main_commit,
        start=phase.start,
        start_commit=start_commit(phase, phase.start) if phase.start else "",
        follow_up_of=follow_up_of,
        given=phase.change_ref,
        analysts=analysts_of(phase),
        agent="" if phase.start or follow_up_of is not None else agent_of(phase),
        judged_by=policy.at_alpha(budget.alpha).model_copy(update={"replicates": replicates}),
        judge=judge,
        judge_prompt=template,
        granted=_as_told(phase, budget, follow_up_of),
        plan_sets=sets,
        last_synthesis=last_synthesis(ctx.lab, phase.step, before=phase.number),
    )
    check_follow_up(phase, meta)
    check_again(phase, meta)
    check_idea(phase, meta)  # an iteration that can never go on would stand in the way of the next
    return meta


def left_out(phase: Phase) -> list[str]:
    """A sentence for each split with plans that lack an input, and so are in no trial."""
    adapter, said = phase.context.adapter(phase.step), []
    wanted = " or no ".join(map(repr, adapter.inputs))
    for split in Split:
        folder = phase.context.lab.plans(split)
        found = lacking(folder, adapter.inputs, adapter.outputs)
        if found:
            more = ", …" if len(found) > SHOWN else ""
            said.append(
                f"Left out of {split}, since there is no {wanted}:"
                f" {', '.join(map(repr, found[:SHOWN]))}{more} ({folder})"
            )
    return said


def _as_told(phase: Phase, budget: Grant, follow_up_of: int | None) -> Grant:
    """A second look at a candidate is a trial like any other, and is told as one; a replay not."""
    own_process = phase.context.step(phase.step).adapter in OWN_PROCESS
    if own_process and phase.context.defaults.gateway.is_recorded:
        text = f"A {RECORDED}: it can merge nothing, and spends nothing of the budget of error."
        return budget.model_copy(update={"text": text})
    if follow_up_of is None:
        return budget
    text = f"{budget.text} It looks again at the candidate of iteration {follow_up_of}, and counts."
    return budget.model_copy(update={"text": text})


def train_plans(phase: Phase, most: int) -> Sequence[str]:
    """The train plans that --plans names, or the first ones."""
    available = _plans(phase, Split.TRAIN)
    wanted = names(phase.plans)
    if wanted:
        return choose_plans(available, wanted, phase.context.lab.plans(Split.TRAIN))
    return available[:most]


def _plans(phase: Phase, split: Split) -> list[str]:
    return plan_names(phase.context.lab, phase.context.adapter(phase.step).inputs, split=split)
