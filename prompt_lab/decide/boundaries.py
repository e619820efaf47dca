"""Group-sequential boundaries of a normal walk, by numerical integration.

Armitage, McPherson and Rowe 1969: the density of the walk that crossed nothing yet is carried
from look to look. Used for planning, futility and intervals; the test itself flips signs.
"""

from functools import cache
from math import exp, log, pi, sqrt

import numpy as np

from prompt_lab.decide.normal import above, reached
from prompt_lab.decide.pairs import Floats
from prompt_lab.decide.policy import Policy


def alpha_spent(time: float, policy: Policy) -> float:
    """Alpha spent one-sided by `time`, the share of the planned plans that have been seen.

    Sources: Lan and DeMets 1983; Hwang, Shih and DeCani 1990.
    """
    if time >= 1:
        return policy.alpha
    if policy.spending == "obrien_fleming":
        return float(2 * above(reached(policy.alpha / 2) / sqrt(time)))
    if policy.spending == "pocock":
        return policy.alpha * log(1 + (exp(1) - 1) * time)
    return spend_by_gamma(time, policy.alpha, policy.gamma)


def spend_by_gamma(time: float, alpha: float, gamma: float) -> float:
    """Alpha spent by `time`, at most 1, in the family of Hwang, Shih and DeCani (1990)."""
    if gamma == 0:
        return alpha * time
    return alpha * (1 - exp(-gamma * time)) / (1 - exp(-gamma))


GRID = np.linspace(-9.0, 9.0, 2**12 + 1)  # of the walk whose variance is the time, up to 1
WIDTH = float(GRID[1] - GRID[0])


@cache
def boundaries(times: tuple[float, ...], levels: tuple[float, ...]) -> tuple[float, ...]:
    """One-sided z boundaries: by `times[k]` the chance of a crossing is `levels[k]`."""
    found: list[float] = []
    density, before, used = np.zeros(0), 0.0, 0.0
    for time, level in zip(times, levels, strict=True):
        density = carry(density, time - before)
        point = _upper_point(density, level - used)
        found.append(point / sqrt(time))
        density, before, used = truncate_below(density, point), time, level
    return tuple(found)


def crossing(times: tuple[float, ...], bounds: tuple[float, ...], drift: float = 0.0) -> Floats:
    """The chance of a first crossing at each look, of a walk with mean drift * time."""
    density, before = np.zeros(0), 0.0
    chances: list[float] = []
    for time, bound in zip(times, bounds, strict=True):
        density = carry(density, time - before, drift)
        point = bound * sqrt(time)
        chances.append(_mass_above(density, point))
        density, before = truncate_below(density, point), time
    return np.asarray(chances)


def carry(density: Floats, span: float, drift: float = 0.0) -> Floats:
    """The density after a further span of time; an empty one starts at 0."""
    # A walk with drift leaves the grid's middle by at most a few units, which the grid holds.
    step = np.exp(-((GRID - drift * span) ** 2) / (2 * span)) / sqrt(2 * pi * span)
    return np.asarray(step if not len(density) else _convolved(density, step) * WIDTH)


def _convolved(density: Floats, step: Floats) -> Floats:
    """Their convolution on the grid, by Fourier transforms that are long enough not to wrap."""
    length, middle = 4 * (len(GRID) - 1), len(GRID) // 2
    both = np.fft.rfft(density, length) * np.fft.rfft(step, length)
    return np.asarray(np.fft.irfft(both, length)[middle : middle + len(GRID)])


def _tails(density: Floats) -> Floats:
    """The mass above each grid point, by the trapezoidal rule."""
    parts = (density[1:] + density[:-1]) * (WIDTH / 2)
    return np.append(np.cumsum(parts[::-1])[::-1], 0.0)


def _mass_above(density: Floats, point: float) -> float:
    return float(np.interp(point, GRID, _tails(density)))


def _upper_point(density: Floats, mass: float) -> float:
    tails = np.maximum.accumulate(_tails(density)[::-1])
    if mass <= 0:
        return float(GRID[-1])
    return float(np.interp(mass, tails, GRID[::-1]))


def truncate_below(density: Floats, point: float) -> Floats:
    """The density of what lies below the point; the grid cell that holds it keeps its share."""
    share = np.clip((point - GRID) / WIDTH + 0.5, 0.0, 1.0)
    return np.asarray(density * share)
