import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from prompt_lab.decide.calibrate.campaigns import Ledgers, campaign, summarise
from prompt_lab.decide.calibrate.cells import ALL, NULL, POWER, SKEWED, CalibrationCell
from prompt_lab.decide.calibrate.measure import clopper_pearson, drawn_from, measure
from prompt_lab.decide.calibrate.page import is_full, page, pictures
from prompt_lab.decide.calibrate.results import KINDS, BuildInfo, CellResult, run_cell, size
from prompt_lab.decide.calibrate.series import SERIES, missed, missed_by_series, run_series
from prompt_lab.decide.calibrate.worlds import World, draw
from prompt_lab.decide.pairs import plan_values
from prompt_lab.decide.policy import LedgerRule, Policy
from prompt_lab.errors import UnknownName
from tests.prompt_lab.decide.calibrate.probing import PROBE

GOOD = Ledgers(campaigns=10, with_false=1, merged_true=90, true=100, false_share=0.01,
               false_share_error=0.01, excess=0.0, excess_error=0.005)  # fmt: skip


def test_there_are_24_null_cells_and_no_name_twice() -> None:
    names = [cell.world.name for cell in ALL]
    assert len(NULL) == 24
    assert len(set(names)) == len(names)
    worlds = [cell.world for cell in NULL if isinstance(cell.world, World)]
    assert len(worlds) == 24
    assert all(world.effect == 0 and not world.skewed for world in worlds)


@pytest.mark.parametrize("cell", [NULL[0], NULL[10], NULL[14], NULL[19]], ids=str)
def test_a_cell_keeps_its_limits(cell: CalibrationCell) -> None:
    assert missed(cell, measure(cell, 60, seed=3)) == []


def test_the_same_seed_measures_the_same() -> None:
    assert measure(NULL[3], 30, seed=3) == measure(NULL[3], 30, seed=3)
    assert measure(NULL[3], 30, seed=3) != measure(NULL[3], 30, seed=4)


def test_a_rule_that_keeps_too_much_misses_its_limit() -> None:
    seen = measure(NULL[0], 50, seed=0)
    loose = seen.model_copy(update={"kept": 12, "rate": 12 / 50})
    assert missed(NULL[0], loose) != []


@pytest.mark.parametrize("effect", [0.0, 0.1, -0.05])
@pytest.mark.parametrize("kind", ["binary", "graded"])
def test_the_worlds_have_the_difference_that_they_name(kind: str, effect: float) -> None:
    world = World(name="w", kind=kind, effect=effect, plans=100, models=2, alike=0.5, base=0.5)
    values = plan_values(draw(world, 400, np.random.default_rng(0)).differences)
    assert values.mean() == pytest.approx(effect, abs=0.01)


def test_skewed_worlds_mean_nothing_and_are_skewed() -> None:
    values = plan_values(drawn_from(SKEWED[-1].world, 300, np.random.default_rng(0)).differences)
    assert values.mean() == pytest.approx(0.0, abs=0.005)
    assert ((values / values.std()) ** 3).mean() < -0.5


def test_a_campaign_under_the_ledger_finds_the_gains_and_little_else() -> None:
    policy = Policy(ledger=LedgerRule(iterations=30))
    rng = np.random.default_rng(0)
    seen = summarise([campaign((0.0,) * 27 + (0.3,) * 3, policy, rng) for _ in range(4)])
    assert seen.share_merged > 0.7
    assert seen.false_share < 0.2


def test_the_interval_is_the_exact_one() -> None:
    assert clopper_pearson(7, 200, 0.95) == pytest.approx(
        proportion_confint(7, 200, 0.05, method="beta")
    )


def test_the_page_shows_every_measured_cell_and_every_picture() -> None:
    cells = {c.world.name: measure(c, 20, seed=0) for c in (NULL[0], POWER[0])}
    results = {name: _result(name, measured=seen) for name, seen in cells.items()}
    results[SERIES[0].name] = _result(SERIES[0].name, ledgers=GOOD)
    text = page(results, "make calibrate")
    assert all(f"| {name} |" in text for name in results)
    assert all(f"({name})" in text for name in pictures(results))
    assert "- commit: abc" in text
    assert "Every limit" in text
    assert is_full(text)
    assert not is_full(page(results, "make calibrate QUICK=1"))


def test_the_page_names_the_limits_that_do_not_hold() -> None:
    seen = measure(NULL[0], 50, seed=0).model_copy(update={"kept": 12, "rate": 12 / 50})
    text = page({seen.cell: _result(seen.cell, measured=seen)}, "make calibrate")
    assert "do not hold" in text
    assert "kept 24.00%, at most 5.5% allowed" in text


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"false_share": 0.3}, "30.0% of the merges are false"),
        ({"merged_true": 30}, "only 30% of the true gains"),
        ({"excess": 0.03}, "exceed the truth by 3.0 points"),
    ],
)
def test_a_series_that_errs_misses_its_limit(change: dict[str, float], fault: str) -> None:
    assert missed_by_series(SERIES[0], GOOD) == []
    found = missed_by_series(SERIES[0], GOOD.model_copy(update=change))
    assert len(found) == 1
    assert fault in found[0]


def test_a_series_is_the_same_for_the_same_seed() -> None:
    useless = SERIES[4]
    assert run_series(useless, 2, seed=1) == run_series(useless, 2, seed=1)
    assert run_series(useless, 2, seed=1).true == 0


def test_every_cell_has_a_size_and_quick_is_smaller() -> None:
    assert all(0 < size(n, quick=True) < size(n, quick=False) for n in KINDS)
    assert all(size(cell.world.name, quick=False) == 20_000 for cell in NULL)
    with pytest.raises(UnknownName, match="0/1, 5 plans"):
        run_cell("0/1, 6 plans", PROBE, quick=True, seed=0)


def _result(name: str, **seen: object) -> CellResult:
    made = BuildInfo(engine="e", commit="abc", seed=0, versions={"numpy": "2"})
    return CellResult.model_validate({"name": name, "made": made, "seconds": 1.0, **seen})
