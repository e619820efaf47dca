"""The cheapest model that is non-inferior on a phase, by the decision engine."""

from collections.abc import Mapping, Sequence

from prompt_lab.benchmark.policies import cheaper_policy
from prompt_lab.decide.verdict import Amounts, Evidence, Outcome, Pair, decide

MARGIN = 0.05
"""A cheaper model may be shown to lose less than this."""
ALPHA = 0.05
Answers = Mapping[str, Sequence[bool]]
"""suite/plan -> passes of its repeats."""


def is_non_inferior(
    best: Answers, cheaper: Answers, prices: tuple[float, float], *, alpha: float = ALPHA
) -> bool:
    """Whether the engine says YES to the cheaper model: it loses less than MARGIN.

    The plan is the unit. `prices` are dollars per call, of the best one and of the cheaper one.
    """
    pairs = [
        Pair("phase", plan, 0, sum(best[plan]) / len(best[plan]), sum(other) / len(other))
        for plan, other in cheaper.items()
        if best.get(plan) and other
    ]
    cost = Amounts(baseline=prices[:1], candidate=prices[1:])
    policy = cheaper_policy("routing", alpha, MARGIN)
    return decide(pairs, policy, Evidence(cost=cost)).outcome is Outcome.YES


def choose_cheapest(
    best: str, rivals: Mapping[str, Answers], prices: Mapping[str, float]
) -> str | None:
    """The cheapest model that is shown to lose less than MARGIN to `best`; None where none is.

    All cheaper ones share ALPHA, so that asking many of them does not make a false one likelier.
    """
    price = prices.get(best, 0.0)
    cheaper = [name for name in rivals if name != best and prices.get(name, 0.0) < price]
    for name in sorted(cheaper, key=lambda one: (prices.get(one, 0.0), one)):
        cost = (price, prices.get(name, 0.0))
        if is_non_inferior(rivals[best], rivals[name], cost, alpha=ALPHA / len(cheaper)):
            return name
    return None


def choose_fallback(
    rivals: Mapping[str, Answers],
    prices: Mapping[str, float],
    *,
    configured: Sequence[str] = (),
) -> tuple[str, str]:
    """A model's name and why it was chosen; ('', why) where none passes.

    The configured one comes first; then the cheapest that is non-inferior to the most accurate.
    """
    if configured:
        return configured[0], "the configured fallback"
    accuracy = {name: _mean(answers) for name, answers in rivals.items() if _mean(answers) > 0}
    if not accuracy:
        return "", "no other model passes this phase"
    best = max(accuracy, key=lambda name: (accuracy[name], -prices.get(name, 0.0), name))
    name = choose_cheapest(best, {one: rivals[one] for one in accuracy}, prices)
    if name is not None:
        return name, f"the cheapest that is shown to lose less than {MARGIN:.0%} to {best}"
    return best, "the most accurate on this phase"


def _mean(answers: Answers) -> float:
    total = sum(map(len, answers.values()))
    return sum(map(sum, answers.values())) / total if total else 0.0
