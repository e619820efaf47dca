from functools import partial

import numpy as np
import pytest

from prompt_lab.decide.calibrate.cells import REUSED, REUSED_GAIN, Reuse
from prompt_lab.decide.calibrate.measure import walk
from prompt_lab.decide.calibrate.page import page
from prompt_lab.decide.calibrate.results import BuildInfo, CellResult, run_cell
from prompt_lab.decide.calibrate.reuse import Followed, follow, run_reuse
from prompt_lab.decide.calibrate.series import missed_by_reuse
from prompt_lab.decide.calibrate.tables import reuse_costs, reuse_table
from prompt_lab.decide.looks import design
from prompt_lab.decide.policy import Policy
from tests.prompt_lab.decide.calibrate.probing import PROBE

BY_NAME = {cell.world.name: cell for cell in (*REUSED, *REUSED_GAIN)}
STEADY, GAIN = REUSED[0], REUSED_GAIN[0]
PLANS = 60
ALWAYS = PROBE._replace(drifted=lambda then, now, alpha: True)
NEVER = PROBE._replace(drifted=lambda then, now, alpha: False)


def _follow(fresh: float, reused: float) -> Followed:
    policy = Policy(max_plans=PLANS)
    look = partial(walk, plan=design(PLANS, policy), policy=policy)
    return follow(np.full(PLANS, fresh), np.full(PLANS, reused), PROBE.certain(PLANS), look)


@pytest.mark.parametrize(("plans", "size"), [(200, 50), (60, 15), (20, 8), (5, 5)])
def test_the_probe_takes_its_share_but_never_too_few(plans: int, size: int) -> None:
    certain = PROBE.certain(plans)
    assert PROBE.size(plans) == certain.sum() == size
    assert certain[: min(8, plans)].all()


def test_a_yes_is_made_wholly_anew_and_costs_what_a_new_trial_costs() -> None:
    end = _follow(1.0, 1.0)
    assert (end.stop.why, end.stop.look) == ("better", 1)
    assert end.renewed.sum() == end.asked == end.stop.plans


def test_what_only_the_old_answers_show_is_not_kept_and_the_trial_goes_on() -> None:
    end = _follow(0.0, 1.0)
    assert end.stop.why != "better"
    assert end.asked > design(PLANS, Policy(max_plans=PLANS)).counts[0]


def test_a_trial_that_never_looks_better_makes_only_its_probes_anew() -> None:
    end = _follow(-1.0, -1.0)
    assert end.stop.why == "worse"
    assert end.renewed.sum() == PROBE.certain(PLANS)[: end.asked].sum() < end.asked


@pytest.mark.parametrize("cell", [*REUSED[1::4], *REUSED_GAIN], ids=lambda cell: cell.world.name)
def test_the_rule_keeps_nothing_that_a_wholly_new_trial_does_not(cell: Reuse) -> None:
    for seed in range(15):
        seen = run_reuse(cell, 1, seed, PROBE)
        assert seen.renewed <= seen.fresh


def test_a_drift_is_kept_unasked_and_not_kept_by_the_rule() -> None:
    seen = run_reuse(BY_NAME["200 plans, drifted by 20 points"], 40, 1, PROBE)
    assert seen.unprobed > 35
    assert seen.fresh < 8
    assert seen.probed <= seen.unprobed
    assert seen.calls > 1


def test_only_a_verdict_that_rests_on_old_answers_can_be_invalid() -> None:
    cell = BY_NAME["200 plans, 7 models, gain of 20 points, drifted by 0 points"]
    always, never = (run_reuse(cell, 30, 1, probe) for probe in (ALWAYS, NEVER))
    assert always.renewed == never.renewed > 20
    assert always.renewed + always.invalid <= 30
    assert (always.probed, never.invalid, never.probed) == (0, 0, never.unprobed)
    assert run_reuse(STEADY, 30, 1, ALWAYS).invalid > 20


def test_the_level_is_shared_among_the_models_and_the_pairs_are_theirs() -> None:
    asked: list[tuple[int, int, float]] = []

    def note(then: object, now: object, alpha: float) -> bool:
        assert isinstance(then, list)
        assert isinstance(now, list)
        asked.append((len(then), len(now), alpha))
        return False

    cell = BY_NAME["60 plans, 7 models, drifted by 10 points"]
    run_reuse(cell, 4, 1, PROBE._replace(drifted=note))
    assert len(asked) % 7 == 0
    assert len(asked) >= 7
    assert all(then == now >= 8 and alpha == 0.01 / 7 for then, now, alpha in asked)


def test_without_a_drift_reuse_spares_calls() -> None:
    seen = run_reuse(BY_NAME["60 plans, drifted by 0 points"], 60, 1, PROBE)
    assert 0.5 < seen.calls < 0.9
    assert 0.6 < run_reuse(GAIN, 20, 1, PROBE).calls < 1.5


def test_every_cell_without_a_gain_is_bound_to_the_limit() -> None:
    assert all(cell.limits.kept_at_most == 0.055 and not cell.gain for cell in REUSED)
    assert {(c.world.plans, c.world.models) for c in REUSED} == {
        (plans, models) for plans in (20, 60, 200) for models in (1, 7)
    }
    seen = run_reuse(STEADY, 40, 1, PROBE)
    assert missed_by_reuse(STEADY, seen) == []
    assert missed_by_reuse(STEADY, seen.model_copy(update={"unprobed": 40})) == []
    faults = missed_by_reuse(STEADY, seen.model_copy(update={"renewed": 12}))
    assert "kept 30.00%, at most 5.5% allowed" in faults[0]


def test_a_cell_is_the_same_for_the_same_seed_and_has_a_row() -> None:
    cell = BY_NAME["20 plans, drifted by 0 points"]
    seen = run_reuse(cell, 20, 1, PROBE)
    assert seen == run_reuse(cell, 20, 1, PROBE)
    assert f"| {cell.world.name} | 20 |" in reuse_table([seen])
    assert run_cell(cell.world.name, PROBE, quick=True, seed=1).reused is not None


def test_the_page_says_what_the_rule_costs_and_which_limit_it_misses() -> None:
    null = run_reuse(STEADY, 20, 1, PROBE).model_copy(update={"calls": 0.61, "renewed": 19})
    gain = run_reuse(GAIN, 20, 1, PROBE).model_copy(update={"calls": 1.1})
    made = BuildInfo(engine="e", commit="abc", seed=0, versions={})
    results = {
        of.cell: CellResult(name=of.cell, made=made, seconds=1.0, reused=of) for of in (null, gain)
    }
    text = page(results, "make calibrate").replace("\n", " ")
    assert "takes 61% to 61% of the calls" in text
    assert "110% to 110% for one that gains" in text
    assert f"- {null.cell}: kept 95.00%" in text
    assert reuse_costs([], [gain]) == ""
