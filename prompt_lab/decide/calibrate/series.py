"""The named series of the calibration: many candidates one after another on one set of plans."""

from typing import NamedTuple
from zlib import crc32

import numpy as np

from prompt_lab.decide.calibrate.campaigns import Ledgers, campaign, summarise
from prompt_lab.decide.policy import LedgerRule, Policy


class SeriesLimits(NamedTuple):
    """What a series must show; None: reported only."""

    false_share_at_most: float | None = None
    any_false_at_most: float | None = None
    found_at_least: float | None = None
    excess_at_most: float | None = None


class Series(NamedTuple):
    """So many trials each time, `better` of them truly by `gain`, at places drawn anew."""

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
