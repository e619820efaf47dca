"""What rule 3 corrects: each fault is shown under rule 2 first, then its absence."""

import numpy as np
import pytest
from scipy.stats import binom

from prompt_lab.decide.guard_sides import guard_sides
from prompt_lab.decide.ledger import Use, grant
from prompt_lab.decide.limits import deviation, plans_needed
from prompt_lab.decide.looks import design, run_looks
from prompt_lab.decide.outcome import retest_plans
from prompt_lab.decide.pairs import Floats, tabulate
from prompt_lab.decide.price import forecast, plans_of_trial
from prompt_lab.decide.signflip import advance, start
from prompt_lab.decide.simulated import SimulatedLab, draw_scores
from prompt_lab.decide.trial import stratified
from prompt_lab.decide.verdict import (
    Code,
    Evidence,
    Lengths,
    Outcome,
    Pair,
    Policy,
    Trial,
    Validity,
    decide,
)
from tests.prompt_lab.decide.making import pairs_of
from tests.prompt_lab.decide.policies import NAMES, shipped

STRICT = shipped("strict")
BEFORE = STRICT.model_copy(update={"rule_version": 2})


def level_of_one_look(moving: int, alpha: float, rule: int) -> float:
    """The exact chance that a look at so many fair flips says 'better'."""
    won = [
        wins
        for wins in range(moving + 1)
        if advance(start(rule), np.array([1.0] * wins + [-1.0] * (moving - wins)), alpha).better
    ]
    return float(binom.sf(min(won) - 1, moving, 0.5)) if won else 0.0


def test_the_exact_level_never_exceeds_alpha() -> None:
    levels = {rule: [level_of_one_look(n, 0.005, rule) for n in range(20, 61)] for rule in (2, 3)}
    assert max(levels[2]) > 0.0065
    assert max(levels[3]) <= 0.005 + 1e-12


def fails(policy: Policy, models: int, seed: int) -> float:
    """How often the validity guard fails although both sides are valid equally often."""
    rng = np.random.default_rng(seed)
    table, failed, plans, trials = tabulate(_pairs(40, models)), 0, 40, 500
    for _ in range(trials):
        hard = rng.normal(size=(2, plans, 1)) * np.sqrt(0.9)  # models fail on the same plans
        valid = hard + rng.normal(size=(2, plans, models)) * np.sqrt(0.1) < 1.0
        old, new = valid
        seen = Validity(
            baseline_valid=int(old.sum()), baseline_total=old.size,
            candidate_valid=int(new.sum()), candidate_total=new.size,
            by_plan=tuple((new.mean(axis=1) - old.mean(axis=1)).tolist()),
        )  # fmt: skip
        guards = guard_sides(table, policy, Evidence(validity=seen))
        failed += next(g.state == "failed" for g in guards if g.name == "validity")
    return failed / trials


def _pairs(plans: int, models: int) -> list[Pair]:
    return [Pair(f"m{m}", f"p{p}", 0, 0.5, 0.5) for p in range(plans) for m in range(models)]


@pytest.mark.parametrize("models", [3, 7])
def test_models_that_fail_together_are_one_plan_to_the_validity_guard(models: int) -> None:
    assert fails(BEFORE, models, seed=1) > 0.09
    assert fails(STRICT, models, seed=1) < 0.07


def test_without_differences_by_plan_the_validity_guard_counts_plans() -> None:
    lower = Validity(baseline_valid=120, baseline_total=120, candidate_valid=112,
                     candidate_total=120)  # fmt: skip
    table = tabulate(_pairs(40, 3))
    states = {}
    for policy in (BEFORE, STRICT):
        guards = guard_sides(table, policy, Evidence(validity=lower))
        states[policy.rule_version] = {g.name: g.state for g in guards}["validity"]
    assert states == {2: "failed", 3: "not shown"}


