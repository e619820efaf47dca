"""Rule 3's looks over many simulated trials at once: the same decisions as `run_looks`, faster.

All trials of a call share their design. The sign-flip walks are followed by batches of Fourier
transforms; a test holds the decisions against those of real trials.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit

from prompt_lab.decide.limits import fewest_plans
from prompt_lab.decide.looks import Design, is_margin_test
from prompt_lab.decide.normal import above, quantile
from prompt_lab.decide.pairs import Floats
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.signflip import EXACT_BELOW

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

FINE = 6  # lattice steps per root mean square value, where values have no common step
CALM = 1.8  # walks that stay within so many standard deviations cross no boundary of a small alpha
REACH = 8.0  # standard deviations of a walk that are followed
CHUNK = 2**21  # lattice points of one batch of walks
TINY = 1e-12


class Endings(NamedTuple):
    """How each trial ended: 'better', and after how many plans."""

    better: Flags
    plans: Ints


def run_many(
    values: Floats, losses: Floats | None, plan: Design, policy: Policy, step: float | None = None
) -> Endings:
    """The looks over plan values of shape (trial, plan), none missing, in trial order.

    `step` is a common step of all values, as 1 / cells for 0/1 scores; None: a fine lattice.
    `losses` as in `run_looks`. Valid for alpha of at most 0.03.
    """
    counts = plan.counts
    means = np.array([values[:, :count].mean(axis=1) for count in counts])
    spreads = np.array([_deviations(values[:, :count]) for count in counts])
    if is_margin_test(policy):
        up, down = _margin_crossings(means, spreads, plan, policy)
    else:
        up, down = _walk_crossings(values, plan, step)
    counted = _exceeds_unseen(means, losses, counts, policy)
    if losses is not None and policy.unseen_loss_guard:
        counted &= _reaches_despite_skew(values, means, spreads, plan, policy)
    ended, better = np.zeros(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
    plans = np.full(len(values), plan.plans)
    for look, count in enumerate(counts):
        won = ~ended & up[look] & counted[look]
        over = won | (~ended & ~up[look] & down[look])
        if count < plan.plans:
            idle = _hopeless(means[look], spreads[look], values[:, 0], count, plan, policy)
            over |= ~ended & ~up[look] & idle
        better |= won
        plans[over & ~ended] = count
        ended |= over
    return Endings(better, plans)


def _deviations(values: Floats) -> Floats:
    found = values.std(axis=1, ddof=1) if values.shape[1] > 1 else np.zeros(len(values))
    return np.where(found > 1e-9, found, 0.0)


def margin_p_values(values: Floats, margin: float) -> Floats:
    """`screening.margin_p_value` of each row of values, shape (world, plan)."""
    worlds, plans = values.shape
    if plans < 2:
        return np.ones(worlds)
    excess, spread = values.mean(axis=1) + margin, values.std(axis=1, ddof=1)
    flat = spread <= 1e-9  # below it is the rounding of equal values
    certain = np.where(excess > 0, np.inf, np.where(excess < 0, -np.inf, 0.0))
    scores = np.where(flat, certain, excess * np.sqrt(plans) / np.where(flat, 1.0, spread))
    return np.asarray(stdtr(plans - 1, -scores))


def _margin_crossings(
    means: Floats, spreads: Floats, plan: Design, policy: Policy
) -> tuple[Flags, Flags]:
    counts = np.array(plan.counts, dtype=float)[:, None]
    reach = np.array(
        [
            -stdtrit(max(count - 1, 1), above(bound))
            for count, bound in zip(plan.counts, plan.bounds, strict=True)
        ]
    )[:, None]
    excess = means + policy.harm_margin
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.nan_to_num(excess * np.sqrt(counts) / spreads, posinf=np.inf, neginf=-np.inf)
    enough = counts >= max(2, fewest_plans(policy.alpha))
    up = (score >= reach) & enough & (means >= policy.least_estimate - TINY)
    return up, -score >= reach


def _exceeds_unseen(
    means: Floats, losses: Floats | None, counts: tuple[int, ...], policy: Policy
) -> Flags:
    if losses is None or not policy.unseen_loss_guard:
        return np.ones(means.shape, dtype=bool)
    lost = np.array([losses[:, :count].mean(axis=1) for count in counts])
    share = np.minimum(1.0, -np.log(policy.alpha) / np.array(counts, dtype=float))[:, None]
    return np.asarray((share * lost == 0) | (means + policy.harm_margin > share * lost))


def _reaches_despite_skew(
    values: Floats, means: Floats, spreads: Floats, plan: Design, policy: Policy
) -> Flags:
    """`skew_corrected` of each trial and look, against the look's boundary."""
    found = np.ones(means.shape, dtype=bool)
    for look, (count, bound) in enumerate(zip(plan.counts, plan.bounds, strict=True)):
        mean, spread = means[look] + policy.harm_margin, spreads[look]
        third = ((values[:, :count] - means[look][:, None]) ** 3).mean(axis=1)
        third = np.minimum(third, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = mean + third / (6 * spread**2 * count) + third * mean**2 / (3 * spread**4)
            found[look] = (spread == 0) | (moved * np.sqrt(count) / spread >= bound)
    return found


def _hopeless(
    means: Floats, spreads: Floats, first: Floats, count: int, plan: Design, policy: Policy
) -> Flags:
    """Whether the chance left of a last crossing is below the policy's futility."""
    margin = policy.harm_margin if is_margin_test(policy) else 0.0
    visible = (plan.bounds[-1] + quantile(policy.power)) * spreads / np.sqrt(plan.plans) - margin
    gain = np.maximum(policy.smallest_effect, visible) + margin
    left = plan.plans - count
    ahead = (means + margin) * count + left * gain
    goal = plan.bounds[-1] * spreads * np.sqrt(plan.plans)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = ndtr(-(goal - ahead) / (spreads * np.sqrt(left)))
    chance = np.where(spreads == 0, (first + margin > 0).astype(float), chance)
    return np.asarray(chance < policy.futility)


def _walk_crossings(values: Floats, plan: Design, step: float | None) -> tuple[Flags, Flags]:
    """At each look, shape (look, trial): whether a sign-flip walk is above or below its bound."""
    shape = (len(plan.counts), len(values))
    up, down = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    rms = np.sqrt((values**2).mean(axis=1))
    unit = np.full(len(values), step) if step else np.where(rms > 0, rms, 1.0) / FINE
    moves = np.rint(values / unit[:, None]).astype(np.int64)
    moves[rms == 0] = 0
    sums, squares = np.cumsum(moves, axis=1), np.cumsum(moves**2, axis=1)
    at = np.array(plan.counts) - 1
    scores = np.abs(sums[:, at]) / np.sqrt(np.maximum(squares[:, at], 1))
    moving = np.flatnonzero(scores.max(axis=1) >= CALM)
    if not len(moving):
        return up, down
    # Walks of like length share a batch, so that few long ones do not make all of them long.
    reach = np.minimum(
        np.abs(moves).sum(axis=1), REACH * np.sqrt(squares[:, -1]) + np.abs(moves).max(axis=1)
    )
    sizes = 1 << np.ceil(np.log2(2 * reach[moving] + 3)).astype(int)
    for size in np.unique(sizes):
        rows = moving[sizes == size]
        for part in np.array_split(rows, max(1, len(rows) * int(size) // CHUNK)):
            up[:, part], down[:, part] = _follow(moves[part], plan, int(size))
    return up, down


def _follow(moves: Ints, plan: Design, size: int) -> tuple[Flags, Flags]:
    """Walks of whole steps on a circle of `size` points, all looks; zero is the middle."""
    rows, middle = len(moves), size // 2
    up = np.zeros((len(plan.counts), rows), dtype=bool)
    down = up.copy()
    turn = _log_cosines(int(np.abs(moves).max()), size)
    spent, spectrum, before = np.zeros(rows), np.ones((rows, middle + 1)), 0
    shifted = (-1.0) ** np.arange(middle + 1)  # puts zero into the middle
    density = np.zeros((rows, size))
    for look, (count, level) in enumerate(zip(plan.counts, plan.levels, strict=True)):
        factor = _characteristic(np.abs(moves[:, before:count]), turn)
        start = spectrum * shifted if look == 0 else np.fft.rfft(density, axis=1)
        density = np.maximum(np.fft.irfft(start * factor, size, axis=1), 0.0)
        tail = np.cumsum(density[:, ::-1], axis=1)[:, ::-1]
        allowed = tail <= (level - spent)[:, None] + TINY
        first = np.where(allowed.any(axis=1), allowed.argmax(axis=1), size)
        position = moves[:, :count].sum(axis=1)
        up[look] = np.clip(position + middle, 0, size - 1) >= first
        down[look] = np.clip(middle - position, 0, size - 1) >= first
        gone = np.take_along_axis(tail, np.minimum(first, size - 1)[:, None], axis=1)[:, 0]
        spent = spent + np.where(first < size, gone, 0.0)
        density[np.arange(size)[None, :] >= first[:, None]] = 0.0
        before = count
    return up, down


def _log_cosines(largest: int, size: int) -> tuple[Floats, Floats]:
    """Of cos(2 pi a j / size), for steps a = 0..largest: the log of its size, whether below 0."""
    angles = np.outer(np.arange(largest + 1), np.arange(size // 2 + 1)) & (size - 1)
    table = np.cos(2 * np.pi * np.arange(size) / size)[angles]
    return np.log(np.maximum(np.abs(table), 1e-200)), (table < 0).astype(float)


def _characteristic(steps: Ints, turn: tuple[Floats, Floats]) -> Floats:
    """The product of the cosines over the steps of each walk, shape (walk, frequency)."""
    kinds = turn[0].shape[0]
    flat = steps + kinds * np.arange(len(steps))[:, None]
    counts = (
        np.bincount(flat.ravel(), minlength=kinds * len(steps)).reshape(-1, kinds).astype(float)
    )
    used = np.flatnonzero(counts[:, 1:].any(axis=0)) + 1
    logs, below = (part[used] for part in turn)
    signs = 1.0 - 2.0 * np.mod(np.rint(counts[:, used] @ below), 2.0)
    return np.asarray(np.exp(counts[:, used] @ logs) * signs)


def screening_p_values(values: Floats, step: float | None = None) -> Floats:
    """`screening_p_value` of each row of plan values, shape (trial, plan)."""
    rms = np.sqrt((values**2).mean(axis=1))
    unit = np.full(len(values), step) if step else np.where(rms > 0, rms, 1.0) / FINE
    moves = np.rint(values / unit[:, None]).astype(np.int64)
    found = np.ones(len(values))
    size = 1 << int(2 * np.abs(moves).sum(axis=1).max() + 2).bit_length()
    turn, middle = _log_cosines(int(np.abs(moves).max()), size), size // 2
    for rows in np.array_split(np.arange(len(values)), max(1, len(values) * size // CHUNK)):
        spectrum = _characteristic(np.abs(moves[rows]), turn) * (-1.0) ** np.arange(middle + 1)
        density = np.maximum(np.fft.irfft(spectrum, size, axis=1), 0.0)
        tail = np.cumsum(density[:, ::-1], axis=1)[:, ::-1]
        at = (moves[rows].sum(axis=1) + middle)[:, None]
        tie = np.take_along_axis(density, at, axis=1)[:, 0]
        half = np.where((moves[rows] != 0).sum(axis=1) >= EXACT_BELOW, tie / 2, 0.0)
        found[rows] = np.take_along_axis(tail, at, axis=1)[:, 0] - half
    return np.minimum(found, 1.0)
