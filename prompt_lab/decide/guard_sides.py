"""Guards that compare the sides as wholes: support, rules, validity, latency and cost."""

import numpy as np

from prompt_lab.decide.evidence import Amounts, Evidence, Validity
from prompt_lab.decide.limits import limits
from prompt_lab.decide.normal import reached
from prompt_lab.decide.pairs import ScoreTable
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reasons import Code, Reason, number
from prompt_lab.decide.result import Guard
from prompt_lab.decide.shares import MeasuredShare, limit_difference
from prompt_lab.decide.signflip import p_values


def guard_sides(table: ScoreTable, policy: Policy, evidence: Evidence) -> list[Guard]:
    """All of them; those whose data or budget is absent are 'off' and say so."""
    return [
        _support(table, policy.max_missing),
        _rules(evidence.violations),
        _validity(evidence.validity, policy, table),
        _budget("latency", evidence.latency, 50, policy.latency_ratio),
        _budget("latency p90", evidence.latency, 90, policy.latency_p90_ratio),
        _budget("cost", evidence.cost, None, policy.cost_ratio),
        *([] if policy.saving == "none" else [_saving(evidence, policy)]),
    ]


def _support(table: ScoreTable, most: float) -> Guard:
    missing = table.rows - table.pair_count
    share = missing / max(table.rows, 1)
    text = f"{missing} of {table.rows} pairs lack a side (at most {most:.0%} may)."
    numbers = {"missing": float(missing), "pairs": float(table.rows), "limit": most}
    return _guard("support", share <= most, Code.MISSING, text, numbers)


def _rules(violations: tuple[str, ...]) -> Guard:
    text = "No rule of the policy is broken."
    if violations:
        rules = "A rule" if len(violations) == 1 else f"{len(violations)} rules"
        text = f"{rules} of the policy broken: " + "; ".join(violations)
    numbers = {"violations": float(len(violations))}
    return _guard("rules", not violations, Code.VIOLATION, text, numbers)


def _validity(seen: Validity | None, policy: Policy, table: ScoreTable) -> Guard:
    margin = policy.validity_margin
    if margin is None or seen is None or not (seen.baseline_total and seen.candidate_total):
        why = "sets no margin" if margin is None else "was given no counts of valid answers"
        return Guard(name="validity", state="off", text=f"Off: the policy {why}.")
    low, high = _validity_limits(seen, policy, table)
    text = (
        f"Valid answers: {seen.candidate_valid} of {seen.candidate_total}, before"
        f" {seen.baseline_valid} of {seen.baseline_total}"
        f" (difference {low * 100:+.1f} to {high * 100:+.1f} points)."
    )
    numbers = {"low": low, "high": high, "margin": margin}
    if high >= -margin > low:
        return Guard(name="validity", state="not shown", text=text, numbers=numbers)
    return _guard("validity", high >= -margin, Code.VALIDITY_LOWER, text, numbers)


def _validity_limits(seen: Validity, policy: Policy, table: ScoreTable) -> tuple[float, float]:
    """Limits of the difference of the valid shares, each at the guards' level.

    From rule 3 on the plan is the unit, since models fail on the same plans: by the plans' own
    differences, or where they are not given by as many answers as there are plans.
    """
    level = policy.guard_alpha
    if not policy.seals:
        return newcombe(seen, level)
    if not seen.by_plan:
        return newcombe(seen, level, answers_per_plan=max(1, _cells(table)))
    values = np.array(seen.by_plan)
    low, high = limits(values, level)
    p_better, p_worse = p_values(values, policy.rule_version)
    # The sign-flip test decides against 0; the interval of few or uneven plans follows it.
    return (
        low if p_better <= level else min(low, 0.0),
        high if p_worse <= level else max(high, 0.0),
    )


def _cells(table: ScoreTable) -> int:
    return int(table.differences.shape[1] * table.differences.shape[2])


def newcombe(seen: Validity, level: float, answers_per_plan: int = 1) -> tuple[float, float]:
    """Limits of the difference of two shares, each at `level` (Newcombe 1998, method 10).

    Answers of one plan count as one, as if they were all alike.
    """
    candidate, baseline = (
        MeasuredShare(valid / total, total / answers_per_plan)
        for valid, total in (
            (seen.candidate_valid, seen.candidate_total),
            (seen.baseline_valid, seen.baseline_total),
        )
    )
    return limit_difference(candidate, baseline, reached(level))


def _budget(name: str, amounts: Amounts | None, rank: int | None, most: float | None) -> Guard:
    if most is None:
        return Guard(name=name, state="off", text="Off: the policy sets no budget.")
    if amounts is None or not (amounts.baseline and amounts.candidate):
        return Guard(name=name, state="off", text="Off: no measurements were given.")
    old, new = (_level(side, rank) for side in (amounts.baseline, amounts.candidate))
    what = "mean" if rank is None else "median" if rank == 50 else f"p{rank}"
    text = f"{what} {new:.4g}, before {old:.4g} (at most {most:g} times as much)."
    code = Code.COST if rank is None else Code.LATENCY
    return _guard(name, new <= most * old, code, text, {"before": old, "after": new, "limit": most})


def _saving(evidence: Evidence, policy: Policy) -> Guard:
    """Whether the saving that the policy asks for is there. Not measured is not there."""
    unit, share, most = "characters", _shorter(evidence), 1 - policy.simpler_shorter
    if policy.saving == "cost":
        unit, share, most = "dollars per run", _cheaper(evidence), policy.cost_ratio or 1.0
    if share is None:
        text = f"The policy asks for a saving of {unit}, and they were not measured on both sides."
        return _guard("saving", False, Code.NO_SAVING, text, {"limit": most})
    text = f"{share:.1%} of the {unit} of before (the policy asks for at most {most:.0%})."
    return _guard("saving", share <= most, Code.NO_SAVING, text, {"share": share, "limit": most})


def _shorter(evidence: Evidence) -> float | None:
    lengths = evidence.lengths
    return None if lengths is None or not lengths.baseline else lengths.candidate / lengths.baseline


def _cheaper(evidence: Evidence) -> float | None:
    cost = evidence.cost
    if cost is None or not (cost.baseline and cost.candidate) or not np.mean(cost.baseline):
        return None
    return float(np.mean(cost.candidate) / np.mean(cost.baseline))


def _level(amounts: tuple[float, ...], rank: int | None) -> float:
    return float(np.mean(amounts) if rank is None else np.percentile(amounts, rank))


def _guard(name: str, holds: bool, code: Code, text: str, numbers: dict[str, float]) -> Guard:
    if holds:
        return Guard(name=name, state="held", text=text, numbers=numbers)
    reason = Reason(code=code, text=text, facts={k: number(v) for k, v in numbers.items()})
    return Guard(name=name, state="failed", text=text, reason=reason, numbers=numbers)