def retested(policy: Policy) -> float:
    """How often the retest that a promising trend asks for says 'better', at a true +10."""
    rng = np.random.default_rng(2)
    first = draw_scores(SimulatedLab(), 0.1, 100, 60, 1, rng)
    wanted = []
    for values in first.values:
        verdict = decide(
            pairs_of((values * 0.999).tolist()), policy.model_copy(update={"futility": 0.0})
        )
        if verdict.reasons[0].code is Code.RAN_OUT:
            wanted.append(retest_plans(values, float(values.mean()), policy))
    again = draw_scores(SimulatedLab(), 0.1, len(wanted), max(wanted), 1, rng)
    better = [
        run_looks(values[:plans], design(plans, policy), policy).why == "better"
        for values, plans in zip(again.values, wanted, strict=True)
    ]
    return float(np.mean(better))


def test_a_retest_settles_a_promising_trend() -> None:
    assert retested(BEFORE) < 0.6
    assert retested(STRICT) > 0.65


def flips(mean: float, spread: float, plans: int, rng: np.random.Generator) -> Floats:
    """Plan differences of -1, 0 and 1."""
    moving = spread**2 + mean**2
    draw = rng.random((500, plans))
    return np.where(draw < (moving + mean) / 2, 1.0, np.where(draw < moving, -1.0, 0.0))


@pytest.mark.parametrize("gain", [0.42, 0.3])
def test_the_price_of_few_plans_is_what_they_show(gain: float) -> None:
    rng = np.random.default_rng(5)
    shown = {}
    for policy in (BEFORE, STRICT):
        plans = plans_of_trial(0.5, gain, policy)
        plan = design(plans, policy)
        found = [run_looks(v, plan, policy).why for v in flips(gain, 0.5, plans, rng)]
        shown[policy.rule_version] = found.count("better") / len(found)
    assert shown[2] < 0.77
    assert 0.78 < shown[3] < 0.92
    assert plans_of_trial(0.5, gain, BEFORE) == plans_needed(0.5, gain, STRICT.alpha, 0.8)


def test_the_forecast_of_few_plans_is_no_better_than_its_price() -> None:
    old, new = forecast(20, 0.5, BEFORE), forecast(20, 0.5, STRICT)
    assert new.visible > old.visible
    assert new.power <= old.power


def test_a_yes_says_so_where_its_gain_may_be_below_the_smallest_effect() -> None:
    small = decide(pairs_of([0.03, 0.04, 0.05, 0.03, 0.04] * 30), STRICT)
    assert small.outcome is Outcome.YES
    assert Code.SMALL_GAIN in [r.code for r in small.reasons]
    assert Code.SMALL_GAIN not in [
        r.code for r in decide(pairs_of([0.03, 0.04, 0.05] * 50), BEFORE).reasons
    ]
    large = decide(pairs_of([0.3, 0.2, 0.25] * 20), STRICT)
    assert Code.SMALL_GAIN not in [r.code for r in large.reasons]


def test_the_headline_is_the_claimed_gain() -> None:
    rng = np.random.default_rng(0)
    pairs = pairs_of(rng.normal(0.12, 0.3, 60).clip(-0.9, 0.9).tolist())
    before, now = decide(pairs, BEFORE), decide(pairs, STRICT)
    assert now.claimed is not None
    assert now.effect is not None
    assert now.claimed < now.effect
    assert before.reasons[0].text.startswith(f"Better by {now.effect * 100:+.1f} points")
    assert now.reasons[0].text.startswith(f"Better by about {now.claimed * 100:+.1f} points")
    assert float(now.reasons[0].facts["claimed"]) == pytest.approx(now.claimed, abs=1e-5)


UNEVEN = [0.1] * 54 + [-0.5] * 2


def test_an_interval_of_uneven_plans_is_warned_of_with_the_code_of_the_guard() -> None:
    codes = {r: [x.code for x in decide(pairs_of(UNEVEN), p).reasons] for r, p in
             ((2, BEFORE), (3, STRICT))}  # fmt: skip
    assert Code.SKEWED in codes[2]
    assert Code.UNSEEN_LOSS not in codes[2]
    assert Code.UNSEEN_LOSS in codes[3]


