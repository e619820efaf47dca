"""What an iteration would run, what it would cost, and what it could show: read, never written."""

from collections.abc import Sequence

from prompt_lab.decide.price import forecast
from prompt_lab.decide.verdict import Policy, Trial
from prompt_lab.evaluate.batches import plan_runs
from prompt_lab.evaluate.noise_floor import (
    WORST_DEVIATION,
    Estimate,
    FloorRecord,
    estimate,
    in_calls,
    need,
)
from prompt_lab.experiments.agent_work import most_cost as agents_most
from prompt_lab.experiments.batches import BatchOrder, EarlierRuns, request_for
from prompt_lab.experiments.chances import describe_chances, scores_before
from prompt_lab.experiments.estimates import GUESSED, HEAD, characters, row, time
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.guard_check import guard_given, guard_under_test
from prompt_lab.experiments.leak_check import leaks_given, leaks_under_test
from prompt_lab.experiments.noise_floor import read_floor
from prompt_lab.experiments.preflight import describe_version
from prompt_lab.experiments.prepare import left_out, plan_iteration
from prompt_lab.names import Side, Split, count
from prompt_lab.store.batch import PlannedRun
from prompt_lab.store.iterations import SUMMARY, IterationMeta
from prompt_lab.store.reusable import count_without_plan_hash, timings


def describe_dry_run(experiment: Experiment) -> str:
    """The text of the dry run. Writes nothing. Raises what the iteration would raise."""
    with experiment.context.temporary_work_folder():
        return what_would_run(experiment)


def describe_first_iteration(experiment: Experiment) -> list[str]:
    """Lines: the most that an iteration takes, and how often it ends in YES under each policy.

    Writes nothing. Raises what the iteration would raise.
    """
    with experiment.context.temporary_work_folder():
        meta = plan_iteration(experiment)
        calls, cost = most_spent(experiment, meta)
        priced = all(experiment.context.models[alias].has_price for alias in meta.models)
        price = f"${cost:.2f}" if priced else "an unknown sum, since a model has no 'price'"
        most = f"  An iteration takes at most {count(calls, 'call')} and {price}."
        chances = (
            describe_chances(experiment, meta) if experiment.context.policy_of(meta).seals else []
        )
        return [most, *chances]


def what_would_run(experiment: Experiment) -> str:
    """The text of the dry run. Raises the LabError at which the iteration would stop."""
    if (experiment.folder / SUMMARY).exists():
        return f"Iteration {experiment.number} is finished: nothing would be run."
    meta = plan_iteration(experiment)
    policy = experiment.context.policy_of(meta)
    lines = [
        f"Dry run of iteration {meta.iteration}, step {meta.step}. Nothing is run or written.",
        f"  models     {', '.join(meta.models)}",
        f"  change     {meta.given or _origin(meta)}",
        f"  baseline   {meta.main} at {meta.main_commit[:12]}",
        *_placeholders(experiment, meta),
        *_void(experiment, meta),
        "",
        HEAD,
    ]
    totals = []
    for split in Split:
        plans = _plans_asked(policy, meta, split)
        rows = _estimates(experiment, meta, split, plans)
        totals += rows
        title = _title(policy, split)
        lines += [f"  {title}, {count(len(plans), 'plan')}", *map(row, rows)]
    calls, cost = sum(r.calls for r in totals), sum(r.cost_usd for r in totals)
    seconds = sum(r.seconds for r in totals)
    lines += ["", f"  At most {count(calls, 'call')}, ${cost:.2f}, about {time(seconds)}."]
    agents = agents_most(experiment, meta)
    if agents:
        lines.append(f"  Agents may cost up to ${agents:.2f} more, by their limits.")
    if not all(one.measured for one in totals):
        lines.append(GUESSED)
    lines += [f"  {text}" for text in (*_not_reused(experiment, meta), *left_out(experiment))]
    if policy.seals:
        granted = ["", f"  {meta.granted.text}"] if meta.granted else []
        return "\n".join([*lines, *granted, *describe_chances(experiment, meta)])
    floor = read_floor(experiment.context.lab, meta.step)
    return "\n".join([*lines, *_power(policy, meta), *_noise(floor, policy, meta)])


def _title(policy: Policy, split: Split) -> str:
    """What the runs of a split are for."""
    if policy.seals:
        return "train, the screening" if split is Split.TRAIN else "verify, sealed, if it passes"
    return "train" if split is Split.TRAIN else "verify, only if promising"


def _placeholders(experiment: Experiment, meta: IterationMeta) -> list[str]:
    """The placeholder of the input in the baseline's prompt, and its style."""
    described = describe_version(experiment.context, meta.step, meta.main_commit)
    return [f"  input      {described}"] if described else []


def _void(experiment: Experiment, meta: IterationMeta) -> list[str]:
    """What makes the verdict INVALID before any call, if known."""
    if (experiment.folder / "change.json").exists():
        found = guard_under_test(experiment) or leaks_under_test(experiment)
    else:
        given = meta.given
        found = (guard_given(experiment, meta) or leaks_given(experiment, meta)) if given else ()
    return [f"  INVALID    {reason.text} Nothing would be run." for reason in found]


def most_cost(experiment: Experiment, meta: IterationMeta) -> float:
    """The most US dollars an iteration can cost: both splits, all looks, its agents."""
    return most_spent(experiment, meta)[1]


