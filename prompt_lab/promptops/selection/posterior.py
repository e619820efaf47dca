"""Ranks candidates by what is known of them, and says how sure the ranking is. Pure.

Shares of successes have Beta posteriors from a uniform prior, compared by their normal
approximation. The chances of all others to be better than the leader are added up (Bonferroni), so
the confidence is a lower bound. Challengers are drawn in proportion to these chances, as top-two
Thompson sampling does (Russo 2020, "Simple Bayesian algorithms for best-arm identification",
Operations Research 68:1625).
"""

from collections.abc import Mapping, Sequence
from math import erfc, sqrt

from prompt_lab.promptops.selection.records import (
    NO_EVIDENCE,
    Ranking,
    SelectionContext,
    VariantEvidence,
)

LEAST_CALLS = 10
"""Calls of a candidate below which it neither leads nor counts as compared."""
LEAST_CHANCE = 0.8
"""Posterior chance to be better from which a candidate takes the lead from the current text."""


def rank_candidates(
    current: str,
    candidates: Sequence[str],
    evidence: Mapping[str, VariantEvidence],
    context: SelectionContext | None = None,
) -> Ranking:
    """The candidates by posterior mean; `current` leads until another is better by 80 %.

    Ties go to the cheaper, then the faster, then the smaller name, so the order of `candidates`
    does not matter. `current` is never left out by a limit of the context.

    >>> few, many = VariantEvidence(successes=50, failures=50), VariantEvidence(successes=90)
    >>> rank_candidates("a", ["a", "b"], {"a": few, "b": many}).leader
    'b'
    """
    known = {name: evidence.get(name, NO_EVIDENCE) for name in sorted({current, *candidates})}
    left_out = tuple(
        name for name, one in known.items() if name != current and _exceeds(one, context)
    )
    for name in left_out:
        del known[name]
    ready = [n for n, one in known.items() if one.calls >= LEAST_CALLS]
    ordered = sorted(known, key=lambda name: _rank(name, known[name]))
    best = min(ready, key=lambda name: _rank(name, known[name]), default=current)
    leads = best != current and find_chance(known[best], known[current]) >= LEAST_CHANCE
    leader = best if leads else current
    chances = {n: find_chance(known[n], known[leader]) for n in ordered if n != leader}
    unmeasured = sorted((n for n in known if n not in ready), key=lambda n: (known[n].calls, n))
    sure = 0.0 if unmeasured else max(0.0, 1.0 - sum(chances.values()))
    return Ranking(
        (leader, *(n for n in ordered if n != leader)),
        chances,
        sure,
        tuple(n for n in unmeasured if n != leader),
        left_out,
    )


def find_chance(one: VariantEvidence, other: VariantEvidence) -> float:
    """Posterior probability that the first share of successes is the higher one.

    >>> find_chance(VariantEvidence(successes=9), VariantEvidence(successes=9))
    0.5
    """
    spread = sqrt(one.variance + other.variance)
    return erfc((other.mean - one.mean) / spread / sqrt(2)) / 2


def draw_challenger(ranking: Ranking, share: float) -> str:
    """Who is compared with the leader next: one with too few calls, else by chance to be better.

    `share` in [0, 1) decides. '' where there is no other candidate.
    """
    if ranking.unmeasured:
        return ranking.unmeasured[0]
    total = sum(ranking.beats_leader.values())
    rest = share * total
    for name, chance in ranking.beats_leader.items():
        rest -= chance
        if rest < 0:
            return name
    return ranking.order[1] if len(ranking.order) > 1 else ""


def _rank(name: str, one: VariantEvidence) -> tuple[float, float, float, str]:
    unknown = float("inf")
    cost = unknown if one.cost_usd is None else one.cost_usd
    latency = unknown if one.latency_ms is None else one.latency_ms
    return -one.mean, cost, latency, name


def _exceeds(one: VariantEvidence, context: SelectionContext | None) -> bool:
    if context is None:
        return False
    pairs = ((one.latency_ms, context.max_latency_ms), (one.cost_usd, context.max_cost_usd))
    return any(has is not None and most is not None and has > most for has, most in pairs)
