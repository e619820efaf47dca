"""Limits of a share and of the difference of two, by the score interval."""

from math import sqrt
from typing import NamedTuple


class MeasuredShare(NamedTuple):
    """A share in [0, 1] of `total` independent observations, which need not be a whole number."""

    share: float
    total: float

    def limits(self, z: float) -> tuple[float, float]:
        """Each limit at the level of the normal quantile z (Wilson 1927).

        >>> [round(limit, 3) for limit in MeasuredShare(0.5, 100).limits(1.96)]
        [0.404, 0.596]
        """
        share, weight = self.share, z * z / self.total
        middle = (share + weight / 2) / (1 + weight)
        half = z * sqrt(share * (1 - share) / self.total + weight / (4 * self.total)) / (1 + weight)
        return middle - half, middle + half


def limit_difference(first: MeasuredShare, second: MeasuredShare, z: float) -> tuple[float, float]:
    """Limits of the first share minus the second (Newcombe 1998, method 10)."""
    new, old = first.limits(z), second.limits(z)
    a, b = first.share, second.share
    low = a - b - sqrt((a - new[0]) ** 2 + (old[1] - b) ** 2)
    high = a - b + sqrt((new[1] - a) ** 2 + (b - old[0]) ** 2)
    return low, high
