"""The error budget of a step: which trials used which plans, and what is left."""

import sys
from collections.abc import Sequence

from prompt_lab.decide.ledger import Grant, Use, counts, grant
from prompt_lab.decide.verdict import Policy
from prompt_lab.errors import StoreError
from prompt_lab.evaluate.drift import SinceRecord
from prompt_lab.experiments.budget_uses import uses
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.names import Split, count
from prompt_lab.report.view import ErrorBudgetView, PlanSet
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import IterationMeta


def grant_alpha(experiment: Experiment, policy: Policy) -> Grant:
    """The alpha of this iteration, after all trials of the step before it."""
    return grant(
        uses(experiment.context, experiment.step, policy, before=experiment.number), policy
    )


def alpha_of(ctx: LabContext, step: str, policy: Policy, *, before: int) -> float:
    """What a policy's ledger would grant after all trials before an iteration; 0: nothing left."""
    return grant(uses(ctx, step, policy, before=before), policy).alpha


def at_next_alpha(ctx: LabContext, step: str) -> Policy:
    """The current policy at the alpha of the next trial; unchanged if no alpha is left."""
    policy = ctx.policy(ctx.defaults.policy)
    alpha = alpha_of(ctx, step, policy, before=sys.maxsize)
    return policy.at_alpha(alpha) if alpha else policy


def budgets(ctx: LabContext) -> list[ErrorBudgetView]:
    """The budget of every step with trials, under the current policy.

    If it cannot be determined, the entry holds the reason.
    """
    policy = ctx.policy(ctx.defaults.policy)
    found = []
    for step in sorted(set(iterations(ctx.lab).values())):
        try:
            budget = budget_of(ctx, step, policy)
        except StoreError as error:
            found.append(
                ErrorBudgetView(step=step, text=f"Not known: {error}", spent=0, trials=0, merges=0)
            )
        else:
            found += [budget] if budget.sets else []
    return found


def budget_of(ctx: LabContext, step: str, policy: Policy) -> ErrorBudgetView:
    """The state of a step's budget for its page: what the next trial would get, and every set."""
    found = uses(ctx, step, policy, before=sys.maxsize)
    sets: dict[tuple[str, str], list[Use]] = {}
    for use in found:
        sets.setdefault((use.kind, use.plan_set), []).append(use)
    state = grant(found, policy)
    return ErrorBudgetView(
        step=step,
        text=state.text,
        spent=state.spent,
        trials=sum(counts(use, policy) for use in found),
        merges=sum(use.merged for use in found if use.kind == "trial"),
        earlier=_describe_earlier(found, policy),
        since=_since(ctx, step, found),
        advice=how_to_add_plans(ctx, policy) if policy.seals else "",
        sets=tuple(
            _plan_set(ctx, step, kind, name, of) for (kind, name), of in sorted(sets.items())
        ),
    )


def _describe_earlier(found: Sequence[Use], policy: Policy) -> str:
    """What earlier trials mean for a policy that decides by sealed plans; '' where none do."""
    trials = [use for use in found if use.kind == "trial" and not counts(use, policy)]
    if not trials:
        return ""
    read = sum(use.kind == "verify" for use in found)
    shown = " They have shown how verify plans scored: new ones keep the whole promise."
    return f"Beside it {count(len(trials), 'trial')} of an earlier rule.{shown if read else ''}"


def how_to_add_plans(ctx: LabContext, policy: Policy) -> str:
    """What to do before the confirmations that are left are used up, in a sentence."""
    place = ctx.files.place("policies", policy.name)
    return (
        f"To have more, put new plans, one folder each, into {ctx.lab.plans(Split.VERIFY)}, and set"
        f" ledger.since in {place} to the number of the next iteration."
    )


def _plan_set(ctx: LabContext, step: str, kind: str, name: str, of: Sequence[Use]) -> PlanSet:
    """A set of plans as of its last use."""
    last = of[-1].iteration
    meta = read_if_whole(ctx.lab.iteration(last, step) / "meta.json", IterationMeta)
    confirms = kind == "trial" and bool(meta and meta.judged_by and meta.judged_by.seals)
    split = Split.VERIFY if kind == Split.VERIFY or confirms else Split.TRAIN
    plans = len(meta.plans.get(split, ())) if meta else 0
    return PlanSet(kind=kind, name=name, uses=len(of), last=last, split=split, plans=plans)


def _since(ctx: LabContext, step: str, found: Sequence[Use]) -> str:
    """The result of the last comparison with the first baseline."""
    numbers = [use.iteration for use in found if use.kind == "origin"]
    if not numbers:
        return ""
    path = ctx.lab.iteration(numbers[-1], step) / "since_start.json"
    record = read_if_whole(path, SinceRecord)
    return record.text if record else ""
