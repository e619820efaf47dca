import numpy as np
import pytest

from prompt_lab.decide.calibrate.cells import REAL, REAL_NULL, CalibrationCell
from prompt_lab.decide.calibrate.measure import measure
from prompt_lab.decide.calibrate.pool import SOURCES, pool, text_of
from prompt_lab.decide.calibrate.resampled import Resampled, resample
from prompt_lab.decide.calibrate.series import missed
from prompt_lab.decide.pairs import plan_values

SHAPES = {
    "invoices": {"baseline": (60, 5, 2), "candidate": (60, 5, 2)},
    "planexe": {"first": (5, 8, 7), "middle": (5, 4, 7), "last": (5, 7, 7)},
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_plan_of_a_pool_has_every_draw_and_a_source(source: str) -> None:
    assert {side: scores.shape for side, scores in pool(source).items()} == SHAPES[source]
    assert all(((scores >= 0) & (scores <= 1)).all() for scores in pool(source).values())
    assert text_of(source).startswith("# ")


@pytest.mark.parametrize("cell", [*REAL_NULL, *REAL], ids=lambda cell: cell.world.name)
def test_the_worlds_have_the_difference_that_they_name(cell: CalibrationCell) -> None:
    assert isinstance(cell.world, Resampled)
    drawn = resample(cell.world, 40_000 // cell.world.plans, np.random.default_rng(0))
    values = plan_values(drawn.differences)
    assert values.mean() == pytest.approx(cell.world.effect, abs=0.01)
    assert (cell.limits.kept_at_most == 0.055) == (cell.world.effect == 0)


def test_a_plan_is_drawn_whole_and_its_two_runs_are_different_ones() -> None:
    twice = REAL_NULL[0].world
    assert isinstance(twice, Resampled)
    old = pool(twice.source)[twice.old]
    seen = {
        tuple(row)
        for row in resample(twice, 50, np.random.default_rng(0))
        .differences[..., 0]
        .reshape(-1, old.shape[2])
    }
    pairs = [(plan[i] - plan[j]) for plan in old for i in range(5) for j in range(5) if i != j]
    assert seen <= {tuple(pair) for pair in pairs}


def test_the_same_answers_at_temperature_0_never_differ() -> None:
    for side in pool("invoices").values():
        assert (side[:, :, 0] == side[:, :1, 0]).all()
        assert (side[:, :, 1] != side[:, :1, 1]).any()


@pytest.mark.parametrize("cell", [REAL_NULL[2], REAL_NULL[-1]], ids=lambda cell: cell.world.name)
def test_real_scores_keep_the_limit(cell: CalibrationCell) -> None:
    seen = measure(cell, 100, seed=3)
    assert missed(cell, seen) == []
    assert missed(cell, seen.model_copy(update={"kept": 30, "rate": 0.3})) != []
