"""Fisher's exact test, one-sided. scipy.stats has it too, but takes seconds to import."""

from fractions import Fraction
from math import comb


def fisher_greater(first: tuple[int, int], second: tuple[int, int]) -> float:
    """The chance of so many successes of the first, or more, if both have the same rate.

    Each is (successes, failures). Source: Fisher 1935, by the hypergeometric distribution.

    >>> round(fisher_greater((7, 0), (5, 2)), 3)
    0.231
    """
    drawn, wins = sum(first), first[0] + second[0]
    total = drawn + sum(second)
    most = min(drawn, wins)
    ways = sum(comb(wins, k) * comb(total - wins, drawn - k) for k in range(first[0], most + 1))
    return float(Fraction(ways, comb(total, drawn)))
