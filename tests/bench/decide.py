"""How long one verdict takes and how much memory: of 10,000 pairs, and of scores of any scale.

`python -m tests.bench.decide` prints medians of five and ends with 1 where a limit is passed.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from prompt_lab.decide.verdict import Pair, Policy, Trial, decide
from tests.prompt_lab.decide.making import coin_pairs

ROUNDS = 5
SECONDS = 1.0
MEGABYTES = 200.0
PLANS = 400
SCALES = (1.0, 1e-3, 1e-7, 1e-9, 1e-17)


def main() -> int:
    """Measure and print; 1 where a verdict takes more time or memory than the limits."""
    coins = [coin_pairs(plans, 0.02, models=5, replicates=2) for plans in (100, 1000)]
    few, many = (_seconds(pairs, _decide_once) for pairs in coins)
    print(f"a verdict on 10,000 pairs: {many:.2f} s, {many / few:.1f} times one on 1,000")
    worlds = {f"scores that differ by {scale:g}": _any_scores(scale) for scale in SCALES}
    worlds["each look on a scale of its own"] = [
        pair
        for scale in SCALES
        for pair in _any_scores(scale, f"{scale:g}")[: PLANS // len(SCALES)]
    ]
    within = True
    for name, pairs in worlds.items():
        seconds, megabytes = _seconds(pairs, _decide_both), _megabytes(pairs)
        within = within and seconds < SECONDS and megabytes < MEGABYTES
        print(
            f"decide and a trial of {len(pairs)} plans, {name}: {seconds:.2f} s, {megabytes:.1f} MB"
        )
    print(f"limits: {SECONDS:g} s and {MEGABYTES:g} MB: {'kept' if within else 'NOT kept'}")
    return 0 if within else 1


def _any_scores(scale: float, prefix: str = "") -> list[Pair]:
    rng = np.random.default_rng(1)
    return [
        Pair("m", f"{prefix} plan {i:04d}", 0, 0.5, 0.5 + scale * float(gain) / 2)
        for i, gain in enumerate(rng.uniform(-0.9, 1.0, PLANS))
    ]


def _decide_both(pairs: Sequence[Pair]) -> None:
    """One look at all, and all looks of a trial."""
    policy = Policy(max_plans=len(pairs), futility=0)
    decide(pairs, policy)
    Trial(policy, ["m"], [pair.plan for pair in pairs]).update(pairs)


def _decide_once(pairs: Sequence[Pair]) -> None:
    decide(pairs, Policy())


def _seconds(pairs: Sequence[Pair], work: Callable[[Sequence[Pair]], None]) -> float:
    """Processor time, the median of some rounds."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work(pairs)
        found.append(time.process_time() - begun)
    return median(found)


def _megabytes(pairs: Sequence[Pair]) -> float:
    """The most memory that is in use at once for it, beside what is there before."""
    tracemalloc.start()
    try:
        _decide_both(pairs)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    sys.exit(main())
