"""The gate of a phase: block a model whose accuracy is shown to lie below the minimum."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from prompt_lab.benchmark.harness_config import PolicyGates
from prompt_lab.benchmark.interval import AccuracyInterval, clustered_interval

EXTENDED = "extended"


class GateDecision(NamedTuple):
    """What the gate says of one model on one phase."""

    allow: bool
    provisional: bool
    reason: str
    interval: AccuracyInterval


def minimum_accuracy(phase: str, gates: PolicyGates) -> float | None:
    """The gate's threshold, or None where the phase has none."""
    usual = gates.extended_phase_min_accuracy if phase == EXTENDED else None
    return gates.min_accuracy.get(phase, usual)


def decide_gate(
    plans: Mapping[str, Sequence[bool]], phase: str, gates: PolicyGates
) -> GateDecision | None:
    """Decide by the interval's upper end; with too few answers the point decides, provisionally.

    None where the phase has no gate or nothing was answered.
    """
    least, interval = minimum_accuracy(phase, gates), clustered_interval(list(plans.values()))
    if least is None or interval is None:
        return None
    total = sum(map(len, plans.values()))
    seen = (
        f"{interval.accuracy:.1%} over {total} answers (95 % interval {interval.low:.1%} to"
        f" {interval.high:.1%})"
    )
    if total < gates.provisional_below:
        allow = interval.accuracy >= least
        relation = "is not below" if allow else "is below"
        reason = (
            f"provisional, by the point alone: {seen} {relation} the gate {least:.0%};"
            f" {gates.provisional_below} answers decide by the interval"
        )
        return GateDecision(allow, True, reason, interval)
    allow = interval.high >= least
    relation = "is not shown to be below" if allow else "is below"
    return GateDecision(allow, False, f"{seen} {relation} the gate {least:.0%}", interval)
