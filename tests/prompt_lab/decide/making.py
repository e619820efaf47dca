"""Pairs and verdicts for the tests of the decision engine, and of what reads its verdicts."""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from prompt_lab.decide.pairs import Pair
from prompt_lab.decide.verdict import Code, Outcome, Reason, Verdict


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


def verdict_of(outcome: Outcome, *codes: Code, **changed: Any) -> Verdict:
    """A verdict of two plans for these reasons."""
    made = Verdict(
        outcome=outcome,
        reasons=tuple(Reason(code=code, text=code.value) for code in codes),
        effect=0.1,
        interval=None,
        effect_size=None,
        p_value=None,
        n_plans=2,
        n_pairs=4,
        calls=8,
        calls_planned=8,
        look=1,
        looks=1,
        alpha=0.05,
        method="sign-flip",
        seed=1,
        fingerprint="f",
    )
    return made.model_copy(update=changed)


def losing_pairs(plans: int = 24) -> list[Pair]:
    """Two models: one gains what the other one loses, so that a small trend is left over both."""
    random = Random(4)
    return [
        Pair(model, f"plan {i:03d}", 0, base, base + gain + random.choice((-0.06, 0.0, 0.06)))
        for i in range(plans)
        for model, base, gain in (("strong", 0.3, 0.36), ("weak", 0.53, -0.32))
    ]