def gains(gain: float, plans: int, base: float = 0.9) -> list[Pair]:
    return [Pair("m", f"p{i:03d}", 0, base, base + gain) for i in range(plans)]


def test_a_gain_on_every_plan_seen_is_no_yes_while_unseen_plans_could_cancel_it() -> None:
    """+5 points on each of 60 plans: a twentieth of the plans could lose everything unseen."""
    assert decide(gains(0.05, 60), BEFORE).outcome is Outcome.YES
    held = decide(gains(0.05, 60), STRICT)
    assert (held.outcome, held.reasons[0].code) == (Outcome.CONDITIONAL, Code.UNSEEN_LOSS)
    fewest = int(held.reasons[0].facts["retest_plans"])
    assert decide(gains(0.05, fewest), STRICT).outcome is Outcome.YES
    assert decide(gains(0.05, fewest - 3), STRICT).outcome is Outcome.CONDITIONAL
    off = STRICT.model_copy(update={"unseen_loss_guard": False})
    assert decide(gains(0.05, 60), off).outcome is Outcome.YES


def test_a_look_that_the_guard_holds_back_goes_on_to_the_next() -> None:
    trial = Trial(STRICT, ["m"], [f"p{i:03d}" for i in range(60)])
    known = {pair.cell: pair for pair in gains(0.1, 60)}
    looks = []
    while batch := trial.next_batch():
        looks.append(len(batch))
        trial.update(known[cell] for cell in batch)
    assert looks == [20, 20, 20]
    assert trial.verdict is not None
    assert (trial.verdict.outcome, trial.verdict.look) == (Outcome.YES, 3)


def test_a_few_large_losses_are_no_yes_where_more_of_them_could_cancel_the_gain() -> None:
    """+10 on most of 60 plans, three lose everything: with 15 % such plans the mean is 0."""
    pairs = [*gains(0.1, 57, base=0.567), *(Pair("m", f"l{i}", 0, 0.567, 0.0) for i in range(3))]
    assert decide(pairs, BEFORE).outcome is Outcome.YES
    held = decide(pairs, STRICT)
    assert (held.outcome, held.reasons[0].code) == (Outcome.CONDITIONAL, Code.UNSEEN_LOSS)
    assert "a few plans lose so much" in held.reasons[0].text


def test_differences_of_one_need_no_guard() -> None:
    pairs = [Pair("m", f"p{i:03d}", 0, float(i % 4 > 0), 1.0) for i in range(60)]
    assert decide(pairs, STRICT).outcome is Outcome.YES


def test_a_side_that_is_missing_alone_counts_against_the_candidate() -> None:
    good = pairs_of([0.3] * 20)
    lost = [Pair("m", f"gone {i}", 0, 0.9, None) for i in range(4)]
    refused = [Pair("m", f"late {i}", 0, None, 0.2) for i in range(4)]
    both = [Pair("m", f"out {i}", 0, None, None) for i in range(4)]
    assert decide([*good, *lost], BEFORE).effect == pytest.approx(0.3)
    assert decide([*good, *lost], STRICT).effect == pytest.approx((20 * 0.3 - 4 * 0.9) / 24)
    assert decide([*good, *refused], STRICT).effect == pytest.approx((20 * 0.3 - 4 * 0.8) / 24)
    outage = decide([*good, *both], STRICT)
    assert outage.effect == pytest.approx(0.3)
    assert (outage.n_missing, outage.n_pairs) == (4, 20)
    assert decide([*good, *lost], STRICT).n_missing == 4


def test_the_same_rows_judged_again_spend_nothing() -> None:
    policy = shipped("strict", granted=False)
    first = Use(iteration=1, plan_set="v", alpha=0.04 / 18, rows="a")
    again = first.model_copy(update={"iteration": 2})
    other = first.model_copy(update={"iteration": 3, "rows": "b"})
    assert grant([first, again], policy) == grant([first], policy)
    assert grant([first, other], policy).left == 16
    assert grant([first, other], policy, rows="a").alpha == first.alpha
    assert "16 confirmations are left" in grant([first], policy).text
    used = [first.model_copy(update={"rows": f"{n}"}) for n in range(18)]
    assert "add new verify plans" in grant(used, policy).text


