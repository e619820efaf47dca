"""The decision rules of benchmarks: one look at all units, by the newest version of the engine.

The engine's `verify` is off in all of them: a benchmark's plans are train plans, and what the test
sees was not looked at before.
"""

from typing import Any

from prompt_lab.decide.policy import LedgerRule
from prompt_lab.decide.verdict import RULE, Policy

MOST_UNITS = 100_000


def better_policy(name: str, alpha: float = 0.05, **more: Any) -> Policy:
    """Shown better, by the exact sign-flip test."""
    return _policy(name, alpha, **more)


def cheaper_policy(name: str, alpha: float, margin: float) -> Policy:
    """Cheaper, and shown to lose less than `margin` (in [0, 1])."""
    return _policy(
        name,
        alpha,
        test="margin_t",
        harm_margin=margin,
        least_estimate=-margin,
        saving="cost",
        cost_ratio=1.0,
    )


def _policy(name: str, alpha: float, **more: Any) -> Policy:
    usual: dict[str, Any] = {"model_margin": None, "validity_margin": None, "simpler_margin": None}
    return Policy(
        name=name,
        mode="fixed",
        verify="off",
        alpha=alpha,
        max_plans=MOST_UNITS,
        rule_version=RULE,
        ledger=LedgerRule(control="fixed"),
        **{**usual, **more},
    )
