"""A drift test for tests: any shift of the mean by half a point of score."""

from collections.abc import Sequence

from prompt_lab.decide.calibrate.reuse import Probe


def half_a_point(then: Sequence[float], now: Sequence[float], alpha: float) -> bool:
    """Whether the mean moved by a half; with alpha 0 never."""
    return alpha > 0 and abs(sum(now) - sum(then)) >= len(then) / 2


PROBE = Probe(share=0.25, fewest=8, alpha=0.01, drifted=half_a_point)
