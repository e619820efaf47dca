"""Pairs for the tests of the decision engine."""

from collections.abc import Sequence

import numpy as np

from prompt_lab.decide.pair import Pair


def pairs_of(differences: Sequence[float], model: str = "m", prefix: str = "plan") -> list[Pair]:
    """One pair per difference, about a score of 0.5."""
    return [
        Pair(model, f"{prefix} {i:04d}", 0, 0.5 - d / 2, 0.5 + d / 2)
        for i, d in enumerate(differences)
    ]


def coin_pairs(
    plans: int, gain: float, *, models: int = 1, replicates: int = 1, seed: int = 0
) -> list[Pair]:
    """0/1 scores at a base rate of 0.6, on every model and replicate."""
    rng = np.random.default_rng(seed)
    return [
        Pair(
            f"m{m}", f"plan {i:04d}", r, float(rng.random() < 0.6), float(rng.random() < 0.6 + gain)
        )
        for i in range(plans)
        for m in range(models)
        for r in range(replicates)
    ]
