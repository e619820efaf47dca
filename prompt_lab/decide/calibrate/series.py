"""The named series of the calibration: many candidates one after another on one set of plans."""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

from prompt_lab.decide.calibrate.campaigns import Ledgers, campaign, summarise
from prompt_lab.decide.calibrate.cells import NO_DIFFERENCE, CalibrationCell, Reuse
from prompt_lab.decide.calibrate.measure import Measured, clopper_pearson
from prompt_lab.decide.calibrate.reuse import Reused
from prompt_lab.decide.policy import LedgerRule, Policy


class SeriesLimits(NamedTuple):
    """What a series must show; None: reported only."""

    false_share_at_most: float | None = None
    any_false_at_most: float | None = None
    found_at_least: float | None = None
    excess_at_most: float | None = None


class Series(NamedTuple):
    """So many trials each time, `better` of them truly by `gain`, at places drawn again."""

    name: str
    rule: LedgerRule
    trials: int
    better: int = 0
    gain: float = 0.0
    asked: SeriesLimits = SeriesLimits()
    campaigns: int = 200

    @property
    def policy(self) -> Policy:
        """The default policy with this ledger, over 200 plans."""
        return Policy(ledger=self.rule)


SERIES = (
    Series("100 iterations, 10 truly better by 20 points", LedgerRule(iterations=100), 100, 10, 0.2,
           SeriesLimits(false_share_at_most=0.05, found_at_least=0.7, excess_at_most=0.01)),
    Series("100 iterations, 10 truly better by 10 points", LedgerRule(iterations=100), 100, 10, 0.1,
           SeriesLimits(false_share_at_most=0.05)),
    Series("the same, +20 points, e-LOND", LedgerRule(control="elond"), 100, 10, 0.2,
           SeriesLimits(false_share_at_most=0.05)),
    Series("the same, +20 points, alpha fixed at 5 %", LedgerRule(control="fixed"), 100, 10, 0.2),
    Series("26 useless candidates", LedgerRule(iterations=26), 26,
           asked=SeriesLimits(any_false_at_most=0.05), campaigns=1000),
    Series("26 useless candidates, alpha fixed at 5 %", LedgerRule(control="fixed"), 26),
)  # fmt: skip


def run_series(series: Series, campaigns: int, seed: int) -> Ledgers:
    """So many campaigns of a series; the same seed gives the same result."""
    rng = np.random.default_rng([seed, crc32(series.name.encode())])
    return summarise(
        [campaign(_effects(series, rng), series.policy, rng) for _ in range(campaigns)]
    )


def _effects(series: Series, rng: np.random.Generator) -> tuple[float, ...]:
    effects = np.zeros(series.trials)
    effects[rng.permutation(series.trials)[: series.better]] = series.gain
    return tuple(float(effect) for effect in effects)


ALPHA = 0.05
ENOUGH = 20_000  # worlds, from which on the plain rates must keep within the limits


def missed(cell: CalibrationCell, seen: Measured) -> list[str]:
    """The limits of this cell that its worlds contradict, as sentences.

    A rate contradicts a limit only if its interval excludes it, so that few worlds make an honest
    quick check; with 20,000 the interval is half a point wide, and the plain rates must keep
    within the limit as well. The intervals of a group of null cells
    hold together.
    """
    faults = _kept_too_often(cell, seen.kept, seen.worlds)
    _, high = clopper_pearson(seen.kept, seen.worlds, 0.95)
    many = seen.worlds >= ENOUGH
    _, least, calls = cell.limits
    slack = 0.0 if many else 0.6 / seen.worlds**0.5
    if least is not None and (seen.rate if many else high) < least:
        faults.append(f"kept {seen.rate:.1%}, at least {least:.0%} wanted")
    if calls is not None and seen.calls > calls + slack:
        faults.append(f"took {seen.calls:.0%} of the calls, at most {calls:.0%} wanted")
    return [f"{seen.cell}: {fault}" for fault in faults]


def missed_by_reuse(cell: Reuse, seen: Reused) -> list[str]:
    """The same for a reused baseline: what the rule keeps, not its rivals."""
    faults = _kept_too_often(cell, seen.renewed, seen.worlds)
    return [f"{seen.cell}: {fault}" for fault in faults]


def missed_by_series(series: Series, seen: Ledgers) -> list[str]:
    """The same for a series: by intervals for few campaigns, by the plain shares for all."""
    many = seen.campaigns >= series.campaigns
    any_low, _ = clopper_pearson(seen.with_false, seen.campaigns, 0.95)
    _, found_high = clopper_pearson(seen.merged_true, max(seen.true, 1), 0.95)
    share = seen.false_share - (0.0 if many else 2 * seen.false_share_error)
    asked, faults = series.asked, []
    if asked.false_share_at_most is not None and share > asked.false_share_at_most:
        faults.append(f"{seen.false_share:.1%} of the merges are false")
    if asked.any_false_at_most is not None:
        rate = seen.any_false if many else any_low
        if rate > asked.any_false_at_most:
            faults.append(f"{seen.any_false:.1%} of the campaigns end with a false merge")
    if asked.found_at_least is not None:
        found = seen.share_merged if many else found_high
        if found < asked.found_at_least:
            faults.append(f"only {seen.share_merged:.0%} of the true gains are merged")
    if asked.excess_at_most is not None and seen.excess is not None:
        excess = seen.excess - (0.0 if many else 2 * seen.excess_error)
        if excess > asked.excess_at_most:
            faults.append(f"claims exceed the truth by {seen.excess * 100:.1f} points")
    return [f"{series.name}: {fault}" for fault in faults]


def simultaneous(cells: Sequence[Measured]) -> list[tuple[float, float]]:
    """Intervals of the rates that hold for all these cells together at 95 %."""
    share = 0.05 / max(len(cells), 1)
    return [clopper_pearson(c.kept, c.worlds, 1 - share) for c in cells]


def _kept_too_often(cell: CalibrationCell | Reuse, kept: int, worlds: int) -> list[str]:
    together = next((len(group) for group in NO_DIFFERENCE if cell in group), 0)
    low, _ = clopper_pearson(kept, worlds, 1 - 0.05 / max(together, 1))
    most, rate, faults = cell.limits.kept_at_most, kept / worlds, []
    if most is not None and (rate if worlds >= ENOUGH else low) > most:
        faults.append(f"kept {rate:.2%}, at most {most:.1%} allowed")
    if together and low > ALPHA:
        faults.append(f"kept {rate:.2%}, above {ALPHA:.0%} beyond chance")
    return faults
