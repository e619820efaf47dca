"""The sign-flip test of plan values, its distribution computed exactly on a lattice.

Where a candidate changes nothing, each plan's value is as likely v as -v, so given the sizes of
the values the sum is a walk of fair coin flips (Fisher's randomisation test). The values are
rounded to a lattice; the walk of the rounded values is then followed exactly, without drawing
random numbers, by the product of its characteristic functions. Rounding keeps the symmetry, so
the level is exact; it costs less than 1 % of the values' spread.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from prompt_lab.decide.pairs import Floats

Ints = NDArray[np.int64]

EXACT_BELOW = 20  # plans that differ; from here on half of the tie's chance counts (mid-p)
REACH = 8.5  # standard deviations kept; Hoeffding leaves less than 1e-15 outside
FINE = 32  # lattice steps per root mean square value
TINY = 1e-12  # rounding of the transform


class Walk(NamedTuple):
    """The walk so far: density over lattice points (centre = 0) of what crossed no boundary."""

    unit: float
    density: Floats
    total: int
    square: int
    moved: int
    position: int
    spent: float


class Step(NamedTuple):
    """One look: the walk after it, the p-values by stages, and whether a boundary was crossed."""

    walk: Walk
    p_better: float
    p_worse: float
    better: bool
    worse: bool


START = Walk(1.0, np.ones(1), 0, 0, 0, 0, 0.0)


def advance(walk: Walk, values: Floats, level: float) -> Step:
    """Take the values of the next plans and look, with `level` of alpha spent up to this look.

    The boundary is the lowest sum at which the chance of having crossed by now stays within the
    level, all flips of all plans so far counted; alpha that a coarse lattice left is carried on.
    """
    if walk.total == 0:  # nothing has moved yet: the lattice is still free to choose
        walk = walk._replace(unit=_unit(values))
    moves = np.rint(values / walk.unit).astype(np.int64)
    sizes = np.abs(moves[moves != 0])
    walk = _spread(walk, sizes, int(moves.sum()))
    tail = np.cumsum(walk.density[::-1])[::-1]
    chance = tail - walk.density / 2 if walk.moved >= EXACT_BELOW else tail
    allowed = np.flatnonzero(chance <= level - walk.spent + TINY)
    first = int(allowed[0]) if len(allowed) else len(tail)
    up, down = (_percentile_index(sign * walk.position, len(tail)) for sign in (1, -1))
    rest = walk.density.copy()
    rest[first:] = 0.0
    gone = float(tail[first]) if first < len(tail) else 0.0
    after = walk._replace(density=rest, spent=walk.spent + gone)
    p_up, p_down = (min(1.0, walk.spent + max(0.0, float(chance[i]))) for i in (up, down))
    return Step(after, p_up, p_down, up >= first, down >= first)


def p_values(values: Floats) -> tuple[float, float]:
    """One-sided p-values (better, worse) of one look at all values."""
    step = advance(START, values, 0.0)
    return step.p_better, step.p_worse


def _spread(walk: Walk, sizes: Ints, shift: int) -> Walk:
    total, square = walk.total + int(sizes.sum()), walk.square + int((sizes**2).sum())
    half = min(total, int(REACH * np.sqrt(square)) + 1 + int(sizes.max(initial=0)))
    size = max(len(walk.density), 1 << int(2 * half + 1).bit_length())
    density = np.zeros(size)
    low = size // 2 - len(walk.density) // 2
    density[low : low + len(walk.density)] = walk.density
    change = np.fft.rfft(np.fft.ifftshift(density)) * _characteristic(sizes, size)
    density = np.maximum(np.fft.fftshift(np.fft.irfft(change, size)), 0.0)
    return walk._replace(
        density=density,
        total=total,
        square=square,
        moved=walk.moved + len(sizes),
        position=walk.position + shift,
    )


def _characteristic(sizes: Ints, size: int) -> Floats:
    """The product of cos(2 pi a j / size) over the step sizes a, at the frequencies j of rfft."""
    table = np.cos(2 * np.pi * np.arange(size) / size)
    turns = np.arange(size // 2 + 1)
    product = np.ones(size // 2 + 1)
    for step, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        product *= table[(step * turns) & (size - 1)] ** count
    return product


def _percentile_index(position: int, size: int) -> int:
    return min(max(position + size // 2, 0), size - 1)


def _unit(values: Floats) -> float:
    """A lattice step: the values' own common step where they have one, else a fine one."""
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return 1.0
    rms = float(np.sqrt((sizes**2).mean()))
    largest = int(FINE / rms) + 1  # a finer lattice than this buys nothing
    parts = np.arange(1, max(2, largest))
    scaled = np.outer(parts, sizes)
    whole = np.abs(scaled - np.rint(scaled)).max(axis=1) < 1e-7
    return 1.0 / float(parts[int(np.argmax(whole))]) if whole.any() else rms / FINE