def test_trials_that_train_plans_decided_spend_nothing_of_a_budget_of_confirmations() -> None:
    """Ten trials of rule 2 had spent all of 0.05, and left a sealing policy nothing at all."""
    policy, before = shipped("strict", granted=False), shipped("default", granted=False)
    old = [Use(iteration=n, plan_set="t", alpha=0.005, sealed=False) for n in range(10)]
    assert grant(old, policy) == grant([], policy)
    assert grant(old, before).alpha == 0
    new = Use(iteration=11, plan_set="v", alpha=0.04 / 18)
    assert grant([*old, new], policy).left == 17


def test_easy_and_hard_plans_are_spread_over_the_looks() -> None:
    names = [f"p{i:02d}" for i in range(30)]
    baseline = {name: i / 29 for i, name in enumerate(names)}
    evidence = Evidence(baseline=baseline)
    trial = Trial(STRICT, ["m"], names, evidence)
    thirds = [trial.plans[k : k + 10] for k in (0, 10, 20)]
    means = [np.mean([baseline[name] for name in third]) for third in thirds]
    assert max(means) - min(means) < 0.04
    assert Trial(BEFORE, ["m"], names, evidence).plans == Trial(BEFORE, ["m"], names).plans
    other = STRICT.model_copy(update={"seed": 1})
    assert Trial(other, ["m"], names, evidence).plans != trial.plans
    assert sorted(stratified(names, {"p03": 0.5}, 3)) == names
    assert stratified(names, {}, 3) == tuple(names)


def test_no_harm_excludes_the_margin_and_asks_for_an_estimate() -> None:
    policy = shipped("no-harm")
    rng = np.random.default_rng(1)
    gain = rng.normal(0.08, 0.1, 60).clip(-0.4, 0.4).tolist()
    yes = decide(pairs_of(gain), policy)
    assert (yes.outcome, yes.reasons[0].code) == (Outcome.YES, Code.NO_HARM)
    equal = rng.normal(0.0, 0.05, 120).clip(-0.4, 0.4).tolist()
    assert decide(pairs_of(equal), policy).outcome is not Outcome.YES
    worse = decide(pairs_of(rng.normal(-0.2, 0.1, 60).clip(-0.4, 0.4).tolist()), policy)
    assert (worse.outcome, worse.reasons[0].code) == (Outcome.NO, Code.WORSE)


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("simpler", {"lengths": Lengths(baseline=1000, candidate=900)}),
        ("cheaper", {"cost": {"baseline": (0.02, 0.02), "candidate": (0.01, 0.01)}}),
    ],
)
def test_simpler_and_cheaper_take_the_saving_at_no_loss(name: str, evidence: object) -> None:
    policy = shipped(name)
    equal = pairs_of(np.random.default_rng(1).normal(0.0, 0.05, 150).tolist())
    yes = decide(equal, policy, Evidence.model_validate(evidence))
    assert (yes.outcome, yes.reasons[0].code.value) == (Outcome.YES, name)
    unsaved = decide(equal, policy)
    assert (unsaved.outcome, unsaved.reasons[0].code) == (Outcome.CONDITIONAL, Code.NO_SAVING)
    # Few plans that never differ exclude no loss.
    assert decide(pairs_of([0.0] * 30), policy, Evidence.model_validate(evidence)).outcome != "YES"


def test_every_shipped_policy_is_of_rule_3_and_default_of_rule_2() -> None:
    assert all(shipped(name).rule_version == 3 for name in NAMES)
    assert shipped("default").rule_version == Policy().rule_version == 2
    assert deviation(np.array([0.1, 0.1])) == 0
    grants = {name: round(shipped(name).alpha * 18, 6) for name in NAMES}
    assert grants == {"strict": 0.04, "no-harm": 0.03, "simpler": 0.03, "cheaper": 0.03}
