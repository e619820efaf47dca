"""One round of the optimizer: a weak prompt, variants of it, their trial, and the gate.

Each use case writes one file of the round's folder and may be repeated. Taking in what the service
wrote and checking running canaries is no work of this kind: both go on while the optimizer is off.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import NamedTuple

from prompt_lab.clock import read_time, write_time
from prompt_lab.errors import LabError
from prompt_lab.experiments.budget_grant import alpha_of
from prompt_lab.experiments.dry_run import most_spent
from prompt_lab.experiments.registry_target import find_step
from prompt_lab.experiments.text_trial import prepare_text_trial
from prompt_lab.names import count
from prompt_lab.promptops.canary import read_canary
from prompt_lab.promptops.challenge import grow_challenge_set
from prompt_lab.promptops.idle import DayUse, why_spent
from prompt_lab.promptops.library.candidates import make_template_variants
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.question_plans import question_file
from prompt_lab.promptops.records import Provenance, Variant
from prompt_lab.promptops.rounds import (
    PROPOSED,
    Proposed,
    RoundCandidate,
    proposals,
    use_of_day,
)
from prompt_lab.promptops.variants import RefusedVariant, make_variants
from prompt_lab.promptops.weak import WeakPrompt, find_weak
from prompt_lab.prompts.manifest import propose_manifest
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.files import write_record
from prompt_lab.store.iterations import read_meta
from prompt_lab.store.prompt_plans import read_plan_texts
from prompt_lab.traces import Window

BRANCHES = "prompt-lab/optimize"


class TrialPlan(NamedTuple):
    """A trial that is prepared: its step and iteration, and what it can take at most."""

    step: str
    number: int
    most: DayUse


class NothingToDo(NamedTuple):
    """Why no round begins."""

    reason: str


PrepareTrial = Callable[[OptimizerRun, str, Sequence[RoundCandidate]], TrialPlan]
"""(run, step, candidates) -> the trial."""


def choose_weak(run: OptimizerRun) -> WeakPrompt | NothingToDo:
    """The weakest prompt that has fresh outcomes, a step, and no canary under way."""
    current = run.registry.read_current()[1].prompts
    hours = run.config.slo.window_hours
    begin = write_time(read_time(run.now) - timedelta(hours=hours))
    weak = find_weak(run.outcomes.summary(Window(begin, run.now)), run.config, current)
    skipped = []
    for one in weak:
        if one.prompt_id not in current:
            continue
        if why := _why_not_now(run, one, begin):
            skipped.append(f"{one.prompt_id!r}: {why}")
        else:
            return one
    found = "; ".join(skipped)
    return NothingToDo(found or f"no prompt is weak by the outcomes of the last {hours:g} hours")


def _why_not_now(run: OptimizerRun, weak: WeakPrompt, begin: str) -> str:
    step = _find_step(run, weak)
    if not step:
        return (
            f"no step takes {question_file(weak.prompt_id)!r} and has this prompt of the registry"
            " (docs/promptops.md)"
        )
    canary = read_canary(run.context.lab, weak.prompt_id)
    if canary is not None and canary.state == "running":
        return "its canary is under way"
    policy = run.context.policy(run.config.optimizer.policy)
    if not alpha_of(run.context, step, policy, before=sys.maxsize):
        return (
            f"the error budget of policy {policy.name!r} is used up; new plans and ledger.since in"
            " the policy's file renew it"
        )
    last = list(proposals(run.context.lab, weak.prompt_id))
    if last and last[-1].when > begin:
        window = Window(last[-1].when, run.now)
        fresh = find_weak(run.outcomes.summary(window), run.config)
        if not any(one.prompt_id == weak.prompt_id for one in fresh):
            return "it has been tried since, and too few outcomes are new"
    return ""


def _find_step(run: OptimizerRun, weak: WeakPrompt) -> str:
    return find_step(run.context, weak.prompt_id, question_file(weak.prompt_id))


def propose(run: OptimizerRun, name: str, prepare: PrepareTrial | None = None) -> Proposed:
    """Choose a prompt, grow its challenge set, prepare a trial of variants. Writes proposed.json.

    Raises LabError where nothing is weak any more, the trial cannot begin, or today's budget does
    not reach for it.
    """
    weak = choose_weak(run)
    if isinstance(weak, NothingToDo):
        raise LabError(f"round {name} does not begin: {weak.reason}")
    prompt_id, text = weak.prompt_id, run.registry.read_text(weak.prompt_id)
    plans = _grow_set(run, weak)
    step = _find_step(run, weak)
    candidates = _make_candidates(run, weak, text)
    sound = [one for one in candidates if not one.refused]
    trial = TrialPlan(step, 0, DayUse())
    if sound:
        trial = (prepare or prepare_trial)(run, step, sound)
        if why := why_spent(
            run.config.optimizer, use_of_day(run.context.lab, run.now[:10]), trial.most
        ):
            raise LabError(f"the trial of {prompt_id!r} waits: {why}")
    found = Proposed(
        when=run.now,
        prompt_id=prompt_id,
        task_class=weak.task_class,
        weakness=describe_weak(weak),
        challenge_set=plans,
        step=step,
        number=trial.number,
        models=run.config.optimizer.models,
        policy=run.config.optimizer.policy,
        most_calls=trial.most.calls,
        most_usd=trial.most.usd,
        candidates=tuple(candidates),
    )
    write_record(run.folder(name) / PROPOSED, found)
    return found


def describe_weak(weak: WeakPrompt) -> str:
    """The figures of a weak prompt.

    >>> describe_weak(WeakPrompt("query", "orders", "success", 40, 20, 0.338, 0.662))
    "20 of 40 calls of 'orders' succeeded (34 to 66 %)"
    """
    what = "succeeded" if weak.reason == "success" else "got a thumb up"
    of = f" of {weak.task_class!r}" if weak.task_class else ""
    return (
        f"{weak.successes} of {count(weak.calls, 'call')}{of} {what}"
        f" ({weak.low * 100:.0f} to {weak.high * 100:.0f} %)"
    )


def _grow_set(run: OptimizerRun, weak: WeakPrompt) -> str:
    """Add what the outcomes and the golden suites have; the version of the set."""
    grown = grow_challenge_set(
        run.context,
        weak.prompt_id,
        run.outcomes.since("", prompt_id=weak.prompt_id),
        run.golden,
        run.config,
        run.now,
        task_class=weak.task_class,
    )
    return grown.set.version


def _make_candidates(run: OptimizerRun, weak: WeakPrompt, text: str) -> list[RoundCandidate]:
    """Variants that no earlier round tried, and what the guard refuses, with its codes."""
    prompt_id = weak.prompt_id
    manifest = run.registry.files.read_manifest(prompt_id) or propose_manifest(prompt_id, text)
    refused: list[RefusedVariant] = []
    past = list(proposals(run.context.lab, prompt_id))
    earlier = {one.sha256 for before in past for one in before.sound}
    task_class, plans = weak.task_class or manifest.task_class, read_plan_texts(run.context.lab)
    mined = make_template_variants(
        run.context.lab, prompt_id, text, manifest, task_class, plans=plans.train
    )
    made = make_variants(
        prompt_id,
        text,
        manifest,
        task_class,
        Random(f"{digest_text(text)} {len(past)}"),
        run.rewriter,
        plans=plans.train,
        on_refused=refused.append,
    )
    new = [one for one in mined if digest_text(one.text) not in earlier]
    new = new[: run.config.library.candidates]
    found = [_candidate(run, variant) for variant in (*new, *made)]
    found = [one for one in found if one.sha256 not in earlier]
    found = found[: run.config.optimizer.variants]
    return [*found, *(_refuse(run, one) for one in refused)]


def _candidate(run: OptimizerRun, variant: Variant) -> RoundCandidate:
    refusals = run.registry.guard(variant.prompt_id, variant.text)
    digest = digest_text(variant.text)
    return RoundCandidate(
        branch=f"{BRANCHES}-{variant.prompt_id}-{digest[:8]}",
        sha256=digest,
        text=variant.text,
        provenance=variant.provenance,
        refused=tuple(one.code.value for one in refusals),
        why="; ".join(one.text for one in refusals),
    )


def _refuse(run: OptimizerRun, refused: RefusedVariant) -> RoundCandidate:
    return _candidate(run, refused.variant).model_copy(
        update={
            "refused": tuple(one.code.value for one in refused.refusals),
            "why": "; ".join(one.text for one in refused.refusals),
        }
    )


def prepare_trial(run: OptimizerRun, step: str, candidates: Sequence[RoundCandidate]) -> TrialPlan:
    """An iteration that screens the candidates and confirms the best of them. May be repeated.

    The commits have the time at which the current text became current: equal texts, equal commits.
    """
    optimizer, pointer = run.config.optimizer, run.registry.files.read_pointer()
    if run.context.step(step).judge is not None:
        candidates = candidates[:1]  # a judge screens one candidate at a time
    experiment = prepare_text_trial(
        run.context,
        step,
        {one.branch: one.text for one in candidates},
        [_message(one.provenance) for one in candidates],
        models=optimizer.models,
        policy=optimizer.policy,
        when=pointer.when if pointer else run.now,
    )
    meta = read_meta(run.context.lab, experiment.number, step)
    calls, usd = most_spent(experiment, meta)
    return TrialPlan(step, experiment.number, DayUse(calls, usd))


def _message(provenance: Provenance) -> str:
    by = f" by {provenance.model}" if provenance.model else ""
    return f"Try a variant of operator {provenance.operator}{by}\n\n{provenance.note or 'no note'}"
