"""Learn which model does which subject on half of the items, and test it on the other half."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from prompt_lab.benchmark.compare_routing import Floats, Ints
from prompt_lab.benchmark.import_results import ImportedSubject
from prompt_lab.decide.verdict import (
    Code,
    Evidence,
    Lengths,
    Outcome,
    Pair,
    Policy,
    Verdict,
    decide,
)

SPLITS = 50
_UNIT = 1_000_000_000


class SubjectRule(NamedTuple):
    """One learned rule: `model` does the subject in place of `instead_of`."""

    subject: str
    model: int
    instead_of: int
    verdict: Verdict


class SplitGain(NamedTuple):
    """The mean over splits with a 95 % interval corrected for their overlap."""

    value: float
    low: float
    high: float


class RoutedGain(NamedTuple):
    """What routing gains over the best single model, on items that it was not learned from."""

    accuracy: SplitGain
    saved: SplitGain
    """Share of the best single model's cost that is saved."""
    rules: float
    """Mean number of rules."""


def routing_policy(subjects: int, alpha: float = 0.05, margin: float = 0.05) -> Policy:
    """One look at each subject, alpha shared among all of them (Bonferroni)."""
    return Policy(
        name="routing_by_subject",
        mode="fixed",
        verify="off",
        max_plans=100_000,
        alpha=alpha / max(subjects, 1),
        model_margin=None,
        validity_margin=None,
        simpler_margin=margin,
    )


def learn_rules(
    subjects: Sequence[ImportedSubject],
    halves: Mapping[str, Ints],
    prices: Sequence[float],
    policy: Policy,
) -> tuple[int, list[SubjectRule]]:
    """The best single model, and a rule for each subject where the engine says YES to another.

    YES means better, or cheaper and no worse by the policy's margin. INVALID subjects give none.
    """
    usable = [one for one in subjects if one.is_valid]
    pooled = np.concatenate([one.correct[halves[one.name]] for one in usable])
    best = int(np.lexsort((np.array(prices), -pooled.mean(axis=0)))[0])
    rules = []
    for subject in usable:
        for other in range(len(prices)):
            if other == best:
                continue
            part = subject.correct[halves[subject.name]]
            verdict = decide_subject(
                part[:, best], part[:, other], policy, prices[best], prices[other]
            )
            known = {Code.BETTER, Code.SIMPLER}
            if verdict.outcome is Outcome.YES and {r.code for r in verdict.reasons} & known:
                rules.append(SubjectRule(subject.name, other, best, verdict))
    return best, rules


def decide_subject(
    best: Floats, other: Floats, policy: Policy, price: float, other_price: float
) -> Verdict:
    """The engine on one subject: the item is the unit, the price stands for the length."""
    pairs = [
        Pair("subject", f"{number:06d}", 0, float(one), float(two))
        for number, (one, two) in enumerate(zip(best, other, strict=True))
    ]
    lengths = Lengths(baseline=round(price * _UNIT), candidate=round(other_price * _UNIT))
    return decide(pairs, policy, Evidence(lengths=lengths))


def measure_gain(
    subjects: Sequence[ImportedSubject],
    prices: Sequence[float],
    policy: Policy,
    *,
    rng: np.random.Generator,
    splits: int = SPLITS,
) -> RoutedGain:
    """Learn on a random half and test on the other, so many times."""
    gains, saved, counts = [], [], []
    usable = [one for one in subjects if one.is_valid]
    for _ in range(splits):
        orders = {one.name: rng.permutation(len(one.items)) for one in usable}
        learn = {name: order[: len(order) // 2] for name, order in orders.items()}
        best, rules = learn_rules(usable, learn, prices, policy)
        chosen = {rule.subject: rule.model for rule in rules}
        right = single = cost = 0.0
        items = 0
        for one in usable:
            test = one.correct[orders[one.name][len(one.items) // 2 :]]
            model = chosen.get(one.name, best)
            right += float(test[:, model].sum())
            single += float(test[:, best].sum())
            cost += len(test) * prices[model]
            items += len(test)
        gains.append((right - single) / items)
        whole = items * prices[best]
        saved.append(1 - cost / whole if whole else 0.0)
        counts.append(len(rules))
    return RoutedGain(_corrected(gains), _corrected(saved), float(np.mean(counts)))


def _corrected(values: Sequence[float]) -> SplitGain:
    """Nadeau and Bengio's (2003) corrected interval: splits of one data set overlap."""
    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return SplitGain(mean, mean, mean)
    spread = float(np.sqrt((1 / count + 1.0) * np.var(values, ddof=1)))
    reach = float(student.ppf(0.975, count - 1)) * spread
    return SplitGain(mean, mean - reach, mean + reach)
