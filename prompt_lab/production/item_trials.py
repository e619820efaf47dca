"""The trial of a prompt change: its text is the candidate of an iteration of its step.

A YES promotes nothing by itself: the iteration waits for the person who answers the review.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, log
from typing import NamedTuple

from pydantic import Field

from prompt_lab.config.production import ProductionConfig
from prompt_lab.decide.limits import fewest_plans
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.result import Verdict
from prompt_lab.errors import LabError
from prompt_lab.experiments.budget_grant import alpha_of
from prompt_lab.experiments.challenge_files import grow_set, list_present, read_set
from prompt_lab.experiments.conclude import conclude
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.registry_target import find_step
from prompt_lab.experiments.text_trial import prepare_text_trial
from prompt_lab.names import Outcome, Split, count
from prompt_lab.production.trace_plans import build_plan, plan_name, turn_file
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.records import VERSION, Record
from prompt_lab.reviews import Goal, Item, ItemState, ItemType
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import RunsSummary
from prompt_lab.store.prompt_verdicts import open_registry
from prompt_lab.traces import Feedback, Trace

ADAPTER = "trace_turn"
FEWEST_TRAIN_PLANS = 4


class ItemTrial(Record):
    """The iteration that tries one item."""

    version: int = VERSION
    item: int
    step: str
    number: int
    branch: str
    plans: str = Field(description="version of the challenge set")


class Untested(NamedTuple):
    """Why an item has no trial, and how many plans are missing, where that is why."""

    reason: str
    plans_missing: int = 0


def collect_plans(
    context: LabContext,
    traces: Iterable[Trace],
    feedback: Sequence[Feedback],
    items: Sequence[Item],
    *,
    when: str,
) -> None:
    """Add plans from the traces behind each prompt change, and from healthy ones of its prompt.

    At most `plans_per_review` a prompt. A trace is healthy without a failed tool, an error or a
    thumb down; its recorded action is then the gold.
    """
    config = context.defaults.production
    changes = [item for item in items if item.type is ItemType.PROMPT_CHANGE]
    behind = {id_: item.identity for item in changes for id_ in item.evidence.trace_ids}
    down = {one.trace_id for one in feedback if one.thumb == "down"}
    found: dict[str, list[tuple[Trace, str]]] = {item.prompt_key: [] for item in changes}
    for trace in traces:
        reason = behind.get(trace.trace_id, "")
        if reason or is_healthy(trace, down):
            for key in found.keys() & (trace.payload.prompts.keys() or found.keys()):
                found[key].append((trace, reason))
    for key, chosen in found.items():
        _grow(context, key, _take(chosen, config.plans_per_review), config, when)


def is_healthy(trace: Trace, down: Iterable[str] = ()) -> bool:
    """Whether nothing in the trace, and no thumb, says that something went wrong."""
    events = trace.payload.events
    failed = any(
        getattr(one, "success", None) is False or bool(getattr(one, "error", "")) for one in events
    )
    return not failed and trace.trace_id not in down


def _take(chosen: Sequence[tuple[Trace, str]], most: int) -> list[tuple[Trace, str]]:
    """At most so many: up to half from behind findings, in the order of a hash, not of time."""
    ordered = sorted(chosen, key=lambda pair: plan_name(pair[0].trace_id))
    behind = [pair for pair in ordered if pair[1]][: most // 2]
    healthy = [pair for pair in ordered if not pair[1]][: most - len(behind)]
    return [*behind, *healthy]


def _grow(
    context: LabContext,
    key: str,
    chosen: Iterable[tuple[Trace, str]],
    config: ProductionConfig,
    when: str,
) -> None:
    contents: dict[str, Mapping[str, str]] = {}
    facts: dict[str, tuple[str, str]] = {}
    for trace, reason in chosen:
        plan = build_plan(trace, key, config, is_healthy=not reason)
        if plan is not None:
            contents[plan_name(trace.trace_id)] = plan
            facts[plan_name(trace.trace_id)] = (trace.trace_id, reason)
    grow_set(context, key, contents, facts, when=when)


def policy_for(item: Item, config: ProductionConfig) -> str:
    """The policy of an item's trial: non-inferiority for a saving, a gain for anything else."""
    return config.cost_policy if item.goal is Goal.COST else config.trial_policy


def plans_needed(policy: Policy, alpha: float) -> int:
    """Sealed plans without which a trial at this level can show nothing, whatever they score.

    A test of a margin must exclude that plans of an unseen kind lose more than the margin: with n
    plans, kinds with a share of ln(1 / alpha) / n are missed with probability alpha.
    """
    if alpha <= 0:
        return 0
    least = fewest_plans(alpha)
    if policy.test == "margin_t" and policy.harm_margin:
        return max(least, ceil(-log(alpha) / policy.harm_margin) + 1)
    return least


