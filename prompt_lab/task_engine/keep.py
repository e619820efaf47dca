"""The keep rule: which replicates to score next, and what the scores of both sides say."""

from collections.abc import Mapping, Sequence
from math import ulp
from typing import NamedTuple

from prompt_lab.decide.engine import decide
from prompt_lab.decide.pairs import Pair
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.result import Verdict
from prompt_lab.decide.trial import Trial
from prompt_lab.names import Outcome
from prompt_lab.task_engine.record import AttemptCode, AttemptStatus
from prompt_lab.task_engine.schema import Task
from prompt_lab.task_engine.score import Scored

Scores = Mapping[int, Scored]
"""Replicate -> its scoring."""


class AttemptDecision(NamedTuple):
    """How an attempt ends. `gain` is in units of the score, positive for better."""

    status: AttemptStatus
    code: AttemptCode
    detail: str
    gain: float | None = None
    verdict: Verdict | None = None
    files: tuple[str, ...] = ()


def next_replicates(task: Task, baseline: Scores, candidate: Scores) -> list[int]:
    """The replicates that the candidate is scored on next; empty where the ruling can be made.

    The baseline is scored on the same ones; in mode 'exact' on two, to see that both agree.
    """
    if task.policy.mode == "exact":
        if not candidate:
            return [0]
        confirm = _gain(task, baseline, candidate) > 0 and len(candidate) == 1
        return [1] if confirm else []
    if task.scorer.parse.cases_field:
        return [r for r in range(task.policy.replicates) if r not in candidate]
    trial = _trial(task)
    trial.update(_pairs(task, baseline, candidate))
    return [_number(cell.plan) for cell in trial.next_batch()]


def mean(values: Sequence[float]) -> float:
    """The mean; equal values give exactly that value."""
    return values[0] if len(set(values)) == 1 else sum(values) / len(values)


def mean_score(scores: Scores) -> float:
    """The score of a side: the mean over its replicates."""
    return mean([one.score for one in scores.values()])


def mean_metrics(scores: Scores) -> dict[str, float]:
    """Metric -> its mean over the replicates that have it."""
    names = {name: None for one in scores.values() for name in one.metrics}
    return {
        name: mean([one.metrics[name] for one in scores.values() if name in one.metrics])
        for name in names
    }


def ruling(task: Task, baseline: Scores, candidate: Scores) -> AttemptDecision:
    """Keep or discard. No baseline: nothing to compare with, which the policy rules on."""
    broken = _violated_bounds(task, mean_metrics(candidate))
    if broken:
        detail = "; ".join(broken)
        gain = _gain(task, baseline, candidate) if baseline else None
        return AttemptDecision(AttemptStatus.DISCARD, AttemptCode.CONSTRAINT, detail, gain)
    if not baseline:
        status = AttemptStatus(task.policy.without_baseline)
        return AttemptDecision(
            status, AttemptCode.NO_BASELINE, "no baseline available: nothing to compare with"
        )
    if task.policy.mode == "exact":
        return _exact(task, baseline, candidate)
    return _decide_by_interval(task, baseline, candidate)


def _exact(task: Task, baseline: Scores, candidate: Scores) -> AttemptDecision:
    gain = _gain(task, baseline, candidate)
    for side, scores in (("baseline", baseline), ("candidate", candidate)):
        found = sorted({one.score for one in scores.values()})
        if len(found) > 1:
            detail = (
                f"the same {side} scored {found[0]:g} and {found[-1]:g}: the scorer is not exact;"
                " seed it by PROMPTLAB_SEED, or set policy.mode and policy.replicates"
            )
            return AttemptDecision(AttemptStatus.DISCARD, AttemptCode.NOISY, detail, gain)
    return _by_gain(task, gain, _noise(baseline, candidate), None)


def _decide_by_interval(task: Task, baseline: Scores, candidate: Scores) -> AttemptDecision:
    pairs = _pairs(task, baseline, candidate)
    if task.scorer.parse.cases_field:
        verdict = decide(pairs, _policy(task))
    else:
        trial = _trial(task)
        verdict = trial.update(pairs) or trial.close()
    gain = _gain(task, baseline, candidate)
    if verdict.outcome is Outcome.YES:
        return _by_gain(task, gain, _noise(baseline, candidate), verdict)
    code = AttemptCode.NOT_SHOWN if gain > 0 else AttemptCode.NOT_BETTER
    detail = verdict.reasons[0].text.replace("plans", "cases" if _cases(task) else "replicates")
    return AttemptDecision(AttemptStatus.DISCARD, code, detail, gain, verdict)


