"""Tails and quantiles of the normal and Student's t distribution.

From scipy.special: scipy.stats has the same numbers, but to import it takes longer than a verdict.
"""

from scipy.special import ndtr, ndtri, stdtr, stdtrit


def above(z: float) -> float:
    """P(Z > z).

    >>> round(above(1.6448536269514722), 6)
    0.05
    """
    return float(ndtr(-z))


def quantile(share: float) -> float:
    """The z below which this share lies.

    >>> round(quantile(0.8), 4)
    0.8416
    """
    return float(ndtri(share))


def reached(level: float) -> float:
    """The z that is exceeded with this probability.

    >>> round(reached(0.05), 4)
    1.6449
    """
    return -float(ndtri(level))


def t_reached(level: float, freedom: float) -> float:
    """The same for Student's t with so many degrees of freedom.

    >>> round(t_reached(0.05, 19), 4)
    1.7291
    """
    return -float(stdtrit(freedom, level))


def t_above(score: float, freedom: float) -> float:
    """P(T > score) of Student's t.

    >>> round(t_above(1.7291328115213678, 19), 6)
    0.05
    """
    return float(stdtr(freedom, -score))