def why_untested(context: LabContext, item: Item) -> Untested | None:
    """Why an item cannot be tried now; None if it can."""
    if item.type is not ItemType.PROMPT_CHANGE or not item.prompt_text:
        return Untested("")
    step = find_step(context, item.prompt_key, turn_file(item.prompt_key))
    if not step:
        return Untested(
            f"no step of {context.files.place('steps')} has the adapter '{ADAPTER}' and the prompt"
            f" {item.prompt_key!r} (docs/production.md)"
        )
    policy = context.policy(policy_for(item, context.defaults.production))
    alpha = alpha_of(context, step, policy, before=max(iterations(context.lab), default=0) + 1)
    if not alpha:
        return Untested(f"the error budget of policy {policy.name!r} is used up")
    known = read_set(context.lab, item.prompt_key)
    missing = plans_needed(policy, alpha) - len(list_present(context.lab, known, Split.VERIFY))
    lacking = FEWEST_TRAIN_PLANS - len(list_present(context.lab, known, Split.TRAIN))
    if missing > 0 or lacking > 0:
        wanted = max(missing, 0) + max(lacking, 0)
        return Untested(f"{count(wanted, 'plan')} missing", wanted)
    if refusals := open_registry(context.lab).guard(item.prompt_key, item.prompt_text):
        return Untested("; ".join(refusal.text for refusal in refusals))
    return None


def begin_trial(context: LabContext, review: str, item: Item, *, when: str) -> ItemTrial:
    """Put the item's text on a branch and prepare the iteration that tries it. May be repeated.

    `review` names the review's folder. Raises LabError where the trial cannot begin.
    """
    step = find_step(context, item.prompt_key, turn_file(item.prompt_key))
    branch = f"prompt-lab/review-{review}-{item.id}"
    experiment = prepare_text_trial(
        context,
        step,
        {branch: item.prompt_text},
        [f"{item.title}\n\nItem {item.id} of review {review}."],
        models=context.defaults.production.models,
        policy=policy_for(item, context.defaults.production),
        when=when,
    )
    plans = read_set(context.lab, item.prompt_key).version
    return ItemTrial(item=item.id, step=step, number=experiment.number, branch=branch, plans=plans)


def read_trial(context: LabContext, item: Item, trial: ItemTrial) -> Item:
    """The item with what its trial said: only a YES makes it deployable."""
    folder = context.lab.iteration(trial.number, trial.step)
    verdict = read_if_whole(folder / "verdict.json", Verdict)
    if verdict is None:
        return mark_untested(item, Untested(f"its trial {folder.name} has no verdict yet"))
    cost = sum(
        summary.cost_usd
        for path in sorted(folder.glob("runs_*.json"))
        if (summary := read_if_whole(path, RunsSummary))
    )
    found = {
        "verdict": verdict.outcome.value,
        "screening_effect": verdict.screening.effect if verdict.screening else verdict.effect,
        "price_usd": cost,
    }
    if verdict.outcome is Outcome.YES:
        return item.model_copy(update={**found, "verdict_id": folder.name})
    why = verdict.reasons[0].text if verdict.reasons else "no reason was recorded"
    note = f"its trial {folder.name} ended {verdict.outcome.value}: {why}"
    return item.model_copy(update={**found, "note": note})


def mark_untested(item: Item, why: Untested) -> Item:
    """The item with the reason why it has no verdict; other types than prompt changes stay."""
    if item.type is not ItemType.PROMPT_CHANGE:
        return item
    return item.model_copy(
        update={
            "state": ItemState.UNTESTED,
            "plans_missing": why.plans_missing,
            "note": why.reason,
        }
    )


def follow_deployments(context: LabContext, items: Iterable[Item]) -> Iterator[str]:
    """Merge the pull requests of deployed items, so that the target's file follows the registry.

    Yields a sentence for each that could not be merged; the promotion stands all the same.
    """
    for item in items:
        number, _, step = item.verdict_id.partition("_")
        if item.state is not ItemState.DEPLOYED or not step:
            continue
        current = open_registry(context.lab).read_current()[1].prompts.get(item.prompt_key)
        if current != digest_text(item.prompt_text):
            continue
        try:
            conclude(Experiment(context, step=step, number=int(number)))
        except LabError as error:
            yield f"Item {item.id} is deployed, but its pull request is not merged: {error}"