def _by_gain(task: Task, gain: float, noise: float, verdict: Verdict | None) -> AttemptDecision:
    least = task.objective.minimum_gain
    if gain > 0 and gain >= least - noise:
        return AttemptDecision(
            AttemptStatus.KEEP, AttemptCode.BETTER, f"better by {gain:g}", gain, verdict
        )
    if gain > 0:
        detail = f"better by {gain:g}, and a keep takes {least:g}"
        return AttemptDecision(
            AttemptStatus.DISCARD, AttemptCode.GAIN_TOO_SMALL, detail, gain, verdict
        )
    how = f"worse by {-gain:g}" if gain < 0 else "equal to the baseline"
    return AttemptDecision(AttemptStatus.DISCARD, AttemptCode.NOT_BETTER, how, gain, verdict)


def _noise(baseline: Scores, candidate: Scores) -> float:
    """What the difference of two scores may be off by, since no float holds 0.1 exactly."""
    scores = [one.score for one in (*baseline.values(), *candidate.values())]
    return 4 * ulp(max(map(abs, scores), default=0.0))


def _gain(task: Task, baseline: Scores, candidate: Scores) -> float:
    if not baseline:
        return 0.0
    both = [r for r in candidate if r in baseline] or list(candidate)
    ahead = mean([candidate[r].score for r in both]) - mean(
        [baseline[r].score for r in both if r in baseline] or [mean_score(baseline)]
    )
    return ahead if task.objective.direction == "maximize" else -ahead


def _violated_bounds(task: Task, metrics: Mapping[str, float]) -> list[str]:
    found = []
    for name, bound in task.constraints.items():
        value = metrics.get(name)
        if value is None:
            found.append(f"metric {name!r} is bounded, and the scorer does not tell it")
        elif bound.max is not None and value > bound.max:
            found.append(f"metric {name!r} is {value:g}, at most {bound.max:g} is allowed")
        elif bound.min is not None and value < bound.min:
            found.append(f"metric {name!r} is {value:g}, at least {bound.min:g} is asked for")
    return found


def _cases(task: Task) -> bool:
    return bool(task.scorer.parse.cases_field)


def _policy(task: Task) -> Policy:
    keep = task.policy
    return Policy(
        name="task",
        mode="fixed" if keep.mode == "exact" else keep.mode,
        alpha=keep.alpha,
        smallest_effect=keep.smallest_effect,
        max_plans=100_000 if _cases(task) else keep.replicates,
        replicates=keep.replicates if _cases(task) else 1,
        model_margin=None,
        validity_margin=None,
        simpler_margin=None,
        verify="off",
    )


def _trial(task: Task) -> Trial:
    return Trial(_policy(task), ["task"], [_plan(r) for r in range(task.policy.replicates)])


def _plan(replicate: int) -> str:
    return f"replicate {replicate}"


def _number(plan: str) -> int:
    return int(plan.rpartition(" ")[2])


def _pairs(task: Task, baseline: Scores, candidate: Scores) -> list[Pair]:
    """Replicates are what the verdict counts; or cases, each with all its replicates."""
    both = [r for r in sorted(candidate) if r in baseline]
    if not _cases(task):
        sides = [(baseline[r].score, candidate[r].score) for r in both]
        return [
            Pair("task", _plan(r), 0, _share(task, old), _share(task, new))
            for r, (old, new) in zip(both, sides, strict=True)
        ]
    return [
        Pair("task", case, r, _side(task, baseline[r], case), _side(task, candidate[r], case))
        for r in both
        for case in sorted({**baseline[r].cases, **candidate[r].cases})
    ]


def _side(task: Task, scored: Scored, case: str) -> float | None:
    """A case that a side leaves out is missing, and too many missing ones void the verdict."""
    return _share(task, scored.cases[case]) if case in scored.cases else None


def _share(task: Task, score: float) -> float:
    """A score as a share of its range, 1 the best."""
    low, high = task.objective.low or 0.0, task.objective.high or 0.0
    share = min(1.0, max(0.0, (score - low) / (high - low)))
    return share if task.objective.direction == "maximize" else 1 - share
