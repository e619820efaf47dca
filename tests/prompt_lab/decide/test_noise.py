import numpy as np
import pytest

from prompt_lab.decide.noise import Score, noise_floor


def test_patterns_show_what_is_flaky() -> None:
    runs = [1.0, 1.0, 0.0, 0.0, None, 1.0]
    floor = noise_floor(
        [
            *(Score("m", "wavers", i, s) for i, s in enumerate(runs)),
            *(Score("m", "steady", i, 0.9) for i in range(6)),
        ]
    )
    by_plan = {s.plan: s for s in floor.spreads}
    assert (by_plan["wavers"].pattern, by_plan["wavers"].flaky) == ("PPFF-P", True)
    assert (by_plan["steady"].pattern, by_plan["steady"].deviation) == ("PPPPPP", 0.0)
    assert floor.flaky == 1


def test_the_spread_of_plan_values_is_that_of_two_sides_over_the_models() -> None:
    rng = np.random.default_rng(0)
    floor = noise_floor(
        Score(f"m{m}", f"p{p}", r, float(np.clip(rng.normal(0.5, 0.1), 0, 1)))
        for m in range(4)
        for p in range(200)
        for r in range(3)
    )
    assert floor.run_deviation == pytest.approx(0.1, rel=0.05)
    assert floor.plan_deviation == pytest.approx(0.1 * np.sqrt(2 / 4), rel=0.08)


def test_nothing_repeated_is_no_noise_known() -> None:
    assert noise_floor([Score("m", "p", 0, 0.4)]).plan_deviation == 0.0
