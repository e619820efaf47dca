"""The sign-flip test of plan values, its distribution computed exactly on a lattice.

Where a candidate changes nothing, each plan's value is as likely v as -v, so given the sizes of
the values the sum is a walk of fair coin flips (Fisher's randomisation test). The values are
rounded to a lattice; the walk of the rounded values is then followed exactly, without drawing
random numbers, by the product of its characteristic functions. Rounding keeps the symmetry, so
the level is exact; it costs less than 1 % of the values' spread.

The lattice is chosen again at each look, from the sizes of all values so far, and the walk is
mapped onto it. Sizes and the walk's past tell nothing of the signs to come, and the map is an odd
function of the position, so the level stays exact whatever the lattices are; where all values
have a common step no map rounds. A walk over n moving plans takes at most CELLS * sqrt(n) cells.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from prompt_lab.decide.pairs import Floats, snap_ties
from prompt_lab.decide.policy import TIE, UNNAMED_RULE

Ints = NDArray[np.int64]

EXACT_BELOW = 20  # rules 1 and 2: plans that differ; from here on half of the tie counts (mid-p)
MID_P_UP_TO = 2  # the last rule with it: its exact level exceeds alpha, at 0.005 by half
REACH = 8.5  # standard deviations kept; Hoeffding leaves less than 1e-15 outside
FINE = 32  # lattice steps per root mean square value
CELLS = 2048  # times sqrt(moving plans): no walk takes more lattice cells
WHOLE = 1e-5  # of a step: a value so close to a multiple of it is one
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
    sizes: Floats
    rule: int


class Step(NamedTuple):
    """One look: the walk after it, the p-values by stages, and whether a boundary was crossed."""

    walk: Walk
    p_better: float
    p_worse: float
    better: bool
    worse: bool


def start(rule: int = UNNAMED_RULE) -> Walk:
    """The walk before the first value. `rule` is a policy's `rule_version`."""
    return Walk(1.0, np.ones(1), 0, 0, 0, 0, 0.0, np.zeros(0), rule)


def advance(walk: Walk, values: Floats, level: float) -> Step:
    """Take the values of the next plans and look, with `level` of alpha spent up to this look.

    The boundary is the lowest sum at which the chance of having crossed by now stays within the
    level, all flips of all plans so far counted; alpha that a coarse lattice left is carried on.
    """
    if walk.rule > 1:
        values = snap_ties(values, TIE)
        walk = _fit_lattice(walk, np.abs(values[values != 0]))
    elif walk.total == 0:
        walk = walk._replace(unit=_first_unit(values))
    moves = np.rint(values / walk.unit).astype(np.int64)
    sizes = np.abs(moves[moves != 0])
    walk = _spread(walk, sizes, int(moves.sum()))
    tail = np.cumsum(walk.density[::-1])[::-1]
    chance = tail - walk.density / 2 if is_mid_p(walk.moved, walk.rule) else tail
    allowed = np.flatnonzero(chance <= level - walk.spent + TINY)
    first = int(allowed[0]) if len(allowed) else len(tail)
    up, down = (_percentile_index(sign * walk.position, len(tail)) for sign in (1, -1))
    rest = walk.density.copy()
    rest[first:] = 0.0
    gone = float(tail[first]) if first < len(tail) else 0.0
    after = walk._replace(density=rest, spent=walk.spent + gone)
    p_up, p_down = (min(1.0, walk.spent + max(0.0, float(chance[i]))) for i in (up, down))
    return Step(after, p_up, p_down, up >= first, down >= first)


def is_mid_p(moved: int, rule: int) -> bool:
    """Whether half of the tie's chance counts, for so many plans that differ."""
    return rule <= MID_P_UP_TO and moved >= EXACT_BELOW


def p_values(values: Floats, rule: int = UNNAMED_RULE) -> tuple[float, float]:
    """One-sided p-values (better, worse) of one look at all values."""
    step = advance(start(rule), values, 0.0)
    return step.p_better, step.p_worse


def _spread(walk: Walk, sizes: Ints, shift: int) -> Walk:
    total, square = walk.total + int(sizes.sum()), walk.square + int((sizes**2).sum())
    half = _reach(total, square, int(sizes.max(initial=0)))
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


def _reach(total: int, square: int, largest: int) -> int:
    """How far from 0 a walk of such steps is followed, in lattice points."""
    return min(total, int(REACH * np.sqrt(square)) + 1 + largest)


def _fit_lattice(walk: Walk, fresh: Floats) -> Walk:
    """The walk on the lattice of all values so far; `fresh` are the sizes that come now."""
    sizes = np.concatenate([walk.sizes, fresh])
    unit = _unit(sizes)
    walk = walk._replace(sizes=sizes)
    if walk.total == 0 or unit == walk.unit:
        return walk._replace(unit=unit)
    ratio = walk.unit / unit
    if abs(ratio - round(ratio)) < WHOLE:
        ratio = float(round(ratio))
    known = sizes[: len(sizes) - len(fresh)] / unit
    total, square = int(np.ceil(walk.total * ratio)), int(np.ceil((known**2).sum()))
    limit = _reach(total, square, int(np.ceil(known.max())))
    points = np.arange(len(walk.density)) - len(walk.density) // 2
    moved = np.clip(np.rint(np.append(points, walk.position) * ratio), -limit, limit).astype(int)
    density = np.zeros(1 << int(2 * limit + 1).bit_length())
    np.add.at(density, moved[:-1] + len(density) // 2, walk.density)
    return walk._replace(
        unit=unit, density=density, total=total, square=square, position=int(moved[-1])
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


def _unit(sizes: Floats) -> float:
    """A lattice step: the sizes' own common step where it is not too fine, else a fine one."""
    if not len(sizes):
        return 1.0
    sizes = np.sort(sizes)  # so that the order of the plans changes no digit of the step
    rms, smallest = float(np.sqrt((sizes**2).mean())), float(sizes[0])
    for parts in range(1, int(FINE * smallest / rms * (1 + WHOLE)) + 1):
        step = smallest / parts
        if np.abs(sizes / step - np.rint(sizes / step)).max() < WHOLE:
            return step
    return rms / FINE


def _first_unit(values: Floats) -> float:
    """The lattice step of rule 1, from the first values that move. Kept to replay old verdicts."""
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return 1.0
    rms = float(np.sqrt((sizes**2).mean()))
    largest = int(FINE / rms) + 1  # a finer lattice than this buys nothing
    parts = np.arange(1, max(2, largest))
    scaled = np.outer(parts, sizes)
    whole = np.abs(scaled - np.rint(scaled)).max(axis=1) < 1e-7
    return 1.0 / float(parts[int(np.argmax(whole))]) if whole.any() else rms / FINE
