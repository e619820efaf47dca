"""How long one verdict takes: 1,000 plans, 5 models and 2 replicates are 10,000 pairs.

`python -m tests.bench.decide` prints the median of five, and its ratio to one of 1,000 pairs.
"""

import time
from statistics import median

from prompt_lab.decide.verdict import Policy, decide
from tests.prompt_lab.decide.making import coin_pairs

ROUNDS = 5


def main() -> None:
    """Measure and print."""
    few, many = _seconds(100), _seconds(1000)
    print(f"a verdict on 10,000 pairs: {many:.2f} s, {many / few:.1f} times one on 1,000")


def _seconds(plans: int) -> float:
    pairs = coin_pairs(plans, 0.02, models=5, replicates=2)
    found = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        decide(pairs, Policy())
        found.append(time.perf_counter() - begun)
    return median(found)


if __name__ == "__main__":
    main()
