"""Learn which model does which subject on half of the items, and test it on the other half."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from prompt_lab.benchmark.compare_routing import Floats, Ints
from prompt_lab.benchmark.import_results import ImportedSubject
from prompt_lab.benchmark.policies import better_policy, cheaper_policy
from prompt_lab.decide.verdict import Amounts, Evidence, Outcome, Pair, Verdict, decide

SPLITS = 50


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


class RoutingLevel(NamedTuple):
    """The level of one test and the loss that a cheaper model may have, both in [0, 1]."""

    alpha: float
    margin: float


def routing_level(subjects: int, alpha: float = 0.05, margin: float = 0.05) -> RoutingLevel:
    """One test for each subject, alpha shared among all of them (Bonferroni)."""
    return RoutingLevel(alpha / max(subjects, 1), margin)


def learn_rules(
    subjects: Sequence[ImportedSubject],
    halves: Mapping[str, Ints],
    prices: Sequence[float],
    level: RoutingLevel,
) -> tuple[int, list[SubjectRule]]:
    """The best single model, and a rule for each subject where the engine says YES to another.

    YES to a cheaper model means that it loses less than the margin, to another one that it is
    better. The models share a subject's level. INVALID subjects give no rule.
    """
    usable = [one for one in subjects if one.is_valid]
    pooled = np.concatenate([one.correct[halves[one.name]] for one in usable])
    best = int(np.lexsort((np.array(prices), -pooled.mean(axis=0)))[0])
    others = [other for other in range(len(prices)) if other != best]
    each = level._replace(alpha=level.alpha / max(len(others), 1))
    rules: list[SubjectRule] = []
    for subject in usable:
        part = subject.correct[halves[subject.name]]
        for other in sorted(others, key=lambda one: prices[one]):
            cost = (prices[best], prices[other])
            least = -level.margin if cost[1] < cost[0] else 0.0
            if float((part[:, other] - part[:, best]).mean()) <= least:
                continue  # no YES is possible, whatever the level
            verdict = decide_subject(part[:, best], part[:, other], each, cost)
            if verdict.outcome is Outcome.YES:
                rules.append(SubjectRule(subject.name, other, best, verdict))
                break
    return best, rules


def decide_subject(
    best: Floats, other: Floats, level: RoutingLevel, prices: tuple[float, float]
) -> Verdict:
    """The engine on one subject: the item is the unit; `prices` are dollars per item of each."""
    pairs = [
        Pair("subject", f"{number:06d}", 0, float(one), float(two))
        for number, (one, two) in enumerate(zip(best, other, strict=True))
    ]
    if prices[1] >= prices[0]:
        return decide(pairs, better_policy("routing_by_subject", level.alpha))
    cost = Amounts(baseline=prices[:1], candidate=prices[1:])
    policy = cheaper_policy("routing_by_subject", level.alpha, level.margin)
    return decide(pairs, policy, Evidence(cost=cost))


def measure_gain(
    subjects: Sequence[ImportedSubject],
    prices: Sequence[float],
    level: RoutingLevel,
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
        best, rules = learn_rules(usable, learn, prices, level)
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
    reach = float(stdtrit(count - 1, 0.975)) * spread
    return SplitGain(mean, mean - reach, mean + reach)
