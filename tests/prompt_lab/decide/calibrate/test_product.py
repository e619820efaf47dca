"""The cells of rule 3: they are counted as they say, and a rule that errs misses its limit."""

import numpy as np
import pytest

from prompt_lab.decide.calibrate.net_gain import LEDGER_WORLDS, RIVAL, run_campaigns
from prompt_lab.decide.calibrate.product import (
    FALSE_MERGES,
    HARMFUL,
    POWER,
    RESUBMITTED,
    Resubmission,
    count_false,
    count_power,
    count_resubmitted,
    draw_sealed,
)
from prompt_lab.decide.calibrate.product_page import product_faults, product_page
from prompt_lab.decide.calibrate.results import (
    PRODUCT,
    BuildInfo,
    CellFigures,
    CellResult,
    run_product,
    size,
)
from tests.prompt_lab.decide.policies import NAMES, shipped

STRICT = shipped("strict")
POLICIES = {name: shipped(name) for name in NAMES}
SKEWED = {cell.name: cell for cell in FALSE_MERGES if cell.kind == "skewed"}


@pytest.mark.parametrize("cell", [FALSE_MERGES[0], FALSE_MERGES[-1], HARMFUL[3]], ids=str)
def test_a_cell_of_false_merges_keeps_its_limit(cell: object) -> None:
    assert cell in (*FALSE_MERGES, *HARMFUL)
    name = f"{cell.policy}: {cell.name}"
    seen = run_product(name, POLICIES, quick=True, seed=3)
    assert product_faults({name: result(name, seen)}, {}) == []
    assert seen == run_product(name, POLICIES, quick=True, seed=3)


def test_the_cells_have_the_effect_that_they_name() -> None:
    rng = np.random.default_rng(0)
    for cell in (*FALSE_MERGES, *HARMFUL):
        if cell.kind in ("missing", "drift"):
            continue
        found = draw_sealed(cell, 400, 1, rng).values.mean()
        assert found == pytest.approx(cell.effect, abs=0.012), cell.name


def test_without_the_guard_large_rare_losses_are_merged() -> None:
    cell = SKEWED["+10 on 85 %, mean 0, all lost"]
    off = STRICT.model_copy(update={"unseen_loss_guard": False})
    name = f"{cell.policy}: {cell.name}"
    held, merged = (count_false(cell, policy, 2000, 1) for policy in (STRICT, off))
    assert (held.any_merge or 0) < 0.1
    assert (merged.any_merge or 0) > 0.2
    faults = product_faults({name: result(name, CellFigures(counted=merged))}, {})
    assert len(faults) == 1


def test_resubmitting_the_best_so_far_gains_nothing() -> None:
    cell = Resubmission(RESUBMITTED, "strict")
    assert count_resubmitted(cell, STRICT, 60, 1).rate < 0.15


def test_a_missed_chance_and_a_dry_run_that_is_apart_are_faults() -> None:
    cell = POWER[0]
    name = f"{cell.policy}: {cell.name}"
    seen = count_power(cell, STRICT, 400, 1)
    good = {name: result(name, CellFigures(counted=seen))}
    assert product_faults(good, {name: seen.rate}) == []
    assert "the dry run says" in product_faults(good, {name: seen.rate - 0.2})[0]
    low = seen.model_copy(update={"rate": 0.3, "high": 0.35})
    assert (
        "at least 59%"
        in product_faults({name: result(name, CellFigures(counted=low))}, {name: 0.3})[0]
    )


def test_a_ledger_gains_without_harm_where_the_mean_rule_harms() -> None:
    strict = run_campaigns(LEDGER_WORLDS[0], STRICT, 40, 1)
    rival = run_campaigns(RIVAL, STRICT, 40, 1)
    assert strict.gain > 0.2
    assert strict.harmed == 0
    assert strict.confirmations <= 18
    assert rival.useless > 0.9
    name = f"strict: {LEDGER_WORLDS[0].name}"
    poor = strict.model_copy(update={"gain": 0.1})
    assert product_faults({name: result(name, CellFigures(net=strict))}, {}) == []
    assert "net gain" in product_faults({name: result(name, CellFigures(net=poor))}, {})[0]


def test_the_page_shows_every_cell_that_was_measured() -> None:
    names = [next(n for n, c in PRODUCT.items() if isinstance(c, type(kind)))
             for kind in (FALSE_MERGES[0], POWER[0])]  # fmt: skip
    found = {n: result(n, run_product(n, POLICIES, quick=True, seed=1)) for n in names}
    text = product_page(found, dict.fromkeys(names, 0.5), "make calibrate")
    assert all(f"| {PRODUCT[name].name} |" in text for name in names)
    assert "- commit: abc" in text


def test_every_cell_has_a_size_and_quick_is_smaller() -> None:
    assert all(0 < size(name, quick=True) < size(name, quick=False) for name in PRODUCT)
    assert size(f"strict: {FALSE_MERGES[0].name}", quick=False) == 20_000


def result(name: str, figures: CellFigures) -> CellResult:
    made = BuildInfo(engine="e", commit="abc", seed=0, versions={"numpy": "2"})
    return CellResult(**dict(figures), name=name, made=made, seconds=1.0)
