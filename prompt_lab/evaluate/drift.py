"""Whether a reused baseline still holds: a sample of its runs, made again, against what was kept.

An exact two-sided sign-flip test (Fisher's randomisation test) on the paired differences: where
nothing has drifted each difference is as likely d as -d, whatever its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from prompt_lab.decide.verdict import Policy, Verdict
from prompt_lab.names import Outcome
from prompt_lab.records import VERSION, Record

STEPS = 1000
"""Lattice steps per point of score; rounding keeps the symmetry, so the level stays exact."""
CELLS = 200_000
"""Most lattice points of the distribution; more pairs get a coarser lattice."""


@dataclass(frozen=True)
class DriftResult:
    """What the test found. `shift` is mean now minus mean then, in [-1, 1]."""

    pairs: int
    moved: int
    """Pairs that differ at all."""
    mean_then: float
    mean_now: float
    p_value: float
    alpha: float

    @property
    def shift(self) -> float:
        """Mean now minus mean then."""
        return self.mean_now - self.mean_then

    @property
    def drifted(self) -> bool:
        """Whether the baseline no longer holds, at level alpha."""
        return self.p_value <= self.alpha

    @property
    def can_tell(self) -> bool:
        """Whether any outcome of so many pairs could be called a drift at this alpha."""
        return 2.0 ** (1 - self.pairs) <= self.alpha if self.pairs else False

    @property
    def text(self) -> str:
        """The numbers in one line.

        >>> drifted([1.0] * 8, [0.0] * 8).text
        '1.00 then, 0.00 now (-100.0 points over 8 pairs, 8 of which moved; p = 0.0078)'
        """
        return (
            f"{self.mean_then:.2f} then, {self.mean_now:.2f} now ({self.shift * 100:+.1f} points "
            f"over {self.pairs} pairs, {self.moved} of which moved; p = {self.p_value:.2g})"
        )


def drifted(then: Sequence[float], now: Sequence[float], alpha: float = 0.01) -> DriftResult:
    """Test the scores of the same runs, then and now, in the same order: one per plan.

    Raises ValueError for lists of unequal length, or a score outside [0, 1]. No pairs: no drift.
    """
    if len(then) != len(now):
        raise ValueError(f"{len(then)} scores then, but {len(now)} now")
    if not all(0 <= score <= 1 for score in (*then, *now)):
        raise ValueError("a score lies outside [0, 1]")
    pairs = len(then)
    steps = max(1, min(STEPS, CELLS // max(1, pairs)))
    moves = [round((b - a) * steps) for a, b in zip(then, now, strict=True)]
    return DriftResult(
        pairs=pairs,
        moved=sum(a != b for a, b in zip(then, now, strict=True)),
        mean_then=sum(then) / pairs if pairs else 0.0,
        mean_now=sum(now) / pairs if pairs else 0.0,
        p_value=_sign_flip(moves),
        alpha=alpha,
    )


def _sign_flip(moves: Sequence[int]) -> float:
    """P(|sum| >= |observed sum|) over all ways to flip the signs, followed exactly."""
    unit = gcd(*moves)
    if not unit:
        return 1.0
    sizes = [abs(move) // unit for move in moves if move]
    # The sum is 2 * raised - total, where each size is raised with the chance of a coin.
    chance = np.zeros(sum(sizes) + 1)
    chance[0] = 1.0
    reach = 0
    for size in sizes:
        chance[size : reach + size + 1] = chance[size : reach + size + 1] + chance[: reach + 1]
        reach += size
        chance[: reach + 1] /= 2
    sums = 2 * np.arange(len(chance)) - len(chance) + 1
    observed = abs(sum(moves)) // unit
    return float(min(1.0, chance[np.abs(sums) >= observed].sum()))


ALPHA = 0.05


class SinceRecord(Record):
    """One comparison. Gains do not add up: `added` is what the merged verdicts claim in sum."""

    version: int = VERSION
    first: str
    """Commit of the target that the first iteration began from."""
    now: str
    """Commit that the last merge made."""
    merges: int
    added: float
    """Sum of the effects of all merged changes, as shares of 1."""
    verdict: Verdict

    @property
    def text(self) -> str:
        """The finding in one or two sentences, with what to do where no gain is shown."""
        found = self.verdict
        merges = "1 merge that claims" if self.merges == 1 else f"{self.merges} merges that claim"
        of = f"{merges} {self.added * 100:+.1f} points in sum"
        if found.effect is None or found.interval is None:
            return f"Since the start, {of}: cannot be compared. {found.reasons[0].text}"
        low, high = found.interval.low * 100, found.interval.high * 100
        shown = (
            f"Since the start, {of}: {found.effect * 100:+.1f} points over {found.n_plans} plans"
            f" (interval {low:+.1f} to {high:+.1f})."
        )
        if found.outcome is Outcome.YES:
            return shown
        return f"{shown} No gain is shown: one of the merges may have to be taken back."


def since_policy(policy: Policy) -> Policy:
    """One look at all the pairs: nothing is merged by it, so it spends no budget."""
    changes = {"mode": "fixed", "alpha": ALPHA, "verify": "off", "simpler_margin": None}
    return policy.model_copy(update=changes)
