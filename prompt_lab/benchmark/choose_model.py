"""The cheapest model that is non-inferior on a phase, by the decision engine."""

from collections.abc import Mapping, Sequence

from prompt_lab.decide.verdict import Code, Evidence, Lengths, Outcome, Pair, Policy, decide

MARGIN = 0.05
"""A cheaper model may be shown to lose less than this."""
_UNIT = 1_000_000_000
"""Prices are compared as whole numbers of 1e-9 dollars."""
POLICY = Policy(
    name="routing",
    mode="fixed",
    verify="off",
    max_plans=100_000,
    model_margin=None,
    validity_margin=None,
    simpler_margin=MARGIN,
)


def is_non_inferior(
    best: Mapping[str, Sequence[bool]], cheaper: Mapping[str, Sequence[bool]], *, cost: float
) -> bool:
    """Whether the engine says YES to the cheaper model: better, or no worse by the margin.

    `cost` is the cheaper one's price as a share of the best one's.
    """
    pairs = [
        Pair("phase", plan, 0, sum(best[plan]) / len(best[plan]), sum(other) / len(other))
        for plan, other in cheaper.items()
        if best.get(plan) and other
    ]
    lengths = Lengths(baseline=_UNIT, candidate=max(0, round(cost * _UNIT)))
    verdict = decide(pairs, POLICY, Evidence(lengths=lengths))
    known = {Code.BETTER, Code.SIMPLER}
    return verdict.outcome is Outcome.YES and any(r.code in known for r in verdict.reasons)


def choose_fallback(
    rivals: Mapping[str, Mapping[str, Sequence[bool]]],
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
    price = prices.get(best, 0.0)
    for name in sorted(accuracy, key=lambda one: (prices.get(one, 0.0), one)):
        cheaper = prices.get(name, 0.0)
        if name == best or price <= 0 or cheaper >= price:
            continue
        if is_non_inferior(rivals[best], rivals[name], cost=cheaper / price):
            return name, f"the cheapest that is no worse than {best} by {MARGIN:.0%}"
    return best, "the most accurate on this phase"


def _mean(answers: Mapping[str, Sequence[bool]]) -> float:
    total = sum(map(len, answers.values()))
    return sum(map(sum, answers.values())) / total if total else 0.0