def most_spent(experiment: Experiment, meta: IterationMeta) -> tuple[int, float]:
    """The most calls of models that an iteration can make, and the most US dollars it can cost."""
    policy = experiment.context.policy_of(meta)
    asked = {split: _plans_asked(policy, meta, split) for split in Split}
    rows = [row for split in Split for row in _estimates(experiment, meta, split, asked[split])]
    cost = sum(one.cost_usd for one in rows) + agents_most(experiment, meta)
    return sum(one.calls for one in rows), cost


def _origin(meta: IterationMeta) -> str:
    if meta.follow_up_of is not None:
        return f"by the fix that iteration {meta.follow_up_of} asks for"
    start = f", from the prompt of {meta.start_commit[:12]}" if meta.start_commit else ""
    if meta.last_synthesis:
        return f"by the top recommendation of {meta.last_synthesis}{start}"
    return f"by the baseline's own failures{start}"


def _estimates(
    experiment: Experiment, meta: IterationMeta, split: Split, plans: Sequence[str]
) -> list[Estimate]:
    """The candidate is not known yet: its runs are counted as the baseline's, none reused."""
    replicates = _replicates(experiment, meta, split)
    order = BatchOrder(
        split.value,
        split,
        {Side.BASELINE: meta.main_commit},
        meta.models,
        plans,
        max(replicates.values()),
        replicates_of=replicates,
        reuses_sampled=split is Split.TRAIN or experiment.context.policy_of(meta).seals,
    )
    runs = plan_runs(request_for(experiment, order), EarlierRuns(experiment, split))
    length = characters(experiment, meta.main_commit, split, meta.plans[split])
    found = []
    for alias in meta.models:
        mine = [run for run in runs if run.model == alias]
        reused = sum(not run.takes_calls for run in mine)
        racing = max(meta.race, 1 + len(meta.rivals)) if split is Split.TRAIN else 1
        candidate = racing * len(plans) * replicates[alias]
        found.append(
            estimate(
                experiment.context.models[alias],
                _to_make(mine) + candidate,
                reused,
                past=timings(experiment.context.lab, alias, meta.step),
                characters=length,
            )
        )
    return found


def _replicates(experiment: Experiment, meta: IterationMeta, split: Split) -> dict[str, int]:
    """model -> runs of each plan and side; on sealed plans as the policy says for these scores."""
    policy, models = experiment.context.policy_of(meta), experiment.context.models
    wanted = meta.confirm_replicates if split is Split.VERIFY else meta.replicates
    if not policy.seals or wanted:
        return dict.fromkeys(meta.models, wanted or meta.replicates)
    binary = scores_before(experiment, meta).binary
    return {
        alias: policy.replicates_for(binary=binary, deterministic=models[alias].deterministic)
        for alias in meta.models
    }


def _not_reused(experiment: Experiment, meta: IterationMeta) -> list[str]:
    """Why runs that an earlier version recorded are made again, if there are any."""
    old = count_without_plan_hash(experiment.context.lab, meta.step)
    if not old:
        return []
    return [
        f"Not reused: {count(old, 'finished run')} of an earlier version, which recorded no hash "
        "of whole plan folders, so changed gold would go unnoticed."
    ]


def _to_make(runs: Sequence[PlannedRun]) -> int:
    return sum(run.takes_calls for run in runs)


def _power(policy: Policy, meta: IterationMeta) -> list[str]:
    """What the trial can show at the alpha that it was granted, if half of the plans flip."""
    asked = _plans_asked(policy, meta, Split.TRAIN)
    found = forecast(len(asked), WORST_DEVIATION, policy)
    wanted = f"+{policy.smallest_effect * 100:.0f} points"
    seen = f"+{found.visible * 100:.0f} points" if found.possible else "no gain at all"
    looks = f" in {count(policy.looks, 'look')}" if policy.mode != "fixed" else ""
    return [
        "",
        *([f"  {meta.granted.text}"] if meta.granted else []),
        f"  {count(found.plans, 'plan')}{looks} can show {seen} with {policy.power:.0%} power, "
        f"and {wanted} with"
        f" {found.power:.0%}, where the plans",
        f"  differ as if a change affected half of them; for {wanted} about"
        f" {count(found.needed, 'plan')} are enough.",
        f"  Without any effect, a trial takes {found.mean_plans_if_equal:.0f} plans on average.",
    ]


def _plans_asked(policy: Policy, meta: IterationMeta, split: Split) -> Sequence[str]:
    """The plans of a split that the trial may ask for; where it has no looks, all."""
    if split is not (Split.VERIFY if policy.seals else Split.TRAIN):
        return meta.plans[split]
    return Trial(policy, meta.models, meta.plans[split]).plans


def _noise(record: FloorRecord | None, policy: Policy, meta: IterationMeta) -> list[str]:
    """The noise floor, if it was measured on answers of these models."""
    if record is None or record.asked.models != meta.models or not record.has_answers:
        name = "`luigi --module pipeline NoiseFloor`"
        return [f"  {name} measures how far the baseline differs from itself."]
    found = need(record, policy.smallest_effect, policy)
    answers, runs = record.answers
    return [
        "",
        f"  Noise floor ({count(record.asked.replicates, 'run')} of "
        f"{count(len(record.asked.plans), 'plan')} at"
        f" {record.asked.commit[:12]}): repeated runs differ by"
        f" {record.floor.run_deviation * 100:.0f} points, {record.floor.flaky} are flaky.",
        *([f"  It rests on {answers} answers of {runs} runs."] if answers < runs else []),
        f"  To see +{found.gain * 100:.0f} points with {policy.power:.0%} power you need about"
        f" {count(found.plans, 'plan')} ({in_calls(found.price)}),",
        f"  {found.plans_at_worst} if the change also moves half of the plans.",
    ]
